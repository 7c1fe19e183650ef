"""Packages that others would import for nothing."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from kedro.framework.hooks import hook_impl

__all__ = ["NotebookHooks", "absent"]


@contextmanager
def absent(package: str) -> Iterator[None]:
    """Have imports of a package fail in the block, as if it were not installed.

    Where it is imported already, nothing changes.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # so Python documents it
    try:
        yield
    finally:
        del sys.modules[package]


class NotebookHooks:
    """Keeps MLflow from importing IPython, to see that a run was not started in a notebook.

    In a notebook IPython is imported already. Anywhere else the import takes a fifth of a second.
    """

    @hook_impl(wrapper=True)
    def before_pipeline_run(self) -> Generator[None, Any, Any]:
        """Around the start of the run in MLflow."""
        with absent("IPython"):
            return (yield)
