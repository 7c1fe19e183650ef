"""Parameters of `conf/base`, with a few changes for a test."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_BASE = Path(__file__).parents[2] / "conf" / "base"


@cache
def _parameters() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in sorted(_BASE.glob("parameters_*.yml")):
        found |= yaml.safe_load(file.read_text("utf-8")) or {}
    return found


def base(name: str, **changes: Any) -> Any:
    """A parameter of `conf/base` with changes, key by key in its groups.

    An unknown key is an error: a test must follow a renamed parameter.
    """
    return changed(copy.deepcopy(_parameters()[name]), changes)


def changed(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A group of parameters with changes; a change may be a group itself."""
    unknown = set(changes) - set(values)
    assert not unknown, f"no such parameters: {sorted(unknown)}"
    new = {
        key: changed(values[key], value)
        if isinstance(value, Mapping) and isinstance(values[key], dict)
        else value
        for key, value in changes.items()
    }
    return values | new
