"""Slow references of the module tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def slow_front(points: FloatArray) -> npt.NDArray[np.bool_]:
    """Front by comparing all pairs."""
    front = np.zeros(len(points), np.bool_)
    for i, point in enumerate(points):
        if np.isnan(point).any():
            continue
        front[i] = not any((other >= point).all() and (other > point).any() for other in points)
    return front


def sampled_volume(points: FloatArray, reference: FloatArray, draws: int, seed: int) -> float:
    """Hypervolume by the share of random positions that a point dominates."""
    best = points.max(axis=0)
    positions = np.random.default_rng(seed).uniform(reference, best, (draws, len(reference)))
    is_dominated = np.zeros(draws, np.bool_)
    for point in points:
        is_dominated |= (point >= positions).all(axis=1)
    return float(np.prod(best - reference) * is_dominated.mean())
