"""Ten measured rows of a board to a search under its limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.project import Project
from brpnas.datasets import read_embedded_latency

__all__ = ["ten_rows"]

DEVICE = "amd-epyc-onnxruntime-fp32-1t"
"""Source of the board's rows. The prior knows this device, so the figures apply to boards like a
known one; docs/method.md has the coverage on unknown devices."""


def ten_rows(folder: Path, quick: bool) -> dict[str, Any]:
    """Bring a CSV of ten rows, then run two commands; check the limit on the true latencies."""
    project = Project(folder / "project")
    true = read_embedded_latency(DEVICE)
    rows = true.sample(10, random_state=0)[["arch_id", "latency_ms"]]
    limit = float(true["latency_ms"].median().round(3))
    rows.to_csv(project.root / "data" / "01_raw" / "devices" / "my-board.csv", index=False)
    task = f"device=my-board,constraints=[latency_ms <= {limit}]"
    if quick:
        task += ",search.budget.queries=10,search.budget.rounds=2"
        task += ",search.report.comparison_seeds=0"
    check = ["brpnas", "devices", "check", "data/01_raw/devices/my-board.csv"]
    errors, seconds = project.errors(check, ["kedro", "run", f"--params={task}"])
    figures = {"commands": len(seconds), "errors": errors, "limit_ms": limit}
    if errors:
        return figures
    out = project.root / "data" / "07_model_output"
    found = json.loads((out / "search_result.json").read_text("utf-8"))
    history = pd.read_parquet(out / "search_history.parquet")
    latency = true.set_index("arch_id")["latency_ms"]
    asked = latency.reindex(history.loc[history["feasible"], "arch_id"].unique()).dropna()
    return figures | {
        "predicted_ms": found["known"]["predicted_latency_ms"],
        "true_ms": float(latency.get(found["chosen"]["arch_id"], float("nan"))),
        "asked_with_true_latency": len(asked),
        "asked_within": float((asked <= limit).mean()),
    }
