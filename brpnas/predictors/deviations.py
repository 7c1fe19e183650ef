"""Deviations of predictions: where a predictor errs more, and where less.

`Deviations` smooths the errors of the training rows over similar architectures: with similar counts
of operations and edges and a similar prediction. `fit_deviations` scales it on validation rows. It
takes milliseconds for a whole space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from brpnas.graphs import GraphBatch

__all__ = ["Deviations", "fit_deviations"]

FloatArray = npt.NDArray[np.float64]
_CHUNK = 4096
_BANDWIDTH = 0.1
"""Squared length of the kernel, as a share of the median squared distance of the rows."""
_PRIOR = 2.0
"""Weight of the mean error, in rows at distance zero."""
_CLIP = 4.0
"""Largest error that counts, in robust standard deviations: outliers have no neighbours."""
_ROBUST = 1.4826
"""Standard deviation over median absolute deviation, of a normal distribution."""
_LEAST = 1e-4
"""Smallest deviation: also of errors that are all zero."""


@dataclass(frozen=True, eq=False)
class Deviations:
    """Standard deviation of the log error of a prediction, by kernel smoothing of known errors.

    Attributes:
        rows: Scaled features of ``n`` rows with known errors, ``[n, width]``: counts of operations
            and edges, and the output of the predictor.
        errors: Absolute log error of each row, times the calibration, ``[n]``.
        offset: Offset of each feature, ``[width]``.
        scale: Divisor of each feature, ``[width]``; squared distances are in units of the kernel.
    """

    rows: FloatArray
    errors: FloatArray
    offset: FloatArray
    scale: FloatArray

    def __call__(self, graphs: GraphBatch, outputs: FloatArray) -> FloatArray:
        """Deviation of each prediction, ``[N]``.

        Args:
            graphs: Architectures, in the view of the predictor.
            outputs: The standardised outputs of the predictor for them.
        """
        parts = [
            self._smoothed(_features(graphs[i : i + _CHUNK], outputs[i : i + _CHUNK]))
            for i in range(0, len(graphs), _CHUNK)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def _smoothed(self, features: FloatArray) -> FloatArray:
        places = (features - self.offset) / self.scale
        weights = np.exp(-0.5 * _squared(places, self.rows))
        known = weights @ self.errors + _PRIOR * self.errors.mean()
        return np.asarray(np.maximum(known / (weights.sum(axis=1) + _PRIOR), _LEAST))

    def tensors(self) -> dict[str, Tensor]:
        """Its arrays by name, in single precision, for a file."""
        return {name: torch.from_numpy(x.astype(np.float32)) for name, x in vars(self).items()}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Read the result of `tensors`.

        Raises:
            ValueError: If shapes contradict one another, or a name is missing.
        """
        try:
            found = {name: tensors[name].double().numpy() for name in cls.__dataclass_fields__}
        except KeyError as missing:
            raise ValueError(f"the deviations lack {missing}") from None
        rows = found["rows"]
        width = rows.shape[1:]
        shapes = {"errors": rows.shape[:1], "offset": width, "scale": width}
        if rows.ndim != 2 or any(found[name].shape != shape for name, shape in shapes.items()):
            raise ValueError("the shapes of the deviations contradict one another")
        return cls(**found)


def fit_deviations(
    graphs: GraphBatch,
    outputs: FloatArray,
    log_errors: FloatArray,
    is_training: npt.NDArray[np.bool_],
) -> Deviations:
    """Learn deviations from the errors of training rows; scale them on the other rows.

    The median of the other rows' absolute errors over their deviations becomes that of a normal
    distribution: training errors are too small, and outliers do not count.

    Args:
        graphs: All rows, ``n`` of them, in the view of the predictor.
        outputs: Standardised outputs of the predictor, ``[n]``.
        log_errors: Logarithm of the true over the predicted value, ``[n]``.
        is_training: Training rows, ``[n]``; the others validate.
    """
    features = _features(graphs, outputs)
    known = features[is_training]
    spread = known.std(axis=0)
    scale = np.where(spread > 0, spread, np.inf)
    scale[:-1] *= np.sqrt(max(1, np.isfinite(scale[:-1]).sum()))
    offset = known.mean(axis=0)
    places = (known - offset) / scale
    length = float(np.sqrt(_BANDWIDTH * np.median(_squared(places, places)))) or 1.0
    scale = np.where(np.isfinite(scale), scale * length, np.finfo(np.float32).max / 4)
    centred = np.abs(log_errors - np.median(log_errors[is_training]))
    errors = np.minimum(centred[is_training], _CLIP * _ROBUST * np.median(centred[is_training]))
    found = Deviations((known - offset) / scale, errors, offset, scale)
    if is_training.all():
        return found
    rest = np.flatnonzero(~is_training)
    ratio = centred[rest] / found(graphs[rest], outputs[rest])
    factor = max(_ROBUST * float(np.median(ratio)), _LEAST)
    return Deviations(found.rows, errors * factor, offset, scale)


def _features(graphs: GraphBatch, outputs: FloatArray) -> FloatArray:
    """Counts of operations and edges, and outputs, ``[N, num_ops + 2]``."""
    counts = [(graphs.ops == op).sum(axis=1) for op in range(graphs.num_ops)]
    edges = graphs.adj.sum(axis=(1, 2), dtype=np.int64)
    return np.column_stack([*counts, edges, outputs]).astype(np.float64)


def _squared(a: FloatArray, b: FloatArray) -> FloatArray:
    """Squared distances, ``[len(a), len(b)]``."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None]
    return np.asarray(np.maximum(squares - 2 * a @ b.T, 0.0))
