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
Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


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


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error."""
    return F.l1_loss(output, target)


def pairwise_logistic(output: Tensor, target: Tensor) -> Tensor:
    """Logistic loss of all ordered pairs of a batch: P(a better than b) = sigmoid(s_a - s_b).

    Pairs with equal targets are left out.
    """
    better = target[:, None] > target[None, :]
    pairs = better.sum().clamp(min=1)
    return (F.softplus(output[None, :] - output[:, None]) * better).sum() / pairs


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
    with single_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        ops, adj, target = task.train.tensors()
        network = build_network(
            config.backbone, task.train.graphs.num_ops, config.hidden, config.layers, config.dropout
        )
        steps = math.ceil(len(target) / config.batch_size)
        optimiser, schedule = _optimiser(network, config, steps)
        result = TrainedNetwork({})
        best, kept, best_epoch = math.inf, _weights(network), 0
        for epoch in range(config.epochs):
            network.train()
            total = torch.zeros(())
            for rows in torch.split(torch.randperm(len(target)), config.batch_size):
                loss = task.loss(network(ops[rows], adj[rows]), target[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                total += loss.detach() * len(rows)
            result.train_loss.append(float(total) / len(target))
            if task.valid is None:
                continue
            result.valid_loss.append(_evaluate(network, task.valid, task.loss))
            if result.valid_loss[-1] < best:
                best = result.valid_loss[-1]
                kept, best_epoch = _weights(network), epoch
            elif epoch - best_epoch >= config.patience:
                break
        if not math.isfinite(result.train_loss[-1] if task.valid is None else best):
            raise ConfigurationError(
                f"Training diverged: the loss is not finite. Lower learning_rate from "
                f"{config.learning_rate}, and check the targets."
            )
        if task.valid is None:
            kept, best_epoch = _weights(network), len(result.train_loss) - 1
    return TrainedNetwork(kept, result.train_loss, result.valid_loss, best_epoch)


def _optimiser(
    network: nn.Module, config: TrainingConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    total = max(3, config.epochs * steps)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=total, pct_start=max(0.1, 2 / total)
    )
    return optimiser, schedule


def _evaluate(network: nn.Module, rows: Labelled, loss: Loss) -> float:
    network.eval()
    with torch.no_grad():
        ops, adj, target = rows.tensors()
        return float(loss(network(ops, adj), target))


def _weights(network: nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}
