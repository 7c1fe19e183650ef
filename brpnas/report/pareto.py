"""The Pareto front of two objectives.

`pareto_front` marks the rows that no other row dominates; use it for any pair of a cost to be low
(latency, parameters) and a value to be high (accuracy).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.errors import SchemaError

__all__ = ["pareto_front"]


def pareto_front(cost: npt.ArrayLike, value: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Mark the rows on the front of low cost and high value, in ``O(N log N)``.

    A row is dominated if another costs no more, is worth no less, and is better in one of the two.
    Rows equal in both are all kept. A row with a NaN is never on the front and dominates nothing.

    Args:
        cost: What is to be low, shape ``[N]``.
        value: What is to be high, shape ``[N]``.

    Returns:
        A mask of shape ``[N]``.

    Raises:
        SchemaError: If the two are not flat and equally long.

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
    first = level == 0  # nothing is cheaper, so a value of -inf is not dominated there
    front[known] = (values[known] == best[level]) & ((values[known] > cheaper[level]) | first)
    return front
