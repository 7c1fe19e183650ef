"""The Pareto front of a cost to minimise and a value to maximise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.errors import SchemaError

__all__ = ["pareto_front"]


def pareto_front(cost: npt.ArrayLike, value: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Mark the rows on the front of low cost and high value, in ``O(N log N)``.

    A row is dominated if another has no higher cost, no lower value, and is better in one of them.
    Equal rows are all kept. A row with a NaN is never on the front and dominates nothing.

    Args:
        cost: Cost, shape ``[N]``.
        value: Value, shape ``[N]``.

    Returns:
        A mask of shape ``[N]``.

    Raises:
        SchemaError: If the shapes differ or are not flat.

    Examples:
        >>> pareto_front([1.0, 2.0, 2.0, 3.0], [0.5, 0.7, 0.6, 0.7]).tolist()
        [True, True, False, False]
    """
    costs, values = np.asarray(cost, np.float64), np.asarray(value, np.float64)
    if costs.ndim != 1 or costs.shape != values.shape:
        raise SchemaError(
            f"A Pareto front takes two flat arrays of equal length, not shapes {costs.shape} and "
            f"{values.shape}: give one cost and one value per architecture."
        )
    front = np.zeros(costs.shape, np.bool_)
    known = ~(np.isnan(costs) | np.isnan(values))
    if not known.any():
        return front
    levels, level = np.unique(costs[known], return_inverse=True)
    best = np.full(len(levels), -np.inf)
    np.maximum.at(best, level, values[known])
    cheaper = np.concatenate([[-np.inf], np.maximum.accumulate(best)[:-1]])
    first = level == 0  # no cheaper row exists, so even a value of -inf is not dominated
    front[known] = (values[known] == best[level]) & ((values[known] > cheaper[level]) | first)
    return front
