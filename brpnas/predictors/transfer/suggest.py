"""Which cells to measure first on a new device: the most informative ones.

`suggest_rows` picks greedily the cell whose measurement lowers the variance of all others the most.
Under a Gaussian process this does not depend on the measured values (Cohn, "Neural network
exploration using optimal experiment design", 1996). The process has `Hyperparameters.start`, not
those learnt from known devices: the device may be of another kind, and cells that look alike to all
known devices are then the ones to measure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from brpnas.errors import BudgetError
from brpnas.predictors.training import single_thread
from brpnas.predictors.transfer.kernel import Hyperparameters, covariance

__all__ = ["suggest_rows"]

_CANDIDATES = 1500


def suggest_rows(
    features: Sequence[Tensor],
    count: int,
    *,
    among: npt.NDArray[np.int64] | None = None,
    measured: npt.NDArray[np.int64] | None = None,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Rows to measure, the most informative first.

    Args:
        features: Features of every cell of the space, of each group ``[N, width]``.
        count: Number of rows.
        among: Rows to choose from; all by default.
        measured: Rows already measured.
        seed: Draws 1,500 candidate rows, and 1,500 rows to average the variance over.

    Returns:
        Distinct rows, shape ``[count]``, none of them measured.

    Raises:
        BudgetError: If ``count`` is not positive, or exceeds the number of rows.
    """
    known = np.array([], np.int64) if measured is None else np.unique(measured)
    open_rows = np.arange(len(features[0])) if among is None else np.unique(among)
    judged = open_rows
    open_rows = np.setdiff1d(open_rows, known)
    if not 1 <= count <= len(open_rows):
        raise BudgetError(
            f"Cannot suggest {count} of {len(open_rows)} cells without a measurement: ask for 1 "
            f"to {len(open_rows)}."
        )
    hyperparameters = Hyperparameters.start(len(features))
    rng = np.random.default_rng(seed)
    size = min(max(_CANDIDATES, 2 * count), len(open_rows))
    candidates = rng.choice(open_rows, size, replace=False)
    judged = rng.choice(judged, min(_CANDIDATES, len(judged)), replace=False)
    columns = np.concatenate([known, candidates])
    with single_thread():
        between = _covariance(hyperparameters, features, columns, columns)
        across = _covariance(hyperparameters, features, judged, columns)
    noise = float(hyperparameters.noise.exp())
    for column in range(len(known)):
        _observe(between, across, column, noise)
    chosen: list[int] = []
    for _ in range(count):
        gain = (across**2).sum(axis=0) / (between.diagonal() + noise)
        gain[[*range(len(known)), *chosen]] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        _observe(between, across, best, noise)
    return columns[chosen]


def _covariance(
    hyperparameters: Hyperparameters,
    features: Sequence[Tensor],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    with torch.inference_mode():
        found = covariance(hyperparameters, [x[a] for x in features], [x[b] for x in features])
    return np.array(found.numpy())


def _observe(
    between: npt.NDArray[np.float64], across: npt.NDArray[np.float64], column: int, noise: float
) -> None:
    """Condition both covariances on one more measurement, in place."""
    variance = between[column, column] + noise
    shared, theirs = between[:, column].copy(), across[:, column].copy()
    between -= np.outer(shared, shared) / variance
    across -= np.outer(theirs, shared) / variance
