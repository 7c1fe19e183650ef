"""The search of `make run`: accuracy and latency of the space, the queries and the winner.

The stages `ingest` to `search` run in a fresh copy of the project with its default configuration:
NAS-Bench-201, embedded accuracies on digits and latencies of a CPU, and a latency limit. The JSON
object holds the points of the Pareto plot (all queries, the corners of the front, a random part of
the space) and the mean test accuracy of each sampler over its seeds.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.project import Project
from brpnas.datasets import mean_accuracy
from brpnas.report.plots import accuracies
from brpnas.report.plots.space import Accuracies
from pipelines.predicted import task_rows

__all__ = ["points", "run"]

SEEDS = 1, 1
_STAGES = "ingest,featurise,train,search"
_QUICK = ["search.budget.queries=20", "search.budget.rounds=4", "train.epochs=2"]
_SHOWN = 1500
"""Architectures of the space in the picture, beside the queries and the front."""


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Run the stages in a copy of the project; the seeds are those of its configuration."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        parameters = [f"--params={','.join(_QUICK)}"] if quick else []
        project.run(["kedro", "run", f"--pipelines={_STAGES}", *parameters]).checked()
        return _figures(project.root / "data")


def _figures(data: Path) -> dict[str, Any]:
    read = lambda name: pd.read_parquet(data / f"{name}.parquet")  # noqa: E731
    found = json.loads((data / "07_model_output" / "search_result.json").read_text("utf-8"))
    space = task_rows(read("07_model_output/predictions"))
    names = {"measured": "latency_ms", "predicted": "predicted_latency_ms"}
    space = space.rename(columns=names)
    known = found["chosen"] | found["known"] | found["held_out"]
    tested = mean_accuracy(read("03_primary/accuracy"), found["task"]["dataset"])
    space = space.assign(test_accuracy=space["arch_id"].map(tested))
    winner = found["chosen"]["arch_id"]
    shown = accuracies(space, read("07_model_output/search_history"), winner)
    if shown is None:
        sys.exit("No architecture has both an accuracy and a latency.")
    traces = read("07_model_output/search_traces")
    ends = traces[traces["query"] == traces["query"].max()].groupby("sampler")["chosen_test"]
    return {
        "seeds": int(traces["seed"].nunique()),
        "constraints": found["task"]["constraints"],
        "queries": found["queries"],
        "chosen": {
            key: known[key]
            for key in ("arch_id", "predicted_latency_ms", "test_accuracy", "optimum_test_accuracy")
        },
        "test_accuracy": {
            name: [round(float(values.mean()), 4), round(float(values.std(ddof=0)), 4)]
            for name, values in ends
        },
        "latency": shown.latency,
        "architectures": len(shown.points),
        "points": _kept(shown.points, winner),
    }


def _kept(table: pd.DataFrame, winner: str) -> dict[str, list[list[float]]]:
    """Latency, accuracy and, if any, round of the plotted points."""
    front = table[table["front"]].drop_duplicates(["latency_ms", "accuracy"])
    front = front.sort_values("accuracy").drop_duplicates("accuracy")
    queried = table.dropna(subset=["round"])
    rest = table[table["round"].isna() & ~table["front"]]
    kept = {
        "winner": table[table["arch_id"] == winner],
        "queried": queried,
        "front": front,
        "space": rest.sample(min(_SHOWN, len(rest)), random_state=0),
    }
    return {
        name: [
            [round(row.latency_ms, 4), round(row.accuracy, 4)]
            + ([int(row.round)] if name in ("winner", "queried") else [])
            for row in rows.itertuples()
        ]
        for name, rows in kept.items()
    }


def points(result: Mapping[str, Any]) -> Accuracies:
    """Content of the report's plot from the JSON object; the winner is called ``winner``."""
    rows = [
        {
            "arch_id": "winner" if name == "winner" else f"{name} {number}",
            "latency_ms": values[0],
            "accuracy": values[1],
            "front": name == "front",
            "round": values[2] if name == "queried" else None,
        }
        for name, listed in result["points"].items()
        for number, values in enumerate(listed)
    ]
    table = pd.DataFrame(rows).astype({"round": "float64"})
    return Accuracies(table, latency=result["latency"], accuracy="test", left_out=0)
