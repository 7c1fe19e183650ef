"""Training of one network, the loop shared by all predictors.

`train_network` takes a `TrainingTask` of arrays and returns arrays, so it runs in any process. The
task gives the loss: `absolute_error` for regression, `pairwise_logistic` for ranking.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import GraphBatch
from brpnas.predictors.backbones import build_network
from brpnas.predictors.gradients import FlatParameters, network_gradients
from brpnas.predictors.optimiser import OneCycleAdamW
from brpnas.predictors.tensors import to_tensors

__all__ = [
    "Labelled",
    "TrainedNetwork",
    "TrainingConfig",
    "TrainingTask",
    "absolute_error",
    "pairwise_logistic",
    "single_thread",
    "train_network",
]

FloatArray: TypeAlias = npt.NDArray[np.floating]
Loss: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From outputs and targets, ``[B]`` each, to the loss and its derivative by the outputs."""


@dataclass(frozen=True)
class TrainingConfig:
    """Size and schedule of a network.

    Args:
        backbone: ``gcn``, ``gin`` or ``gat``.
        hidden: Width of the layers.
        layers: Number of graph convolutions.
        dropout: Probability of dropping a feature.
        epochs: Most passes over the training rows.
        batch_size: Graphs a step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Of AdamW, on matrices only.
        patience: Epochs without a better validation loss before training stops.
    """

    backbone: str = "gcn"
    hidden: int = 64
    layers: int = 4
    dropout: float = 0.0
    epochs: int = 100
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    patience: int = 50

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "epochs", "batch_size", "learning_rate", "patience"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be positive, not {getattr(self, name)!r}.")
        if not 0 <= self.dropout < 1:
            raise ConfigurationError(f"dropout must lie in [0, 1), not {self.dropout!r}.")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Graphs with a target each, shape ``[N]``."""

    graphs: GraphBatch
    targets: FloatArray

    def __post_init__(self) -> None:
        if len(self.graphs) != len(self.targets):
            raise ConfigurationError(
                f"{len(self.graphs)} graphs cannot have {len(self.targets)} targets."
            )
        if not np.isfinite(self.targets).all():
            raise SchemaError("Targets must be finite numbers; leave out failed or missing rows.")

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Operations, adjacencies and targets."""
        return (*to_tensors(self.graphs), torch.from_numpy(np.asarray(self.targets, np.float32)))


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """All inputs of the training of one network.

    Without validation rows it runs all epochs and keeps the last weights; with them it keeps the
    weights of the best epoch.
    """

    train: Labelled
    config: TrainingConfig
    loss: Loss
    seed: int
    valid: Labelled | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise ConfigurationError(f"seed must be from 0 to below 2^63, not {self.seed}.")


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """The result of training: weights, and the losses of each epoch."""

    weights: dict[str, npt.NDArray[np.float32]]
    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0


def absolute_error(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean absolute error."""
    error = output - target
    return error.abs().mean(), error.sign().div_(len(error))


def pairwise_logistic(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logistic loss of all ordered pairs of a batch: P(a better than b) = sigmoid(s_a - s_b).

    Pairs with equal targets are left out.
    """
    better = (target[:, None] > target).to(output.dtype)
    behind = output - output[:, None]
    better /= better.sum().clamp_(min=1)
    wrong = torch.sigmoid(behind) * better
    return (F.softplus(behind) * better).sum(), wrong.sum(0) - wrong.sum(1)


@contextmanager
def single_thread() -> Iterator[None]:
    """Run torch on one thread, the fastest for graphs of this size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train_network(task: TrainingTask) -> TrainedNetwork:
    """Train one network, deterministic in ``task.seed``; torch's random state is unchanged."""
    config = task.config
    with single_thread(), torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(task.seed)
        ops, adj, target = task.train.tensors()
        valid = task.valid.tensors() if task.valid else None
        network = build_network(
            config.backbone, task.train.graphs.num_ops, config.hidden, config.layers, config.dropout
        )
        parameters = FlatParameters(network)
        gradients = network_gradients(network, (ops, adj))
        steps = config.epochs * math.ceil(len(target) / config.batch_size)
        optimiser = OneCycleAdamW(parameters, config.learning_rate, config.weight_decay, steps)
        result = TrainedNetwork({})
        best, kept, best_epoch = math.inf, _weights(network), 0
        for epoch in range(config.epochs):
            network.train()
            order, losses = torch.randperm(len(target)), []
            batches = gradients.batches(order, config.batch_size)
            parts = torch.split(target[order], config.batch_size)
            for batch, answers in zip(batches, parts, strict=True):
                loss, slope = task.loss(gradients.outputs(batch), answers)
                gradients.backward(slope)
                optimiser.step()
                losses.append(loss * len(answers))
            result.train_loss.append(float(torch.stack(losses).sum()) / len(target))
            if valid is None:
                continue
            result.valid_loss.append(_evaluate(network, valid, task.loss))
            if result.valid_loss[-1] < best:
                best = result.valid_loss[-1]
                kept, best_epoch = _weights(network), epoch
            elif epoch - best_epoch >= config.patience:
                break
        if not math.isfinite(result.train_loss[-1] if valid is None else best):
            raise ConfigurationError(
                f"Training diverged: the loss is not finite. Lower learning_rate from "
                f"{config.learning_rate}, and check the targets."
            )
        if valid is None:
            kept, best_epoch = _weights(network), len(result.train_loss) - 1
    return TrainedNetwork(kept, result.train_loss, result.valid_loss, best_epoch)


def _evaluate(network: nn.Module, rows: tuple[Tensor, Tensor, Tensor], loss: Loss) -> float:
    network.eval()
    ops, adj, target = rows
    return float(loss(network(ops, adj), target)[0])


def _weights(network: nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}
