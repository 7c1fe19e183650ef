"""The covariance of latencies: a Gaussian process with hyperparameters from known devices.

`covariance` adds, for every group of features, a linear and a Gaussian kernel, and a Gaussian
kernel of all groups together; `Hyperparameters` are the logarithms of their weights.
`adapt_hyperparameters` fits one device, with a normal prior around a centre.
`learn_hyperparameters` gives this centre, from a fit of each of several devices (Rasmussen &
Williams, Gaussian Processes for Machine Learning, 2006, chapters 2 and 5; Gelman et al., Bayesian
Data Analysis, 2013, chapter 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam

from brpnas.errors import TrainingError
from brpnas.predictors.training import single_thread

__all__ = [
    "DeviceRows",
    "Hyperparameters",
    "Posterior",
    "adapt_hyperparameters",
    "condition",
    "covariance",
    "learn_hyperparameters",
    "log_evidence",
    "log_evidence_following",
]

_JITTER = 1e-8
_NOTHING = -40.0
"""Logarithm of a weight of practically 0."""
_WEIGHTS = ("constant", "noise", "linear", "gaussian", "joint")
"""Hyperparameters with the unit of a variance."""
_BETWEEN = 1.0
"""Standard deviation of log hyperparameters between known devices."""


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """Logarithms of the weights of the kernel, for ``G`` groups.

    Args:
        constant: Variance of the mean latency around the mean of the rows.
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
    def start(cls, groups: int) -> Hyperparameters:
        """Initial values: small weights of all kernels."""

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

    def without(self, groups: Sequence[int]) -> Hyperparameters:
        """Hyperparameters without some groups."""
        changed = {name: value.clone() for name, value in self.tensors().items()}
        for name in ("linear", "gaussian", "joint_nearness"):
            changed[name][list(groups)] = _NOTHING
        return Hyperparameters(**changed)

    def only(self, groups: Sequence[int]) -> Hyperparameters:
        """Hyperparameters of some groups, in this order."""
        changed = self.tensors()
        for name in ("linear", "gaussian", "nearness", "joint_nearness"):
            changed[name] = changed[name][list(groups)]
        return Hyperparameters(**changed)

    def scaled(self, shift: float) -> Hyperparameters:
        """Hyperparameters with ``shift`` added to all log weights and the log noise."""
        changed = self.tensors()
        return Hyperparameters(**changed | {name: changed[name] + shift for name in _WEIGHTS[1:]})

    def resembling(self, weight: float) -> Hyperparameters:
        """Hyperparameters with one more group, linear only, of the given log weight."""

        def longer(values: Tensor, last: float) -> Tensor:
            return torch.cat([values, torch.tensor([last], dtype=torch.float64)])

        return Hyperparameters(
            self.constant,
            self.noise,
            longer(self.linear, weight),
            longer(self.gaussian, _NOTHING),
            longer(self.nearness, 0.0),
            self.joint,
            longer(self.joint_nearness, _NOTHING),
        )


@dataclass(frozen=True, eq=False)
class DeviceRows:
    """The rows of one device: features of each group ``[n, width]``, and log latency ``[n]``."""

    features: Sequence[Tensor]
    target: Tensor


def covariance(
    hyperparameters: Hyperparameters, a: Sequence[Tensor], b: Sequence[Tensor]
) -> Tensor:
    """Covariance of cells ``a`` with cells ``b``, without noise, shape ``[len(a), len(b)]``.

    The cells are given by their features of each group, ``[len, width]``.
    """
    products, distances = _gram(a, b)
    return _combine(hyperparameters, products, distances)


