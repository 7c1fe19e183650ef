"""Whether a converted network answers as in torch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from brpnas.measure import MeasureSettings, Protocol, get_runtime, select_cells
from brpnas.measure.batch import convert_batch
from brpnas.measure.setup import cell_artifact
from brpnas.measure.targets.local import check_artifacts
from brpnas.spaces import NetworkConfig

__all__ = ["differences"]

CELLS, QUICK_CELLS = 20, 2


def differences(
    names: Iterable[str], network: NetworkConfig, *, quick: bool
) -> dict[str, dict[str, Any]]:
    """Largest difference of runtimes from torch in fp32, relative to the largest logit.

    Args:
        names: The runtimes.
        network: Size of the networks.
        quick: Convert a few cells only.

    Returns:
        By runtime: ``cells`` whose answer was compared, ``failed`` ones with their error, the
        ``largest`` difference, and the ``versions`` of the converter.
    """
    cells = select_cells(QUICK_CELLS if quick else CELLS, seed=1)
    return {name: _of_runtime(name, cells, network) for name in names}


def _of_runtime(name: str, cells: list[str], network: NetworkConfig) -> dict[str, Any]:
    settings = MeasureSettings(get_runtime(name), Protocol(0, 1, 1), network)
    settings.runtime.check()
    makes = {cell: partial(cell_artifact, cell, settings) for cell in cells}
    with tempfile.TemporaryDirectory() as folder:
        failed = list(convert_batch(makes, settings, Path(folder), checked=False))
        rows = list(check_artifacts(Path(folder)))
    failed += [row for row in rows if row["event"] == "failed"]
    found = [row["difference"] for row in rows if row["event"] == "checked"]
    return {
        "cells": len(found),
        "failed": {row["name"]: row["error"] for row in failed},
        "largest": max(found),
        "versions": settings.versions,
    }
