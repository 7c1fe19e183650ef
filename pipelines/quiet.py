"""Warnings of dependencies without use for users of this project.

MLflow puts its own filter before all others, so these warnings are dropped in the function showing
warnings. All others are shown as before.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

__all__ = ["USELESS", "quieten"]

USELESS = (
    # MLflow to authors of models: the model of kedro-mlflow has no type hints, nor has the
    # registry, on purpose (pipelines/registry/served.py).
    re.compile(r"Add type hints to the `predict` method"),
)
"""Parts of hidden messages, each with its reason above."""


def quieten() -> None:
    """Let Python show all warnings except those of `USELESS`."""
    show = warnings.showwarning

    def shown_if_useful(message: Warning | str, *arguments: Any, **named: Any) -> None:
        if not any(pattern.search(str(message)) for pattern in USELESS):
            show(message, *arguments, **named)

    warnings.showwarning = shown_if_useful
