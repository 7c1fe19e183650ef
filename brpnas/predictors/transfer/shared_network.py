"""One network shared by all known devices, with an embedding per device.

`SharedNetwork` embeds both views of a cell with a graph network each. A device is a vector; its
latency is the product with the embeddings. `train_shared_network` trains it on the tables of all
devices at once; the tables may hold different cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from brpnas.errors import ConfigurationError
from brpnas.predictors.backbones import DenseGCN
from brpnas.predictors.training import single_thread

__all__ = ["SharedNetwork", "SharedNetworkConfig", "train_shared_network"]


@dataclass(frozen=True)
class SharedNetworkConfig:
    """Size and schedule of the shared network.

    Args:
        hidden: Width of the layers.
        layers: Graph convolutions of each of the two networks.
        epochs: Passes over as many cells as the space has.
        batch_size: Cells a step.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Of AdamW.
    """

    hidden: int = 64
    layers: int = 4
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be positive, not {getattr(self, name)!r}.")


class SharedNetwork(nn.Module):
    """Standardised log latency of a cell on each of several devices."""

    def __init__(self, num_ops: int, devices: int, config: SharedNetworkConfig) -> None:
        super().__init__()
        self.devices, self.config = devices, config
        self.pruned = DenseGCN(num_ops, config.hidden, config.layers, outputs=devices)
        self.raw = DenseGCN(num_ops, config.hidden, config.layers, outputs=devices)

    def forward(
        self, pruned_ops: Tensor, pruned_adj: Tensor, raw_ops: Tensor, raw_adj: Tensor
    ) -> Tensor:
        """Standardised log latency on each device, shape ``[B, devices]``."""
        pruned: Tensor = self.pruned.vector(pruned_ops, pruned_adj)
        return pruned + self.raw.vector(raw_ops, raw_adj)


def train_shared_network(
    inputs: Sequence[Tensor],
    targets: npt.NDArray[np.float64],
    num_ops: int,
    config: SharedNetworkConfig,
    *,
    seed: int = 0,
    progress: bool = False,
) -> tuple[SharedNetwork, list[float]]:
    """Train on all measured latencies at once, by mean absolute error.

    Batches hold measured cells only. Where few are measured, each is seen several times an epoch.

    Args:
        inputs: Both views of ``N`` cells, see `brpnas.predictors.transfer.features.both_views`.
        targets: Standardised log latency, NaN without a measurement, shape ``[N, devices]``.
        num_ops: Size of the operation vocabulary.
        config: Size and schedule.
        seed: Decides weights and order.
        progress: Show a progress bar.

    Returns:
        The network, and the loss of each epoch.

    Raises:
        ConfigurationError: If nothing is measured.
    """
    measured = np.isfinite(targets)
    cells = torch.from_numpy(np.flatnonzero(measured.any(axis=1)))
    if not len(cells):
        raise ConfigurationError("The shared network needs a measured latency.")
    known = torch.from_numpy(measured)
    values = torch.from_numpy(np.where(measured, targets, 0).astype(np.float32))
    steps = max(3, -(-len(values) // config.batch_size) * config.epochs)
    losses, repeats = [], -(-len(values) // len(cells))
    with single_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SharedNetwork(num_ops, targets.shape[1], config)
        optimiser = torch.optim.AdamW(
            network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, config.learning_rate, total_steps=steps, pct_start=max(0.1, 2 / steps)
        )
        for _ in tqdm(range(config.epochs), "devices", unit="epoch", disable=not progress):
            total = torch.zeros(())
            passes = [cells[torch.randperm(len(cells))] for _ in range(repeats)]
            for rows in torch.split(torch.cat(passes)[: len(values)], config.batch_size):
                error = (network(*(x[rows] for x in inputs)) - values[rows]).abs()
                loss = (error * known[rows]).sum() / known[rows].sum().clamp(min=1)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.detach() * len(rows)
            losses.append(float(total) / len(values))
    return network.eval(), losses
