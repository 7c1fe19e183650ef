"""`brpnas devices add`, beside `retrain` on the same table."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.project import Project
from tests.measure.targets.board import Board

__all__ = ["added"]

NAME = "my-board"
CELLS, TEST_CELLS = 20, 30
_QUICK = ("--cells=10", "--test-cells=5", "--runs=2", "--repeats=2")


def added(board: Board, *, quick: bool) -> dict[str, Any]:
    """Add a board in a fresh copy of the project; then bring its table as a file to another copy.

    Args:
        board: The board.
        quick: Measure fewer cells, with fewer runs.

    Returns:
        ``minutes`` of the command; rows to ``learn`` from and to ``test`` on; Spearman and share
        within ±10 % on the test rows; and the Spearman correlation of ``retrain``.
    """
    options = _QUICK if quick else (f"--cells={CELLS}", f"--test-cells={TEST_CELLS}")
    command = ["brpnas", "devices", "add", NAME, f"--target={board.address}", *options]
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "added")
        ended = project.run(command).checked()
        table = pd.read_parquet(project.root / "data" / "01_raw" / "measured" / f"{NAME}.parquet")
        figures, again = _figures(project), Project(Path(folder) / "retrain")
        brought = again.root / "data" / "01_raw" / "devices" / f"{NAME}.csv"
        table[["arch_id", "latency_ms", "network_size", "precision"]].to_csv(brought, index=False)
        again.run(["kedro", "run", "--pipelines=retrain", f"--params=device={NAME}"]).checked()
        retrained = _figures(again)
    found = figures["challenger"]
    return {
        "minutes": round(ended.seconds / 60, 2),
        "learn": figures["rows"]["learn"],
        "test": figures["rows"]["test"],
        "spearman": round(found["spearman"], 4),
        "within_10": round(found["within_10"], 4),
        "retrain": {
            "test": retrained["rows"]["test"],
            "spearman": round(retrained["challenger"]["spearman"], 4),
        },
    }


def _figures(project: Project) -> dict[str, Any]:
    pages = project.root / "data" / "08_reporting" / "devices" / NAME
    figures: dict[str, Any] = json.loads((pages / "metrics.json").read_text("utf-8"))
    return figures
