"""A three-cell NAS-Bench-201 in the published formats."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brpnas.spaces.nasbench201 import to_string

CELLS = ("421211", "334131", "000200")
_RUNS = {"421211": 3, "334131": 2, "000200": 3}
_VALID = {"421211": 50.0, "334131": 60.0, "000200": 40.0}
_COLUMNS = {
    "cifar10": "CIFAR10TestAccuracy200Epochs",
    "cifar100": "CIFAR100TestAccuracy200Epochs",
    "imagenet": "ImageNetTestAccuracy200Epochs",
}
NAMES = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet": "imagenet16-120"}


class Published:
    """Content of the five files; change it before `write` to damage it.

    Run ``i`` of a cell has validation accuracy ``base + i`` percent; on CIFAR-100 and ImageNet the
    union of the halves is half a point above it, so the test half is one point above it.
    """

    def __init__(self) -> None:
        self.strings = [to_string(tuple(map(int, key))) for key in CELLS]
        self.valid: dict[str, dict[str, list[Any]]] = {
            name: {key: [_VALID[key] + i for i in range(_RUNS[key])] for key in CELLS}
            for name in _COLUMNS
        }
        self.metrics: Any = {}
        self.test: dict[str, list[float]] = {}
        for name, scale in zip(_COLUMNS, (1.0, 2.0, 6.0), strict=True):
            valid = np.concatenate(list(self.valid[name].values()))
            above = 0.0 if name == "cifar10" else 0.5
            counts = [_RUNS[key] for key in CELLS]
            self.metrics[name] = {
                "loss": 100.0 - valid - above,
                "runtime": np.repeat([10.0, 20.0, 30.0], counts) * scale,
                "size_in_mb": np.repeat([0.1, 0.2, 0.3], counts),
            }
            self.test[name] = [float(np.mean(v)) + 1.0 for v in self.valid[name].values()]


def write(folder: Path, published: Published) -> dict[str, Path]:
    """Write the files; return their paths by catalogue name."""
    files = {"nasbench201-runs": folder / "metric_vals.pkl"}
    files["nasbench201-runs"].write_bytes(pickle.dumps(published.metrics, 4))
    for name, values in published.valid.items():
        path = folder / f"{name}.pkl"
        path.write_bytes(pickle.dumps(values, 4))
        files[f"nasbench201-valid-{NAMES[name]}"] = path
    table = {_COLUMNS[name]: values for name, values in published.test.items()}
    files["nasbench201-test"] = folder / "nats_bench.csv"
    frame = pd.DataFrame(table | {"ArchitectureString": published.strings, "UniqueString": "?"})
    frame.to_csv(files["nasbench201-test"], index=False)
    return files
