"""One network in training, epoch by epoch; it can stop after an epoch and go on elsewhere.

The state of a `Fitting` is everything that decides its next epochs: weights, batch statistics,
optimiser and random numbers. A training that goes on from it gives the bits of an uninterrupted
one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.candidates.normalised import NormalisedImages
from brpnas.candidates.regularise import begin_epoch, training_loss
from brpnas.errors import SchemaError, TrainingError

if TYPE_CHECKING:
    from brpnas.candidates.training import JobConfig

__all__ = ["CYCLE", "LAYOUT", "Fitting", "laid_out"]

CYCLE = 0.05
"""Amplitude of the momentum."""
LAYOUT = torch.channels_last
"""Faster for convolutions and poolings of small images on a CPU."""
_NETWORK, _MOMENTS, _RANDOM = "network.", "optimiser.", "random."


class Fitting:
    """Trains a network; the random numbers are those of torch.

    Args:
        network: The network, on the device of the images.
        images: All images.
        labels: Label of each image, on the same device.
        rows: Rows of the images to train on.
        config: How to train.

    Attributes:
        losses: Mean loss of each finished epoch.
        seconds: Seconds of the finished epochs.
    """

    def __init__(
        self,
        network: nn.Module,
        images: NormalisedImages,
        labels: Tensor,
        rows: Tensor,
        config: JobConfig,
    ) -> None:
        self._network, self._images, self._labels = network, images, labels
        self._rows, self._config = rows, config
        # Batch normalisation needs two images: a last batch of one is left out.
        size, count = config.batch_size, len(rows)
        self._steps = max(1, math.ceil(count / size) - (count % size == 1))
        self._optimiser = _optimiser(network, config)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser,
            config.learning_rate,
            total_steps=max(4, config.epochs * self._steps),
            cycle_momentum=config.momentum > 0,
            base_momentum=round(config.momentum - CYCLE, 6),
            max_momentum=round(config.momentum + CYCLE, 6),
        )
        self.losses: list[float] = []
        self.seconds = 0.0

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.losses)

    def run_epoch(self) -> None:
        """Train for the next epoch.

        Raises:
            TrainingError: If the loss is not finite.
        """
        began, config, images = time.perf_counter(), self._config, self._images
        self._network.train()
        begin_epoch(self._network, config.drop_path, self.epochs / config.epochs)
        total = torch.zeros((), device=images.device)
        order = self._rows[torch.randperm(len(self._rows))]
        for batch in torch.split(order, config.batch_size)[: self._steps]:
            chosen = batch.to(images.device)
            with torch.autocast("cuda", torch.bfloat16, enabled=config.is_mixed):
                loss = training_loss(
                    self._network,
                    laid_out(_augment(images[chosen], config)),
                    self._labels[chosen],
                    config.auxiliary_weight,
                    config.label_smoothing,
                )
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            self._schedule.step()
            total += loss.detach()
        self.losses.append(float(total) / self._steps)
        self.seconds += time.perf_counter() - began
        if not math.isfinite(self.losses[-1]):
            raise TrainingError(
                f"The loss was {self.losses[-1]} in epoch {self.epochs} of {config.epochs}: "
                "training diverged. If many architectures do, lower learning_rate."
            )

    def state(self) -> dict[str, Tensor]:
        """Weights, statistics, optimiser and random numbers by name, on the CPU."""
        tensors = {_NETWORK + name: value for name, value in self._network.state_dict().items()}
        tensors |= self._moments()
        tensors[f"{_RANDOM}cpu"] = torch.get_rng_state()
        if self._images.device.type == "cuda":
            tensors[f"{_RANDOM}cuda"] = torch.cuda.get_rng_state(self._images.device)
        return {name: value.detach().cpu() for name, value in tensors.items()}

    def restore(self, tensors: Mapping[str, Tensor], losses: list[float], seconds: float) -> None:
        """Go on from a state, with its losses and seconds.

        Raises:
            SchemaError: If it belongs to another network or kind of device.
        """
        network = {_NETWORK + name: value for name, value in self._network.state_dict().items()}
        moments = {name: value for name, value in tensors.items() if name.startswith(_MOMENTS)}
        random = {f"{_RANDOM}cpu"}
        if self._images.device.type == "cuda":
            random.add(f"{_RANDOM}cuda")
        if network.keys() | moments.keys() | random != tensors.keys():
            raise SchemaError("The checkpoint belongs to another network or kind of device.")
        weights = self._weights()
        with torch.no_grad():
            for name, value in network.items():
                value.copy_(tensors[name])  # in the memory layout of the network
            for name, value in moments.items():
                number, kind = name.removeprefix(_MOMENTS).split(".")
                weight = weights[int(number)]
                mine = torch.empty_like(weight if value.shape == weight.shape else value)
                self._optimiser.state[weight][kind] = mine.to(weight.device).copy_(value)
        torch.set_rng_state(tensors[f"{_RANDOM}cpu"])
        if f"{_RANDOM}cuda" in random:
            torch.cuda.set_rng_state(tensors[f"{_RANDOM}cuda"], self._images.device)
        self.losses, self.seconds = list(losses), seconds
        steps = self.epochs * self._steps
        self._schedule.load_state_dict({"last_epoch": steps - 1, "_step_count": steps + 1})
        self._schedule.step()

    def _moments(self) -> dict[str, Tensor]:
        """State of the optimiser by the position of its weight; empty before the first step."""
        return {
            f"{_MOMENTS}{number}.{name}": value
            for number, weight in enumerate(self._weights())
            for name, value in self._optimiser.state.get(weight, {}).items()
            if isinstance(value, Tensor)
        }

    def _weights(self) -> list[Tensor]:
        return [weight for group in self._optimiser.param_groups for weight in group["params"]]


def _optimiser(network: nn.Module, config: JobConfig) -> torch.optim.Optimizer:
    if config.optimiser == "adamw":
        return torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
    return torch.optim.SGD(
        network.parameters(),
        config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=True,
    )


def laid_out(images: Tensor) -> Tensor:
    """Images in the memory layout of the networks."""
    return images.contiguous(memory_format=LAYOUT)


def _augment(images: Tensor, config: JobConfig) -> Tensor:
    """Shift and mirror each image independently, ``[B, C, H, W]`` to the same shape."""
    count, _, height, width = images.shape
    if config.shift:
        by = config.shift
        padded = F.pad(images, (by, by, by, by))
        down, right = torch.randint(0, 2 * by + 1, (2, count, 1)).to(images.device)
        lines = (down + torch.arange(height, device=images.device))[:, :, None]
        columns = (right + torch.arange(width, device=images.device))[:, None, :]
        which = torch.arange(count, device=images.device)[:, None, None]
        images = padded[which, :, lines, columns].permute(0, 3, 1, 2)
    if config.flip:
        mirrored = (torch.rand(count) < 0.5).to(images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return images
