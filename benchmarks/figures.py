"""Figures of repeated runs: means with their deviation, and a paired test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.stats

__all__ = ["by_group", "one_seed", "p_value", "pair", "three"]


def pair(values: npt.ArrayLike, digits: int = 4, factor: float = 1.0) -> list[float]:
    """Mean and standard deviation between runs, 0 for one run."""
    known = np.asarray(values, np.float64)
    deviation = known.std(ddof=1) if len(known) > 1 else 0.0
    return [round(factor * float(value), digits) for value in (known.mean(), deviation)]


def by_group(rows: pd.DataFrame, key: str, columns: Iterable[str]) -> dict[str, Any]:
    """`pair` of each column by the groups of a key; columns of NaN are left out."""
    return {
        str(name): {column: pair(part[column]) for column in columns if part[column].notna().all()}
        for name, part in rows.groupby(key, sort=False)
    }


def three(values: Iterable[float], digits: int = 4) -> dict[str, float]:
    """Median, minimum and maximum."""
    known = list(values)
    found = {"median": np.median(known), "min": min(known), "max": max(known)}
    return {name: round(float(value), digits) for name, value in found.items()}


def p_value(difference: npt.NDArray[np.float64]) -> float:
    """One-sided Wilcoxon signed-rank test that differences are above 0."""
    if not np.any(difference):
        return 1.0
    return float(f"{scipy.stats.wilcoxon(difference, alternative='greater').pvalue:.2g}")


def one_seed(wide: pd.DataFrame, draws: int) -> Iterator[npt.NDArray[np.float64]]:
    """``draws`` times the value of one random seed (column) of every row."""
    values, known = wide.to_numpy(), wide.notna().to_numpy()
    rng = np.random.default_rng(0)
    for _ in range(draws):
        column = np.where(known, rng.random(known.shape), -1).argmax(axis=1)
        yield values[np.arange(len(values)), column]
