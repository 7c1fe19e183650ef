"""Small tables with known true values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.spaces import NetworkConfig, get_space
from brpnas.spaces.nasbench201 import OPERATIONS

SMALL = NetworkConfig(2, 1, 2, (1, 8, 8), 10, executes_dead_ops=False)
"""Size of the networks in `make_predictions`."""


def weight(arch_ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """A number for each cell, determined by its operations."""
    return np.array([2.0 * a.count("conv_3x3") + a.count("conv_1x1") for a in arch_ids])


def make_architectures(arch_ids: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": list(arch_ids),
            "space": "nasbench201",
            "isomorphism_id": get_space("nasbench201").isomorphism_ids(arch_ids),
            "params_m": 0.1 + 0.1 * weight(arch_ids),
            "flops_m": 5.0 + 10 * weight(arch_ids),
        }
    )


def make_accuracy(arch_ids: Sequence[str], dataset: str = "cifar100") -> pd.DataFrame:
    parts = []
    base = 0.4 + 0.03 * weight(arch_ids)
    for split, seeds in {"valid": (777, 888), "test": (None, 777, 888)}.items():
        for seed in seeds:
            noise = np.random.default_rng(seed or 0).normal(0, 0.005, len(base))
            parts.append(
                pd.DataFrame(
                    {
                        "arch_id": list(arch_ids),
                        "dataset": dataset,
                        "split": split,
                        "seed": pd.array([seed] * len(base), dtype="Int64"),
                        "epochs": 200,
                        "accuracy": base + noise,
                        "train_time_s": 1.0,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def make_latency(arch_ids: Sequence[str], device: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": list(arch_ids),
            "device": device,
            "latency_ms": 1.0 + weight(arch_ids),
            "std_ms": np.nan,
            "repeats": pd.array([None] * len(arch_ids), dtype="Int64"),
        }
    )


def make_operations(device: str, unit: float = 1.0) -> pd.DataFrame:
    """Operations; their sum over a cell is `make_latency`."""
    costs = {"nor_conv_3x3": 2 * unit, "nor_conv_1x1": unit, "head": unit}
    parts = ["stem", *OPERATIONS, "add", "head"]
    return pd.DataFrame(
        {
            "device": device,
            "part": parts,
            "stage": 0,
            "latency_ms": [costs.get(part, 0.0) for part in parts],
            "std_ms": np.nan,
            "cells_per_stage": 1,
            "executes_dead_ops": True,
        }
    )


def make_predictions(arch_ids: Sequence[str], device: str = "toy-device") -> pd.DataFrame:
    table = make_latency(arch_ids, device)[["arch_id", "device", "latency_ms"]]
    table = table.rename(columns={"latency_ms": "measured"}).assign(metric="latency_ms")
    table["predicted"] = table["measured"] * 1.02
    split = np.resize(["train", "valid", "test", "test"], len(table)).astype(object)
    split[-3:] = None
    table.loc[table.index[-3:], "measured"] = np.nan
    scored = table["predicted"].where(split == "test")
    table = table.assign(split=split, log_deviation=np.nan, scored=scored)
    return table.assign(network_size=SMALL.size, precision="fp32")
