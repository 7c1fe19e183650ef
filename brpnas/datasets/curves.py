"""Figures of learning curves: how well an early epoch tells the order of the last."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd

from brpnas.errors import SchemaError
from brpnas.metrics import spearman

__all__ = ["CurveFigures", "curve_figures", "curve_matrix"]


class CurveFigures(TypedDict):
    """Figures by epoch; lists have one entry per epoch.

    ``spearman_with_last`` is the rank correlation with the accuracies of the last epoch over all
    trainings, null where it is undefined.
    """

    trainings: int
    cells: int
    epochs: int
    median: list[float]
    spearman_with_last: list[float | None]


def curve_matrix(curves: pd.DataFrame) -> pd.DataFrame:
    """One row per training, one column per epoch.

    Args:
        curves: Table of the schema `brpnas.datasets.CURVES`, of one data set.

    Returns:
        Accuracies, indexed by ``arch_id`` and ``seed``, sorted; columns are the epochs from 1.

    Raises:
        SchemaError: If a training lacks an epoch.
    """
    wide = curves.pivot(index=["arch_id", "seed"], columns="epoch", values="accuracy")
    broken = wide.index[wide.isna().any(axis=1)]
    if len(broken) or wide.columns.tolist() != [*range(1, wide.shape[1] + 1)]:
        first = f", such as {broken[0][0]}, seed {broken[0][1]}" if len(broken) else ""
        raise SchemaError(
            f"The table of learning curves lacks epochs of {len(broken):,} trainings{first}. Each "
            "training needs a row for every epoch, from 1 to the last."
        )
    return wide


def curve_figures(curves: pd.DataFrame) -> CurveFigures:
    """Figures of a table of learning curves.

    Args:
        curves: As for `curve_matrix`.

    Raises:
        SchemaError: If a training lacks an epoch.
    """
    wide = curve_matrix(curves)
    last = wide.iloc[:, -1].to_numpy()
    ranks = [spearman(wide[epoch].to_numpy(), last) for epoch in wide]
    return {
        "trainings": len(wide),
        "cells": wide.index.get_level_values("arch_id").nunique(),
        "epochs": wide.shape[1],
        "median": [float(value) for value in wide.median()],
        "spearman_with_last": [None if np.isnan(rank) else rank for rank in ranks],
    }
