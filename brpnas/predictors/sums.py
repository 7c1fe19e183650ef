"""A sum over operations: the linear model beside the networks of a metric predictor.

Every operation of a vocabulary has a weight, and the output of a graph is the sum over its nodes.
Where a vocabulary names place and shape of an operation, as for a chain of blocks, the latency of
a network is nearly such a sum, and a few hundred rows give its weights better than those of a
network. `fit_sum` fits it by ridge regression; `best_share` says how much of it to take.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from brpnas.graphs import BLANK, GraphBatch
from brpnas.predictors.training import FloatArray

__all__ = ["OperationSum", "best_share", "fit_sum", "networks_pay"]

_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Candidate penalties of the squared weights."""
_SHARES = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
"""Candidate shares of the sum beside trained networks."""
_GAIN = 0.05
"""Least relative gain in validation error that pays for a second model."""


class OperationSum(nn.Module):
    """Sum of a weight per node, by its operation.

    Args:
        weights: Weight of each operation, float32, shape ``[num_ops]``.
        constant: Output of a graph without weights, float32, shape ``[]``.
    """

    weights: Tensor
    constant: Tensor

    def __init__(self, weights: Tensor, constant: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.register_buffer("constant", constant)

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor], num_ops: int) -> OperationSum:
        """Read the tensors of a file.

        Raises:
            ValueError: If a name or shape is wrong.
        """
        wanted = {"weights": (num_ops,), "constant": ()}
        if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != wanted:
            raise ValueError("the shapes of the sum over operations are wrong")
        return cls(tensors["weights"], tensors["constant"])

    def forward(self, ops: Tensor) -> Tensor:
        """Output of graphs with the operations ``[B, V]``, shape ``[B]``."""
        return self.weights[ops].sum(dim=1) + self.constant

    def outputs(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Output of any number of graphs, shape ``[N]``."""
        weights = self.weights.double().numpy()
        return np.asarray(weights[graphs.ops].sum(axis=1) + float(self.constant))


def fit_sum(graphs: GraphBatch, targets: FloatArray) -> OperationSum:
    """Fit by ridge regression; the penalty has the least leave-one-out squared error.

    Args:
        graphs: ``n`` graphs.
        targets: Output of each, shape ``[n]``.
    """
    counts = np.stack([(graphs.ops == op).sum(axis=1) for op in range(graphs.num_ops)], axis=1)
    counts[:, BLANK] = 0  # blank nodes pad a graph and cost nothing
    x, y = counts - counts.mean(axis=0), targets - targets.mean()
    left, values, right = np.linalg.svd(x.astype(np.float64), full_matrices=False)
    shrunk = {penalty: values**2 / (values**2 + penalty) for penalty in _PENALTIES}

    def error(penalty: float) -> float:
        """Squared error of each row, predicted by the others."""
        fitted = left @ (shrunk[penalty] * (left.T @ y))
        own = (left**2) @ shrunk[penalty] + 1 / len(y)
        return float((((y - fitted) / np.maximum(1 - own, 1e-9)) ** 2).mean())

    penalty = min(_PENALTIES, key=error)
    weights = right.T @ (values / (values**2 + penalty) * (left.T @ y))
    constant = targets.mean() - counts.mean(axis=0) @ weights
    return OperationSum(
        torch.from_numpy(weights.astype(np.float32)), torch.tensor(constant, dtype=torch.float32)
    )


def best_share(networks: FloatArray, sums: FloatArray, targets: FloatArray) -> float:
    """Share of the sum in the mean of both with the least absolute error; 0 without a clear gain.

    Stacking (Breiman, Machine Learning 24, 1996).

    Args:
        networks: Outputs of the networks for rows that neither model has seen, shape ``[n]``.
        sums: Outputs of the sum for them, shape ``[n]``.
        targets: The measured values, shape ``[n]``.
    """
    errors = _errors(networks, sums, targets)
    best = min(errors, key=lambda share: errors[share])
    return best if errors[best] < (1 - _GAIN) * errors[0.0] else 0.0


def networks_pay(networks: FloatArray, sums: FloatArray, targets: FloatArray) -> bool:
    """Whether networks clearly lower the error of the sum; arguments as for `best_share`."""
    alone = float(np.abs(sums - targets).mean())
    return min(_errors(networks, sums, targets).values()) < (1 - _GAIN) * alone


def _errors(networks: FloatArray, sums: FloatArray, targets: FloatArray) -> dict[float, float]:
    """Mean absolute error by share of the sum."""
    return {
        share: float(np.abs((1 - share) * networks + share * sums - targets).mean())
        for share in _SHARES
    }
