"""The same networks over SSH and on this machine, and what the other side needs."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brpnas.measure import LocalTarget, MeasureSettings, SshTarget, Target, select_cells
from brpnas.measure.batch import EVERY, convert_batch
from brpnas.measure.setup import cell_artifact
from brpnas.metrics import spearman
from tests.measure.targets.board import Board

__all__ = ["needs", "over_ssh"]

CELLS, QUICK_CELLS = 100, 6
_LIST = (
    "import json, pkgutil, site, sys;"
    "print(json.dumps([sys.version.split()[0],"
    " sorted(m.name for m in pkgutil.iter_modules(site.getsitepackages()))]))"
)


def over_ssh(board: Board, settings: MeasureSettings, *, quick: bool) -> dict[str, Any]:
    """Time cells here, over SSH on loopback, and here again, in batches as `measure` does.

    The conversion is not counted. The second local measurement shows the noise.

    Args:
        board: The other side.
        settings: How to measure.
        quick: Time a few cells only.

    Returns:
        ``cells``; the seconds of each side; ``ratio`` of the time over SSH to the mean of the local
        ones; ``median_difference`` and ``spearman`` of the latencies over SSH against the first
        local ones; the same of the two local ones as ``local``.
    """
    cells = select_cells(QUICK_CELLS if quick else CELLS, seed=2)
    batch = 3 if quick else EVERY
    parts: list[pd.DataFrame] = []
    with SshTarget(board.address) as there:
        there.describe(settings.runtime)  # a connection that stays, as in a measurement
        for start in range(0, len(cells), batch):
            parts += _batch(cells[start : start + batch], settings, there)
    rows = pd.concat(parts)
    seconds = rows.groupby("side")["batch_s"].sum()
    timed = rows[rows["event"] == "network"]
    wide = timed.pivot_table(index="name", columns="side", values="latency_ms")
    return {
        "cells": len(wide.dropna()),
        "batch": batch,
        "protocol": settings.fingerprint()["protocol"],
        "median_ms": round(float(wide["first"].median()), 4),
        "seconds": {side: round(float(value), 2) for side, value in seconds.items()},
        "ratio": round(float(seconds["ssh"] / (seconds["first"] + seconds["again"]) * 2), 4),
        **_compared(wide["ssh"], wide["first"]),
        "local": _compared(wide["again"], wide["first"]),
    }


def _batch(cells: Sequence[str], settings: MeasureSettings, there: Target) -> list[pd.DataFrame]:
    """Rows of each side; the seconds of the batch are in its first row."""
    makes = {cell: partial(cell_artifact, cell, settings) for cell in cells}
    parts = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in convert_batch(makes, settings, folder):
            raise RuntimeError(f"{row['name']} cannot be converted: {row['error']}")
        for side, target in (("first", LocalTarget()), ("ssh", there), ("again", LocalTarget())):
            start = time.perf_counter()
            with closing(target.measure(folder)) as measured:
                rows = pd.DataFrame(list(measured))
            took = np.zeros(len(rows))
            took[0] = time.perf_counter() - start
            parts.append(rows.assign(side=side, batch_s=took))
            (folder / "rows.jsonl").unlink(missing_ok=True)
    return parts


def _compared(one: pd.Series, other: pd.Series) -> dict[str, float]:
    apart = (one / other - 1).abs()
    return {
        "median_difference": round(float(apart.median()), 4),
        "p90_difference": round(float(apart.quantile(0.9)), 4),
        "spearman": round(spearman(one, other), 4),
    }


def needs(board: Board, runtime: str) -> dict[str, Any]:
    """Everything that the Python of the board can import beside its standard library.

    Args:
        board: The board; networks have been timed on it.
        runtime: Name of the runtime's module.

    Returns:
        Version of ``python``, its ``modules``, and those ``beside`` numpy and the runtime.
    """
    host, _, python = board.address.removeprefix("ssh://").partition("/")
    login, _, port = host.partition(":")
    command = f"{python} -P -c {shlex.quote(_LIST)}"
    done = subprocess.run(
        ["ssh", "-p", port, login, command], capture_output=True, text=True, check=True
    )
    version, modules = json.loads(done.stdout)
    beside = sorted(set(modules) - {"numpy", runtime})
    return {"python": version, "modules": modules, "beside": beside}
