"""Lazy imports of a package's names (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

__all__ = ["front_door"]


def front_door(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the functions ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: Full name of the package.
        homes: Names of the package by module.

    Examples:
        >>> look_up, _ = front_door("brpnas.devices", {"catalogue": ["load_devices"]})
        >>> look_up("load_devices").__module__
        'brpnas.devices.catalogue'
    """
    where = {name: home for home, names in homes.items() for name in names}

    def look_up(name: str) -> object:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{where[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *where})

    return look_up, names
