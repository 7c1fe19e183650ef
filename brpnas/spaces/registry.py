"""Spaces by name: those of the library, and one's own by the path of their file."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.nasbench201 import NasBench201

__all__ = ["SPACES", "get_space"]

SPACES: dict[str, type[SearchSpace]] = {space.name: space for space in (NasBench201,)}
"""The spaces of the library."""


def get_space(name: str) -> SearchSpace:
    """Return the search space of that name.

    Args:
        name: ``nasbench201``, or the path of a Python file (``spaces/mine.py``, seen from the
            working directory) that holds one subclass of `SearchSpace`. Such a space is called by
            its path everywhere: that is its ``name``, whatever its class says.

    Raises:
        UnknownNameError: If there is none of that name.
        ConfigurationError: If the file cannot be imported, or does not hold one space.
    """
    if name in SPACES:
        return SPACES[name]()
    if name.endswith(".py"):
        return _load(name)
    raise UnknownNameError("search space", name, SPACES)


def _load(name: str) -> SearchSpace:
    path = Path(name)
    if not path.is_file():
        raise ConfigurationError(
            f"There is no file {name!r} of a search space (seen from {Path.cwd()})."
        )
    module_name = "brpnas_space_" + "".join(c if c.isalnum() else "_" for c in str(path.resolve()))
    module = sys.modules.get(module_name)
    if module is None:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None and spec.loader is not None  # noqa: PT018, S101 - it ends in .py
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module  # before it runs, as dataclasses look for it there
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise ConfigurationError(
                f"The search space {name!r} cannot be imported: {type(error).__name__}: {error}"
            ) from error
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, SearchSpace)
        and value.__module__ == module_name
        and not inspect.isabstract(value)
    ]
    if len(found) != 1:
        names = ", ".join(value.__name__ for value in found) or "none"
        raise ConfigurationError(
            f"{name!r} must hold one subclass of brpnas.spaces.SearchSpace with all its abstract "
            f"methods written, and holds {names}."
        )
    space: SearchSpace = found[0]()
    space.name = name
    return space
