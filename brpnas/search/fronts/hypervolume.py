"""Exact hypervolume: the part of the objective space dominated by a set of points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.errors import SchemaError
from brpnas.search.fronts.pareto import as_points, pareto_front

__all__ = ["hypervolume"]


def hypervolume(values: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """Volume between the points and a reference point.

    It is the measure of all positions that a point dominates and that dominate the reference
    (Zitzler and Thiele, PPSN 1998). The last objective is cut into slices at the points, and the
    volume of a slice is a hypervolume of one dimension less: exact for any number of objectives,
    with ``O(F log F)`` steps for two and ``O(F^2 log F)`` for three and a front of ``F``.

    Args:
        values: Points, greater is better, shape ``[N, M]``. Points with a NaN and points not better
            than the reference in every objective count nothing.
        reference: The reference point, shape ``[M]``.

    Raises:
        SchemaError: If the shapes do not fit, or a value is infinite.

    Examples:
        >>> hypervolume([[3.0, 1.0], [1.0, 2.0]], [0.0, 0.0])
        4.0
    """
    points, worst = as_points(values), np.asarray(reference, np.float64)
    if worst.shape != points.shape[1:] or not np.isfinite(worst).all() or np.isinf(points).any():
        raise SchemaError(
            f"A hypervolume needs finite points and a finite reference of their length: the points "
            f"have shape {points.shape}, the reference is {worst.tolist()}."
        )
    gains = points - worst
    gains = gains[(gains > 0).all(axis=1)]  # false for NaN
    return _volume(gains)


def _volume(gains: npt.NDArray[np.float64]) -> float:
    """Hypervolume of positive points, shape ``[N, M]``, over the origin."""
    if not len(gains):
        return 0.0
    if gains.shape[1] == 1:
        return float(gains.max())
    gains = np.unique(gains[pareto_front(gains)], axis=0)
    gains = gains[np.argsort(-gains[:, -1], kind="stable")]
    ends = gains[:, -1]
    depths = ends - np.append(ends[1:], 0.0)
    if gains.shape[1] == 2:
        return float(np.maximum.accumulate(gains[:, 0]) @ depths)
    slices = (_volume(gains[: count + 1, :-1]) for count in range(len(gains)) if depths[count])
    return float(
        sum(volume * depth for volume, depth in zip(slices, depths[depths > 0], strict=True))
    )
