"""Lazy imports of a package's names (PEP 562)."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

__all__ = ["front_door"]


def front_door(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the functions ``__getattr__`` and ``__dir__`` of a package.

    Its names are those that the block ``if TYPE_CHECKING`` of its source imports.

    Args:
        package: Full name of the package.
        file: Its source.

    Examples:
        >>> import brpnas.devices
        >>> look_up, _ = front_door("brpnas.devices", brpnas.devices.__file__)
        >>> look_up("load_devices").__module__
        'brpnas.devices.catalogue'
    """

    @functools.cache
    def homes() -> dict[str, str]:
        return {
            alias.name: str(found.module)
            for block in ast.parse(Path(file).read_text("utf-8")).body
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for found in block.body
            if isinstance(found, ast.ImportFrom)
            for alias in found.names
        }

    def look_up(name: str) -> object:
        if name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes()[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes()})

    return look_up, names