def _gram(a: Sequence[Tensor], b: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Inner products and squared distances of each group, independent of hyperparameters."""
    products, distances = [], []
    for x, y in zip(a, b, strict=True):
        product = x @ y.T
        squares = (x**2).sum(dim=1)[:, None] + (y**2).sum(dim=1)[None, :]
        products.append(product)
        distances.append((squares - 2 * product).clamp(min=0))
    return products, distances


def _combine(
    hyperparameters: Hyperparameters, products: list[Tensor], distances: list[Tensor]
) -> Tensor:
    linear, gaussian = hyperparameters.linear.exp(), hyperparameters.gaussian.exp()
    nearness, joint = hyperparameters.nearness.exp(), hyperparameters.joint_nearness.exp()
    total = hyperparameters.constant.exp() * torch.ones_like(products[0])
    apart = torch.zeros_like(products[0])
    for g, (product, distance) in enumerate(zip(products, distances, strict=True)):
        total = total + linear[g] * product
        total = total + gaussian[g] * torch.exp(-0.5 * nearness[g] * distance)
        apart = apart + joint[g] * distance
    return total + hyperparameters.joint.exp() * torch.exp(-0.5 * apart)


def _factor(
    hyperparameters: Hyperparameters, products: list[Tensor], distances: list[Tensor]
) -> Tensor:
    """Cholesky factor of the covariance of some cells with themselves, noise included."""
    covariances = _combine(hyperparameters, products, distances)
    noise = hyperparameters.noise.exp() + _JITTER
    noisy = covariances + noise * torch.eye(len(covariances), dtype=torch.float64)
    try:
        factor: Tensor = torch.linalg.cholesky(noisy)
    except RuntimeError as error:  # torch.linalg.LinAlgError, which torch does not type
        raise TrainingError(
            f"The covariance of the cells cannot be factorised ({error}). Their features must be "
            "finite and of moderate size."
        ) from error
    return factor


class _Likelihood:
    """Negative log likelihood of the rows of a device, as a function of the hyperparameters."""

    def __init__(self, rows: DeviceRows) -> None:
        self._gram = _gram(rows.features, rows.features)
        self._target = rows.target - rows.target.mean()

    def __call__(self, hyperparameters: Hyperparameters) -> Tensor:
        factor = _factor(hyperparameters, *self._gram)
        white = torch.linalg.solve_triangular(factor, self._target[:, None], upper=False)
        likelihood: Tensor = 0.5 * (white**2).sum() + factor.diagonal().log().sum()
        return likelihood


def log_evidence(hyperparameters: Hyperparameters, rows: DeviceRows) -> float:
    """Log probability of the rows of a device, up to a constant of these rows."""
    with torch.inference_mode(), single_thread():
        return -float(_Likelihood(rows)(hyperparameters))


def log_evidence_following(
    hyperparameters: Hyperparameters, rows: DeviceRows, known: Tensor, weight: float
) -> Tensor:
    """Log evidence of the rows with the latency of each known device as one more linear group.

    Each is `log_evidence` of `Hyperparameters.resembling`. One more linear group of width 1 is an
    update of rank 1, so one factorisation serves all known devices.

    Args:
        hyperparameters: Hyperparameters of the other groups.
        rows: Rows of the device.
        known: Latency of each known device at these rows, shape ``[n, devices]``.
        weight: Log weight of the group.

    Returns:
        Shape ``[devices]``.
    """
    with torch.inference_mode(), single_thread():
        factor = _factor(hyperparameters, *_gram(rows.features, rows.features))
        target = (rows.target - rows.target.mean())[:, None]
        white = torch.linalg.solve_triangular(
            factor, torch.cat([target, known], dim=1), upper=False
        )
        alone = -0.5 * (white[:, 0] ** 2).sum() - factor.diagonal().log().sum()
        explained = (white[:, 1:].T @ white[:, 0]) ** 2
        growth = 1 + math.exp(weight) * (white[:, 1:] ** 2).sum(dim=0)
        found: Tensor = alone + 0.5 * (math.exp(weight) * explained / growth - growth.log())
    return found.clone()


def learn_hyperparameters(
    devices: Sequence[DeviceRows],
    *,
    hyperparameter_deviation: float = _BETWEEN,
    steps: int = 80,
    learning_rate: float = 0.1,
) -> Hyperparameters:
    """Centre of the hyperparameters of a new device, from several known ones.

    A hierarchical model: the hyperparameters of a device are normal around the centre, and the
    centre is normal around `Hyperparameters.start`, with the same deviation. Each device is fitted
    around the start; the centre is the mean of these fits and the start, each with weight 1.
    Devices that agree move it, but none moves it out of reach of another kind of device. The
    maximum likelihood of all devices has no such bound: known devices of one kind set the weights
    of all other groups to 0.

    Args:
        devices: Rows of each known device.
        hyperparameter_deviation: Standard deviation of both levels.
        steps: Steps of Adam for each device.
        learning_rate: Of Adam.

    Raises:
        TrainingError: If the likelihood is not finite.
    """
    start = Hyperparameters.start(len(devices[0].features))
    fits = [
        adapt_hyperparameters(
            start,
            rows,
            hyperparameter_deviation=hyperparameter_deviation,
            together=False,
            steps=steps,
            learning_rate=learning_rate,
        ).tensors()
        for rows in devices
    ]
    return Hyperparameters(
        **{
            name: torch.stack([value, *(fit[name] for fit in fits)]).mean(dim=0)
            for name, value in start.tensors().items()
        }
    )


def adapt_hyperparameters(
    hyperparameters: Hyperparameters,
    rows: DeviceRows,
    *,
    hyperparameter_deviation: float = 1.0,
    together: bool = True,
    steps: int = 40,
    learning_rate: float = 0.1,
) -> Hyperparameters:
    """Hyperparameters of one device, by maximum a posteriori.

    Args:
        hyperparameters: Hyperparameters of known devices, the centre of a normal prior.
        rows: Rows of the device.
        hyperparameter_deviation: Standard deviation of the prior.
        together: Whether all weights and the noise may also grow or shrink together, at the price
            of one of them: a device with noisier latencies is noisier everywhere.
        steps: Steps of Adam.
        learning_rate: Of Adam.

    Raises:
        TrainingError: If the likelihood is not finite.
    """
    likelihood, centre = _Likelihood(rows), hyperparameters.tensors()

    def loss(changed: Hyperparameters) -> Tensor:
        moved = {name: x - centre[name] for name, x in changed.tensors().items()}
        squares = torch.stack([(x**2).sum() for x in moved.values()]).sum()
        if together:
            weights = torch.cat([moved[n][centre[n] > _NOTHING].reshape(-1) for n in _WEIGHTS])
            # The cost without the cheapest common shift of the weights.
            squares = squares - weights.sum() ** 2 / (len(weights) + 1)
        return likelihood(changed) + squares / (2 * hyperparameter_deviation**2)

    return _minimise(loss, hyperparameters, steps, learning_rate)


def _minimise(
    loss: Callable[[Hyperparameters], Tensor],
    start: Hyperparameters,
    steps: int,
    learning_rate: float,
) -> Hyperparameters:
    values = [x.clone().requires_grad_() for x in start.tensors().values()]
    means, squares = ([torch.zeros_like(x) for x in values] for _ in range(2))
    done = [torch.zeros(()) for _ in values]
    with single_thread():
        for _ in range(steps):
            current = loss(Hyperparameters(*values))
            if not math.isfinite(float(current.detach())):
                raise TrainingError(
                    "The likelihood of the latencies is not finite: they are too similar or too "
                    "different. Check the table of the device."
                )
            slopes = list(torch.autograd.grad(current, values))
            with torch.no_grad():  # the class torch.optim.Adam imports a compiler, for seconds
                adam(
                    values,
                    slopes,
                    means,
                    squares,
                    [],
                    done,
                    foreach=False,
                    amsgrad=False,
                    beta1=0.9,
                    beta2=0.999,
                    lr=learning_rate,
                    weight_decay=0.0,
                    eps=1e-8,
                    maximize=False,
                )
    return Hyperparameters(*(x.detach() for x in values))


@dataclass(frozen=True, eq=False)
class Posterior:
    """A Gaussian process conditioned on the rows of a device.

    Args:
        hyperparameters: Hyperparameters of the kernel.
        features: Features of the rows, of each group ``[n, width]``.
        mean: Mean log latency of the rows.
        weights: ``K^-1 (y - mean)``, shape ``[n]``.
        whiten: Inverse of the Cholesky factor of ``K``, shape ``[n, n]``.
        left_out: Mean log latency of each row, predicted by the others, shape ``[n]``.
        left_out_variance: Variance of this prediction, noise included, shape ``[n]``.
    """

    hyperparameters: Hyperparameters
    features: Sequence[Tensor]
    mean: float
    weights: Tensor
    whiten: Tensor
    left_out: Tensor
    left_out_variance: Tensor

    def predict(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Mean of the log latency of cells, and variance of a measurement of it, both ``[N]``."""
        cross = covariance(self.hyperparameters, features, self.features)
        mean = self.mean + cross @ self.weights
        explained = ((cross @ self.whiten.T) ** 2).sum(dim=1)
        prior = prior_variance(self.hyperparameters, features)
        noise = self.hyperparameters.noise.exp()
        return mean, (prior - explained).clamp(min=0) + noise


def prior_variance(hyperparameters: Hyperparameters, features: Sequence[Tensor]) -> Tensor:
    """Variance of each cell without any rows and without noise, shape ``[N]``."""
    total = (
        hyperparameters.constant.exp()
        + hyperparameters.joint.exp()
        + hyperparameters.gaussian.exp().sum()
    )
    linear = hyperparameters.linear.exp()
    for g, x in enumerate(features):
        total = total + linear[g] * (x**2).sum(dim=1)
    return total


def condition(hyperparameters: Hyperparameters, rows: DeviceRows) -> Posterior:
    """Condition the process on the rows of a device; with leave-one-out predictions.

    Raises:
        TrainingError: If the covariance cannot be factorised, as with non-finite features.
    """
    mean = float(rows.target.mean())
    factor = _factor(hyperparameters, *_gram(rows.features, rows.features))
    whiten = torch.linalg.solve_triangular(
        factor, torch.eye(len(factor), dtype=torch.float64), upper=False
    )
    whiten = whiten.contiguous()  # as read from a file: the last bits depend on the layout
    inverse = whiten.T @ whiten
    weights = inverse @ (rows.target - mean)
    variance = 1 / inverse.diagonal()
    left_out = rows.target - weights * variance
    return Posterior(hyperparameters, rows.features, mean, weights, whiten, left_out, variance)
