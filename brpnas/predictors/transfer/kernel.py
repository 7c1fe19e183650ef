"""The covariance of latencies: a Gaussian process whose settings are learnt on known devices.

`covariance` adds, for every group of features, a linear and a Gaussian kernel, and a Gaussian
kernel of all groups together; `Settings` are the logarithms of their weights. `learn_settings`
finds settings by maximum likelihood over several devices, `adapt_settings` those of one device,
close to the former where its few rows do not say otherwise (Rasmussen & Williams, Gaussian
Processes for Machine Learning, 2006, chapters 2 and 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from brpnas.errors import TrainingError
from brpnas.predictors.training import single_thread

__all__ = [
    "Posterior",
    "Settings",
    "Task",
    "adapt_settings",
    "condition",
    "covariance",
    "learn_settings",
    "log_evidence",
]

_JITTER = 1e-8
_NOTHING = -40.0
"""Logarithm of a weight that is as good as 0."""
_WEIGHTS = ("constant", "noise", "linear", "gaussian", "joint")
"""Settings that are variances."""


@dataclass(frozen=True, eq=False)
class Settings:
    """Logarithms of the weights of the kernel, for ``G`` groups.

    Args:
        constant: Variance of the mean latency around that of the rows.
        noise: Variance of a measurement.
        linear: Weight of the linear kernel of each group, shape ``[G]``.
        gaussian: Weight of the Gaussian kernel of each group, shape ``[G]``.
        nearness: Inverse squared length of these, shape ``[G]``.
        joint: Weight of the Gaussian kernel of all groups.
        joint_nearness: Inverse squared length of each group in it, shape ``[G]``.
    """

    constant: Tensor
    noise: Tensor
    linear: Tensor
    gaussian: Tensor
    nearness: Tensor
    joint: Tensor
    joint_nearness: Tensor

    @classmethod
    def start(cls, groups: int) -> Settings:
        """Where learning starts: little of everything."""

        def filled(value: float) -> Tensor:
            return torch.full((groups,), value, dtype=torch.float64)

        def one(value: float) -> Tensor:
            return torch.tensor(value, dtype=torch.float64)

        return cls(
            one(-3.0), one(-6.0), filled(-4.0), filled(-5.0), filled(0.0), one(-4.0), filled(0.0)
        )

    def tensors(self) -> dict[str, Tensor]:
        """All of them by name."""
        return dict(vars(self))

    def without(self, groups: Sequence[int]) -> Settings:
        """Settings that leave groups out."""
        changed = {name: value.clone() for name, value in self.tensors().items()}
        for name in ("linear", "gaussian", "joint_nearness"):
            changed[name][list(groups)] = _NOTHING
        return Settings(**changed)

    def scaled(self, shift: float) -> Settings:
        """Settings with ``shift`` added to the logarithms of all weights and of the noise."""
        changed = self.tensors()
        return Settings(**changed | {name: changed[name] + shift for name in _WEIGHTS[1:]})

    def resembling(self, weight: float) -> Settings:
        """Settings with one more group, linear alone.

        Args:
            weight: Logarithm of the weight of the new group.
        """

        def longer(values: Tensor, last: float) -> Tensor:
            return torch.cat([values, torch.tensor([last], dtype=torch.float64)])

        return Settings(
            self.constant,
            self.noise,
            longer(self.linear, weight),
            longer(self.gaussian, _NOTHING),
            longer(self.nearness, 0.0),
            self.joint,
            longer(self.joint_nearness, _NOTHING),
        )


@dataclass(frozen=True, eq=False)
class Task:
    """One device's rows: features of each group ``[n, width]``, and log latency ``[n]``."""

    features: Sequence[Tensor]
    target: Tensor


