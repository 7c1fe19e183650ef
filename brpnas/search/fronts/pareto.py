"""Pareto fronts of points whose coordinates are all maximised."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.errors import SchemaError

__all__ = ["as_points", "pareto_front"]


def as_points(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Points as an array of shape ``[N, M]``.

    Raises:
        SchemaError: If the array has another number of axes, or no column.
    """
    points = np.asarray(values, np.float64)
    if points.ndim != 2 or not points.shape[1]:
        raise SchemaError(
            f"Points of a Pareto front have shape [architectures, objectives], not {points.shape}: "
            "give one column per objective."
        )
    return points


def pareto_front(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    A point is dominated if another one is at least as good in every coordinate and better in one.
    Equal points are all kept. A point with a NaN is never on the front and dominates nothing. The
    time is ``O(F N)`` for ``N`` distinct points and a front of ``F``.

    Args:
        values: Coordinates, greater is better, shape ``[N, M]``; negate a cost.

    Returns:
        A mask of shape ``[N]``.

    Raises:
        SchemaError: If the array has not two axes.

    Examples:
        >>> latency_ms, accuracy = np.array([1, 2, 2, 3]), np.array([0.5, 0.7, 0.6, 0.7])
        >>> pareto_front(np.column_stack([accuracy, -latency_ms])).tolist()
        [True, True, False, False]
    """
    points = as_points(values)
    front = np.zeros(len(points), np.bool_)
    known = ~np.isnan(points).any(axis=1)
    distinct, place = np.unique(points[known], axis=0, return_inverse=True)
    # Ranks in place of values: their sum is finite, and a dominating point has a greater one.
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in distinct.T])
    left = np.argsort(-ranks.sum(axis=1), kind="stable")
    kept = np.zeros(len(distinct), np.bool_)
    while len(left):
        best, left = left[0], left[1:]
        kept[best] = True
        left = left[(ranks[left] > ranks[best]).any(axis=1)]
    front[known] = kept[place]
    return front
