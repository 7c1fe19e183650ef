"""Noise of a benchmark's figures: differences between repeated measurements.

`seed_noise` for accuracies of several seeds, `repeat_noise` for one latency table, `agreement` for
two latency tables of the same cells. All return JSON types.
"""

from __future__ import annotations

import itertools
from typing import TypedDict

import numpy as np
import pandas as pd

from brpnas.errors import SchemaError
from brpnas.metrics import spearman

__all__ = ["Agreement", "RepeatNoise", "SeedNoise", "agreement", "repeat_noise", "seed_noise"]


class SeedPair(TypedDict):
    """Two seeds, and the rank correlation over their common cells."""

    seeds: list[int]
    cells: int
    spearman: float


class SeedNoise(TypedDict):
    """Noise between training seeds on one data set and split.

    ``sd`` is the standard deviation of a single training, a fraction: the square root of the mean
    variance of a cell, over the cells with at least two seeds. ``median_sd`` is the median over
    these cells, robust against a few failed trainings.
    """

    cells: int
    sd: float
    median_sd: float
    pairs: list[SeedPair]


class RepeatNoise(TypedDict):
    """Spread of the blocks of one measurement, relative to the latency."""

    cells: int
    median_relative_std: float
    p95_relative_std: float


class Agreement(TypedDict):
    """Two measurements of the same cells; differences are relative to the mean of the two."""

    cells: int
    median_difference: float
    p95_difference: float
    spearman: float


def seed_noise(accuracy: pd.DataFrame, dataset: str, split: str) -> SeedNoise:
    """Compare the training seeds of a data set.

    Args:
        accuracy: Accuracy table.
        dataset: Data set of the accuracies.
        split: ``valid`` or ``test``.

    Raises:
        SchemaError: If no cell was trained with two seeds.
    """
    chosen = accuracy[(accuracy["dataset"] == dataset) & (accuracy["split"] == split)]
    chosen = chosen.dropna(subset=["seed"])
    wide = chosen.pivot_table(index="arch_id", columns="seed", values="accuracy")
    several = wide[wide.notna().sum(axis=1) >= 2]
    if several.empty:
        raise SchemaError(
            f"No architecture of the accuracy table has two training seeds on {dataset} ({split}), "
            "so its noise is unknown. Train some with a second seed."
        )
    variance = several.var(axis=1, ddof=1)
    pairs: list[SeedPair] = []
    for first, second in itertools.combinations(wide.columns, 2):
        both = wide[[first, second]].dropna()
        if len(both) >= 2:
            value = spearman(both[first].to_numpy(), both[second].to_numpy())
            pairs.append(
                {"seeds": [int(first), int(second)], "cells": len(both), "spearman": value}
            )
    return {
        "cells": len(several),
        "sd": float(np.sqrt(variance.mean())),
        "median_sd": float(np.sqrt(variance.median())),
        "pairs": pairs,
    }


def repeat_noise(latency: pd.DataFrame) -> RepeatNoise:
    """Spread between the blocks of a measurement.

    Args:
        latency: Latency table; rows without ``std_ms`` are left out.

    Raises:
        SchemaError: If no row has ``std_ms``.
    """
    known = latency.dropna(subset=["std_ms"])
    if known.empty:
        raise SchemaError("The latency table has no std_ms, so its noise is unknown.")
    relative = known["std_ms"] / known["latency_ms"]
    return {
        "cells": len(known),
        "median_relative_std": float(relative.median()),
        "p95_relative_std": float(relative.quantile(0.95)),
    }


def agreement(first: pd.DataFrame, second: pd.DataFrame) -> Agreement:
    """Compare two measurements of one device over their common cells.

    Raises:
        SchemaError: If fewer than two cells are common.
    """
    both = first.merge(second, on="arch_id", suffixes=("", "_again"))
    if len(both) < 2:
        raise SchemaError(f"The two latency tables have {len(both)} common cells: need two.")
    one, other = both["latency_ms"].to_numpy(), both["latency_ms_again"].to_numpy()
    difference = np.abs(one - other) / ((one + other) / 2)
    return {
        "cells": len(both),
        "median_difference": float(np.median(difference)),
        "p95_difference": float(np.quantile(difference, 0.95)),
        "spearman": spearman(one, other),
    }