def covariance(settings: Settings, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Covariance of cells ``a`` with cells ``b``, without noise, shape ``[len(a), len(b)]``.

    Args:
        settings: Weights.
        a: Features of each group, each of shape ``[len(a), width]``.
        b: The same of the other cells.
    """
    products, distances = _gram(a, b)
    return _combine(settings, products, distances)


def _gram(a: Sequence[Tensor], b: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Inner products and squared distances of each group; they do not depend on settings."""
    products, distances = [], []
    for x, y in zip(a, b, strict=True):
        product = x @ y.T
        squares = (x**2).sum(dim=1)[:, None] + (y**2).sum(dim=1)[None, :]
        products.append(product)
        distances.append((squares - 2 * product).clamp(min=0))
    return products, distances


def _combine(settings: Settings, products: list[Tensor], distances: list[Tensor]) -> Tensor:
    linear, gaussian = settings.linear.exp(), settings.gaussian.exp()
    nearness, joint = settings.nearness.exp(), settings.joint_nearness.exp()
    total = settings.constant.exp() * torch.ones_like(products[0])
    apart = torch.zeros_like(products[0])
    for g, (product, distance) in enumerate(zip(products, distances, strict=True)):
        total = total + linear[g] * product
        total = total + gaussian[g] * torch.exp(-0.5 * nearness[g] * distance)
        apart = apart + joint[g] * distance
    return total + settings.joint.exp() * torch.exp(-0.5 * apart)


def _cholesky(noisy: Tensor) -> Tensor:
    try:
        factor: Tensor = torch.linalg.cholesky(noisy)
    except RuntimeError as error:  # torch.linalg.LinAlgError, which torch does not type
        raise TrainingError(
            f"The covariance of the cells cannot be factorised ({error}). Check that their "
            "features are finite numbers of ordinary size."
        ) from error
    return factor


class _Likelihood:
    """Negative log likelihood of a task per row, as a function of the settings."""

    def __init__(self, task: Task) -> None:
        self._gram = _gram(task.features, task.features)
        self._target = task.target - task.target.mean()
        self._identity = torch.eye(len(task.target), dtype=torch.float64)

    def __call__(self, settings: Settings) -> Tensor:
        noisy = _combine(settings, *self._gram)
        noisy = noisy + (settings.noise.exp() + _JITTER) * self._identity
        factor = _cholesky(noisy)
        white = torch.linalg.solve_triangular(factor, self._target[:, None], upper=False)
        likelihood: Tensor = 0.5 * (white**2).sum() + factor.diagonal().log().sum()
        return likelihood


def log_evidence(settings: Settings, task: Task) -> float:
    """Logarithm of the probability of a task's rows, up to a constant of the task."""
    with torch.inference_mode(), single_thread():
        return -float(_Likelihood(task)(settings))


def learn_settings(
    tasks: Sequence[Task], *, steps: int = 80, learning_rate: float = 0.1
) -> Settings:
    """Settings under which the rows of all tasks together are most likely.

    Raises:
        TrainingError: If the likelihood is no number.
    """
    start = Settings.start(len(tasks[0].features))
    likelihoods = [_Likelihood(task) for task in tasks]

    def loss(settings: Settings) -> Tensor:
        return torch.stack([likelihood(settings) for likelihood in likelihoods]).sum()

    return _minimise(loss, start, steps, learning_rate)


def adapt_settings(
    settings: Settings,
    task: Task,
    *,
    hyperparameter_deviation: float = 1.0,
    steps: int = 40,
    learning_rate: float = 0.1,
) -> Settings:
    """Settings of one device: most likely given its rows, and that they are near those given.

    All weights and the noise may also grow or shrink together, which costs as much as if one of
    them did: a device whose latencies scatter more than those of others does so everywhere.

    Args:
        settings: Those of known devices, the centre of a normal prior on each logarithm.
        task: Rows of the device.
        hyperparameter_deviation: Standard deviation of that prior.
        steps: Steps of Adam.
        learning_rate: Of Adam.

    Raises:
        TrainingError: If the likelihood is no number.
    """
    likelihood, centre = _Likelihood(task), settings.tensors()

    def loss(changed: Settings) -> Tensor:
        moved = {name: x - centre[name] for name, x in changed.tensors().items()}
        weights = torch.cat([moved[n][centre[n] > _NOTHING].reshape(-1) for n in _WEIGHTS])
        # What remains once the common move that costs least is taken out of the weights.
        common = weights.sum() ** 2 / (len(weights) + 1)
        squares = torch.stack([(x**2).sum() for x in moved.values()]).sum()
        return likelihood(changed) + (squares - common) / (2 * hyperparameter_deviation**2)

    return _minimise(loss, settings, steps, learning_rate)


def _minimise(
    loss: Callable[[Settings], Tensor], start: Settings, steps: int, learning_rate: float
) -> Settings:
    values = {name: x.clone().requires_grad_() for name, x in start.tensors().items()}
    optimiser = torch.optim.Adam(values.values(), lr=learning_rate)
    with single_thread():
        for _ in range(steps):
            current = loss(Settings(**values))
            if not math.isfinite(float(current.detach())):
                raise TrainingError(
                    "The likelihood of the latencies is no number: they hardly differ, or differ "
                    "by too much. Check the table of the device."
                )
            optimiser.zero_grad()
            current.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return Settings(**{name: x.detach() for name, x in values.items()})


@dataclass(frozen=True, eq=False)
class Posterior:
    """A Gaussian process that has seen the rows of a device.

    Args:
        settings: Of the kernel.
        features: Of the rows seen, of each group ``[n, width]``.
        mean: Mean log latency of the rows.
        weights: ``K^-1 (y - mean)``, shape ``[n]``.
        whiten: Inverse of the Cholesky factor of ``K``, shape ``[n, n]``.
        left_out: Mean log latency of each row as the others alone predict it, shape ``[n]``.
        left_out_variance: Variance of that prediction, noise included, shape ``[n]``.
    """

    settings: Settings
    features: Sequence[Tensor]
    mean: float
    weights: Tensor
    whiten: Tensor
    left_out: Tensor
    left_out_variance: Tensor

    def predict(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Mean of the log latency of cells, and variance of a measurement of it, both ``[N]``."""
        cross = covariance(self.settings, features, self.features)
        mean = self.mean + cross @ self.weights
        explained = ((cross @ self.whiten.T) ** 2).sum(dim=1)
        prior = prior_variance(self.settings, features)
        noise = self.settings.noise.exp()
        return mean, (prior - explained).clamp(min=0) + noise


def prior_variance(settings: Settings, features: Sequence[Tensor]) -> Tensor:
    """Variance of each cell before any row was seen, without noise, shape ``[N]``."""
    total = settings.constant.exp() + settings.joint.exp() + settings.gaussian.exp().sum()
    linear = settings.linear.exp()
    for g, x in enumerate(features):
        total = total + linear[g] * (x**2).sum(dim=1)
    return total


def condition(settings: Settings, task: Task) -> Posterior:
    """The process after it has seen the rows of a task, and its leave-one-out predictions.

    Raises:
        TrainingError: If the covariance is no covariance, as of features that are no numbers.
    """
    mean = float(task.target.mean())
    noisy = covariance(settings, task.features, task.features)
    noisy = noisy + (settings.noise.exp() + _JITTER) * torch.eye(len(noisy), dtype=torch.float64)
    factor = _cholesky(noisy)
    whiten = torch.linalg.solve_triangular(
        factor, torch.eye(len(noisy), dtype=torch.float64), upper=False
    )
    whiten = whiten.contiguous()  # as a file gives it back: the last bits depend on the layout
    inverse = whiten.T @ whiten
    weights = inverse @ (task.target - mean)
    variance = 1 / inverse.diagonal()
    left_out = task.target - weights * variance
    return Posterior(settings, task.features, mean, weights, whiten, left_out, variance)
