"""Size of a kit."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from brpnas.measure import MeasureSettings, make_kit, select_cells

__all__ = ["kit_size"]

CELLS, QUICK_CELLS = 300, 4


def kit_size(settings: MeasureSettings, *, quick: bool) -> dict[str, Any]:
    """Make a kit.

    Returns:
        ``cells``, ``failed`` ones, and MB (10^6 bytes) of the zip file and of its files unpacked.
    """
    cells = select_cells(QUICK_CELLS if quick else CELLS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kit.zip"
        failed = make_kit(cells, settings, path, progress=False)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        size = path.stat().st_size
    return {
        "cells": len(cells) - len(failed),
        "failed": len(failed),
        "zip_mb": round(size / 1e6, 2),
        "unpacked_mb": round(unpacked / 1e6, 2),
    }
