"""A small benchmark in the form of the shipped one; its numbers are made up."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from brpnas.datasets import ACCURACY, LATENCY, list_architectures, validate
from tests.pipelines.toys import make_operations

CELLS = 400


def write_benchmark(folder: Path) -> Path:
    """Write accuracies of the first cell of some functions, and latencies of one device."""
    space = list_architectures().drop_duplicates("isomorphism_id")[:CELLS].reset_index()
    cells = space["arch_id"].tolist()
    runs = pd.DataFrame(
        {"arch_id": cells, "dataset": "digits", "seed": 0, "epochs": 6, "train_time_s": 1.0}
    )
    both = [runs.assign(split=s, accuracy=space["flops_m"] / 300) for s in ("valid", "test")]
    accuracy = validate(pd.concat(both), ACCURACY, origin="the test")
    latency = pd.DataFrame({"arch_id": cells, "device": "board", "std_ms": 0.1, "repeats": 10})
    latency = latency.assign(latency_ms=1 + space["flops_m"])
    (folder / "latency").mkdir(parents=True)
    accuracy.to_parquet(folder / "nb201-digits.parquet", index=False)
    validate(latency, LATENCY, origin="the test").to_parquet(
        folder / "latency" / "board.parquet", index=False
    )
    make_operations("board").to_parquet(folder / "operations.parquet", index=False)
    facts = {"licence": "Apache-2.0", "citation": "of the test"}
    (folder / "facts.json").write_text(json.dumps(facts))
    return folder
