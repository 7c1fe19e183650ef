"""A Gaussian process with a learnt relevance of each column of its features.

`fit_relevance` is for a few hundred rows and about as many columns in groups, as from
`PathFeatures`. The kernel is `brpnas.predictors.transfer.kernel` with its weights of groups; in
addition each column has a weight (automatic relevance determination, Rasmussen & Williams, Gaussian
Processes for Machine Learning, 2006, 5.1). Log weights have a normal prior around 0: few rows
barely move them, many rows move them freely.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from brpnas.errors import TrainingError
from brpnas.predictors.training import single_thread
from brpnas.predictors.transfer.kernel import Hyperparameters, covariance, prior_variance

__all__ = ["RelevanceProcess", "fit_relevance"]

FloatArray = npt.NDArray[np.float64]
_JITTER = 1e-8
_NOISE = -3.0
"""Initial log variance of the noise of a standardised target."""
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class RelevanceProcess:
    """A process conditioned on rows.

    Attributes:
        hyperparameters: Weights of the groups, and the noise.
        relevance: Factor of each column of each group.
        rows: Features of the rows, times their factors.
        weights: ``(K + noise)^-1 (y - mean)``, shape ``[n]``.
        mean: Mean target of the rows.
        factor: Lower Cholesky factor of ``K + noise``, ``[n, n]``.
    """

    hyperparameters: Hyperparameters
    relevance: list[Tensor]
    rows: list[Tensor]
    weights: Tensor
    mean: float
    factor: Tensor

    def predict(self, features: Sequence[FloatArray]) -> FloatArray:
        """Mean of the target of other rows, ``[N]``; ``features`` as in `fit_relevance`."""
        with torch.inference_mode():
            parts = [
                covariance(self.hyperparameters, chunk, self.rows) @ self.weights
                for chunk in self._chunks(features)
            ]
        return np.concatenate([part.numpy() for part in parts] or [np.empty(0)]) + self.mean

    def deviations(self, features: Sequence[FloatArray]) -> FloatArray:
        """Standard deviation of the target of other rows without noise, ``[N]``."""
        parts = []
        with torch.inference_mode():
            for chunk in self._chunks(features):
                joint = covariance(self.hyperparameters, chunk, self.rows)
                half = torch.linalg.solve_triangular(self.factor, joint.mT, upper=False)
                variance = prior_variance(self.hyperparameters, chunk) - half.square().sum(0)
                parts.append(variance.clamp(min=0).sqrt().numpy())
        return np.concatenate(parts or [np.empty(0)])

    def _chunks(self, features: Sequence[FloatArray]) -> Iterator[list[Tensor]]:
        for i in range(0, len(features[0]), _CHUNK):
            groups = [torch.from_numpy(group[i : i + _CHUNK]) for group in features]
            yield _scaled(groups, self.relevance)


def fit_relevance(
    features: Sequence[FloatArray],
    target: FloatArray,
    *,
    seed: int = 0,
    steps: int = 80,
    learning_rate: float = 0.1,
    hyperparameter_deviation: float = 1.0,
    learn_from: int = 600,
) -> RelevanceProcess:
    """Learn the hyperparameters by maximum a posteriori, and condition on all rows.

    Args:
        features: Columns of each group, ``[n, width]`` of each, of about unit norm per row.
        target: Of about unit variance, shape ``[n]``.
        seed: Draws the rows for the hyperparameters, if there are more than ``learn_from``.
        steps: Steps of Adam.
        learning_rate: Of Adam.
        hyperparameter_deviation: Standard deviation of the prior on log weights of columns.
        learn_from: Most rows for the hyperparameters: the time grows with their cube.

    Raises:
        TrainingError: If the likelihood is not finite.
    """
    columns = [torch.from_numpy(np.ascontiguousarray(group)) for group in features]
    mean = float(np.mean(target))
    centred = torch.from_numpy(np.asarray(target, np.float64) - mean)
    chosen = torch.from_numpy(np.random.default_rng(seed).permutation(len(target))[:learn_from])
    with single_thread():
        hyperparameters, relevance = _learn(
            [group[chosen] for group in columns],
            centred[chosen],
            steps,
            learning_rate,
            hyperparameter_deviation,
        )
        rows = _scaled(columns, relevance)
        factor = _factor(hyperparameters, covariance(hyperparameters, rows, rows))
        weights = torch.cholesky_solve(centred[:, None], factor)[:, 0]
    return RelevanceProcess(hyperparameters, relevance, rows, weights, mean, factor)


def _learn(
    columns: Sequence[Tensor],
    target: Tensor,
    steps: int,
    learning_rate: float,
    hyperparameter_deviation: float,
) -> tuple[Hyperparameters, list[Tensor]]:
    start = replace(
        Hyperparameters.start(len(columns)), noise=torch.tensor(_NOISE, dtype=torch.float64)
    )
    values = {name: x.clone() for name, x in start.tensors().items()}
    widths = [group.shape[1] for group in columns]
    padded = torch.stack([nn.functional.pad(x, (0, max(widths) - x.shape[1])) for x in columns])
    logs = torch.zeros(len(widths), 1, max(widths), dtype=torch.float64)
    variables = [*values.values(), logs]
    means, squares = ([torch.zeros_like(x) for x in variables] for _ in range(2))
    done = [torch.zeros(()) for _ in variables]
    for _ in range(steps):
        loss, slopes, slope = _likelihood(Hyperparameters(**values), logs, padded, target)
        if not math.isfinite(loss + float((logs**2).sum())):
            raise TrainingError(
                "The likelihood of the accuracies is not finite: check the accuracies."
            )
        gradients = [slopes[name] for name in values]
        gradients.append(slope + logs / hyperparameter_deviation**2)
        adam(
            variables, gradients, means, squares, [], done, fused=True, amsgrad=False,
            beta1=0.9, beta2=0.999, lr=learning_rate, weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip
    factors = (logs / 2).exp()
    relevance = [x[0, :width] for x, width in zip(factors, widths, strict=True)]
    return Hyperparameters(**values), relevance


class _Kernel(NamedTuple):
    """Covariance of rows with themselves ``[n, n]``, and its parts of each group ``[G, n, n]``."""

    total: Tensor
    product: Tensor
    distance: Tensor
    gaussian: Tensor
    joint: Tensor
    """The part of all groups together, ``[n, n]``."""


def _kernel(hyperparameters: Hyperparameters, rows: Tensor) -> _Kernel:
    """`covariance` of rows with themselves, all groups at once, for many steps of learning.

    ``rows`` are features of ``G`` groups, padded with zeros, shape ``[G, n, width]``.
    """
    product = rows @ rows.mT
    squares = product.diagonal(dim1=1, dim2=2)
    distance = (squares[:, :, None] + squares[:, None, :] - 2 * product).clamp(min=0)
    near = torch.exp(-0.5 * hyperparameters.nearness.exp()[:, None, None] * distance)
    gaussian = hyperparameters.gaussian.exp()[:, None, None] * near
    apart = torch.tensordot(hyperparameters.joint_nearness.exp(), distance, 1)
    joint = hyperparameters.joint.exp() * torch.exp(-0.5 * apart)
    linear = torch.tensordot(hyperparameters.linear.exp(), product, 1)
    total = hyperparameters.constant.exp() + joint + linear + gaussian.sum(0)
    return _Kernel(total, product, distance, gaussian, joint)


def _likelihood(
    hyperparameters: Hyperparameters, logs: Tensor, padded: Tensor, target: Tensor
) -> tuple[float, dict[str, Tensor], Tensor]:
    """Negative log likelihood without its constant, and its derivative, by hand.

    Returns:
        The value, its derivative by each hyperparameter, and by the log weights of columns.
    """
    rows = padded * (logs / 2).exp()
    kernel = _kernel(hyperparameters, rows)
    factor = _factor(hyperparameters, kernel.total)
    inverse = torch.cholesky_inverse(factor)
    weights = inverse @ target
    value = 0.5 * float(target @ weights) + float(factor.diagonal().log().sum())
    by_total = 0.5 * (inverse - weights[:, None] * weights)  # [n, n], as all derivatives below
    by_gaussian, by_joint = by_total * kernel.gaussian, by_total * kernel.joint
    nearness = -0.5 * hyperparameters.nearness.exp()
    joint_nearness = -0.5 * hyperparameters.joint_nearness.exp()
    linear = hyperparameters.linear.exp()
    by_distance = nearness[:, None, None] * by_gaussian
    by_distance += joint_nearness[:, None, None] * by_joint
    slopes = {
        "constant": hyperparameters.constant.exp() * by_total.sum(),
        "noise": hyperparameters.noise.exp() * by_total.trace(),
        "linear": linear * (by_total * kernel.product).sum((1, 2)),
        "gaussian": by_gaussian.sum((1, 2)),
        "nearness": nearness * (by_gaussian * kernel.distance).sum((1, 2)),
        "joint": by_joint.sum(),
        "joint_nearness": joint_nearness * (by_joint * kernel.distance).sum((1, 2)),
    }
    by_product = linear[:, None, None] * by_total - 2 * by_distance
    by_rows = by_product @ rows + 2 * by_distance.sum(2, keepdim=True) * rows
    return value, slopes, (by_rows * rows).sum(1, keepdim=True)


def _scaled(columns: Sequence[Tensor], relevance: Sequence[Tensor]) -> list[Tensor]:
    return [group * factor for group, factor in zip(columns, relevance, strict=True)]


def _factor(hyperparameters: Hyperparameters, clean: Tensor) -> Tensor:
    noise = hyperparameters.noise.exp() + _JITTER
    noisy = clean + noise * torch.eye(len(clean), dtype=torch.float64)
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(noisy)
    if int(failed):
        raise TrainingError(
            "The covariance of the architectures cannot be factorised: features and accuracies "
            "must be finite."
        )
    return factor
