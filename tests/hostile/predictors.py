"""Predictors and trained networks with false metadata or weights."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from brpnas.predictors import (
    MeasuredRows,
    PairwiseRanker,
    TrainingConfig,
    fit_metric,
)
from brpnas.spaces import get_space
from tests.hostile import Folder, Hostile

__all__ = ["make_predictors"]

_TINY = TrainingConfig(hidden=8, layers=1, epochs=1)


def _parts(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata()), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118


def make_predictors(root: Path) -> list[Hostile]:
    """Make the files."""
    folder = Folder(root, "predictor", ".safetensors")
    space = get_space("nasbench201")
    graphs = space.graphs(space.enumerate()[::400])
    rows, values = np.arange(len(graphs)), np.linspace(1, 2, len(graphs))
    train, valid = (
        MeasuredRows(r, v) for r, v in ((rows[::2], values[::2]), (rows[1::2], values[1::2]))
    )
    good = folder.root / "good"
    fit_metric(graphs, train, valid, _TINY, members=1, view="pruned").save(good)
    metadata, tensors = _parts(good)
    changes: dict[str, dict[str, str | None]] = {
        "ten million members": {"members": "10000000"},
        "a negative number of members": {"members": "-1"},
        "no view": {"view": None},
        "a view that does not exist": {"view": '"sideways"'},
        "a location of NaN": {"location": "NaN"},
        "an infinite scale": {"scale": "1e999"},
        "a scale that is text": {"scale": '"1"'},
        "a location of 1000": {"location": "1000.0"},
        "hidden of a billion": {"config": json.dumps({"hidden": 10**9, "layers": 1})},
        "layers of a billion": {"config": json.dumps({"hidden": 8, "layers": 10**9})},
        "a config that is a list": {"config": "[]"},
        "an unknown setting": {"config": json.dumps({"hidden": 8, "layers": 1, "warp": 9})},
        "a vocabulary of a billion": {"num_ops": "1000000000"},
        "deep JSON": {"view": "[" * 100_000},
        "a backbone that does not exist": {
            "config": json.dumps({"backbone": "os.system", "hidden": 8, "layers": 1})
        },
    }
    for name, change in changes.items():
        changed = {k: v for k, v in (metadata | change).items() if v is not None}
        save_file(tensors, folder.path(name), changed)
        folder.note(name, "latency")
    weights = {
        "weights of NaN": {"members.0.head.bias": torch.tensor([np.nan])},
        "weights that overflow": {"members.0.head.weight": torch.full((1, 8), 3e38)},
        "a weight of another shape": {"members.0.head.bias": torch.zeros(3)},
        "a weight too many": {"members.0.more": torch.zeros(1)},
    }
    for name, change_of_weights in weights.items():
        save_file(tensors | change_of_weights, folder.path(name), metadata)
        folder.note(name, "latency")
    folder.add("a header of 2^62 bytes", struct.pack("<Q", 2**62) + b"{}", "latency")
    folder.add("cut off", good.read_bytes()[:-50], "latency")
    folder.add("a ranker that is a latency predictor", good.read_bytes(), "ranker")
    folder.add("a prior that is a latency predictor", good.read_bytes(), "prior")
    good.unlink()
    _ranker(folder, graphs, values)
    return folder.made + _networks(root)


def _ranker(folder: Folder, graphs: Any, values: Any) -> None:
    good = folder.root / "ranker"
    ranker = PairwiseRanker(_TINY, 1)
    ranker.fit(graphs.view("function"), values / 4, seed=0)
    ranker.save(good)
    metadata, tensors = _parts(good)
    good.unlink()
    save_file(
        tensors,
        folder.path("a ranker without a view"),
        {k: v for k, v in metadata.items() if k != "view"},
    )
    folder.note("a ranker without a view", "ranker")


def _networks(root: Path) -> list[Hostile]:
    folder = Folder(root, "trained network", ".safetensors")
    space = folder.root / "space.py"
    marker = folder.marker("a space that is a Python file")
    space.write_text(f"open({str(marker)!r}, 'w')\n", encoding="utf-8")
    cell = get_space("nasbench201").enumerate()[0]
    network = {"channels": 2, "cells_per_stage": 1, "stages": 1, "input_shape": [1, 8, 8]}
    network |= {"classes": 10, "executes_dead_ops": True}
    good: dict[str, Any] = {
        "arch_id": cell,
        "seed": 0,
        "dataset": "x",
        "epochs": 1,
        "valid_accuracy": 0.5,
        "valid_balanced_accuracy": 0.5,
        "test_accuracy": 0.5,
        "test_balanced_accuracy": 0.5,
        "train_time_s": 1.0,
        "network": network,
        "mean": [0.5],
        "std": [0.5],
        "pixel_scale": 1.0,
        "label_names": ["a"],
        "images": "x",
        "final": False,
        "space": "nasbench201",
    }
    changes: dict[str, dict[str, Any]] = {
        "a space that is a Python file": {"space": str(space)},
        "no weights for its sizes": {},
        "channels of a billion": {"network": network | {"channels": 10**9}},
        "cells of a billion": {"network": network | {"cells_per_stage": 10**9}},
        "an accuracy that is text": {"valid_accuracy": "0.5"},
        "an architecture that is none": {"arch_id": "x"},
        "a space that does not exist": {"space": "nasbench2O1"},
    }
    for name, change in changes.items():
        trained = json.dumps(good | change)
        save_file(
            {"a": torch.zeros(2)},
            folder.path(name),
            {"kind": "trained-network", "trained": trained},
        )
        folder.note(name, "network")
    folder.add("no metadata", struct.pack("<Q", 2) + b"{}", "network")
    return folder.made
