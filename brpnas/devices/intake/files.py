"""Checks of a device's file: its place, and its name, which names the device."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from brpnas.devices.catalogue import NAME_PATTERN
from brpnas.tables import Finding, check_place

__all__ = ["check_path"]


def check_path(path: Path) -> list[Finding]:
    """Problems with the place of a file and with its name."""
    return check_place(path, "device", valid=partial(re.fullmatch, NAME_PATTERN.strip("^$")))
