"""Training of one network: architecture, seed and images give weights and accuracy.

`train_architecture` depends on its arguments alone, bit by bit on one machine: one torch thread,
its own random state, deterministic kernels on a GPU. `brpnas.candidates.batch` runs many.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.candidates.images import ImageData
from brpnas.candidates.normalised import NormalisedImages
from brpnas.candidates.regularise import (
    begin_epoch,
    begin_training,
    end_training,
    training_loss,
)
from brpnas.candidates.scores import ClassScores, class_scores
from brpnas.errors import ConfigurationError, TrainingError
from brpnas.predictors.training import single_thread
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space

__all__ = [
    "JobConfig",
    "JobResult",
    "final_data",
    "find_device",
    "network_config",
    "train_architecture",
]

Optimiser = Literal["sgd", "adamw"]
_EVALUATED = 1024
"""Images scored together, up to 22 x 22 pixels; fewer of larger ones."""
_EVALUATED_PIXELS = 2**19
_CYCLE = 0.05
"""Amplitude of the momentum."""
_LAYOUT = torch.channels_last
"""Faster for convolutions and poolings of small images on a CPU."""


@dataclass(frozen=True)
class JobConfig:
    """Size of the networks and their training. Input shape and classes follow the data.

    Args:
        channels: Channels of the first stage.
        cells_per_stage: Cells in each stage.
        stages: Number of stages.
        epochs: Passes over the training rows.
        batch_size: Images per step.
        optimiser: ``sgd`` with Nesterov momentum, or ``adamw``.
        learning_rate: Peak of the one-cycle schedule.
        momentum: Momentum of SGD, first beta of AdamW. In the one-cycle schedule it moves opposite
            to the learning rate, from 0.05 above to 0.05 below and back; 0 stays.
        weight_decay: Weight decay of all weights.
        label_smoothing: Label smoothing of the cross-entropy.
        shift: Largest random shift of an image in each direction, in pixels.
        flip: Mirror a random half of the images left to right.
        drop_path: Final probability of dropping the result of an operation, per image; grows
            linearly from 0. Needs a network with drop path.
        auxiliary_weight: Weight of the loss of an auxiliary head. Needs a network with such a head.
        device: Device of torch: ``cpu``, ``cuda``, ``cuda:1``.

    Raises:
        ConfigurationError: If a value is out of range or the device is missing.
    """

    channels: int = 4
    cells_per_stage: int = 3
    stages: int = 2
    epochs: int = 8
    batch_size: int = 32
    optimiser: Optimiser = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    shift: int = 0
    flip: bool = False
    drop_path: float = 0.0
    auxiliary_weight: float = 0.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be positive, not {getattr(self, name)!r}.")
        if self.optimiser not in get_args(Optimiser):
            raise ConfigurationError(f"optimiser must be sgd or adamw, not {self.optimiser!r}.")
        if self.momentum and not _CYCLE <= self.momentum < 1 - _CYCLE:
            raise ConfigurationError(
                f"momentum must be 0, or from {_CYCLE} to below {1 - _CYCLE}, not {self.momentum}."
            )
        if not 0 <= self.label_smoothing < 1 or self.shift < 0:
            raise ConfigurationError(
                "label_smoothing must lie in [0, 1) and shift must not be negative; they are "
                f"{self.label_smoothing} and {self.shift}."
            )
        if not 0 <= self.drop_path < 1 or not 0 <= self.auxiliary_weight < math.inf:
            raise ConfigurationError(
                "drop_path must lie in [0, 1) and auxiliary_weight must not be negative; they are "
                f"{self.drop_path} and {self.auxiliary_weight}."
            )

    def settings(self) -> dict[str, Any]:
        """Settings by name (JSON types), without unused settings of some networks only.

        Stores and tables older than those settings stay valid.
        """
        optional = ("drop_path", "auxiliary_weight")
        return {k: v for k, v in asdict(self).items() if v or k not in optional}


@dataclass(frozen=True, eq=False)
class JobResult:
    """Result of a training job.

    Attributes:
        valid: Scores on the validation rows after the last epoch; None for a final training, which
            trains on them.
        test: Scores on the test rows; None for a final training, because the exported file is
            scored.
        train_time_s: Seconds of training, without evaluation.
        train_loss: Mean loss of each epoch.
        weights: State of the network from `SearchSpace.build`.
    """

    valid: ClassScores | None
    test: ClassScores | None
    train_time_s: float
    train_loss: tuple[float, ...]
    weights: dict[str, npt.NDArray[np.generic]]

    @property
    def valid_accuracy(self) -> float | None:
        """Fraction of correct validation rows."""
        return None if self.valid is None else self.valid.accuracy

    @property
    def test_accuracy(self) -> float | None:
        """Fraction of correct test rows."""
        return None if self.test is None else self.test.accuracy


def final_data(data: ImageData) -> ImageData:
    """The same images with the validation rows moved to the training rows."""
    rows = np.sort(np.concatenate([data.parts["train"], data.parts["valid"]]))
    return replace(data, parts={**data.parts, "train": rows, "valid": rows[:0]})


def network_config(data: ImageData, config: JobConfig) -> NetworkConfig:
    """Sizes of the network for a data set, without dead operations: they learn nothing."""
    return NetworkConfig(
        channels=config.channels,
        cells_per_stage=config.cells_per_stage,
        stages=config.stages,
        input_shape=data.input_shape,
        classes=len(data.label_names),
        executes_dead_ops=False,
    )


def train_architecture(
    arch_id: str,
    seed: int,
    data: ImageData,
    config: JobConfig,
    *,
    space: str = DEFAULT_SPACE,
    final: bool = False,
) -> JobResult:
    """Train an architecture from random weights and evaluate it.

    Args:
        arch_id: The architecture.
        seed: Seed of weights and batches.
        data: The images.
        config: How to train.
        space: Name of the space.
        final: Train on the validation rows too (`final_data`), and score nothing.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
        ConfigurationError: If the device is missing, or the networks of the space are missing or
            lack the requested drop path or auxiliary head.
        TrainingError: If the loss is not finite.
    """
    device = find_device(config.device)
    known = get_space(space)
    data = final_data(data) if final else data
    with single_thread(), _deterministic(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = known.build(arch_id, network_config(data, config))
        begin_training(network, config.drop_path, config.auxiliary_weight, known.name)
        network = network.to(device, memory_format=_LAYOUT)  # type: ignore[call-overload]
        images = NormalisedImages(data, device)
        labels = torch.from_numpy(data.labels).to(device)
        rows = torch.from_numpy(data.parts["train"])
        began = time.perf_counter()
        losses = _fit(network, images, labels, rows, config)
        seconds = time.perf_counter() - began
        end_training(network, config.auxiliary_weight)
        valid, test = (
            None if final else _scores(network, images, data, part) for part in ("valid", "test")
        )
    weights = {name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}
    return JobResult(valid, test, seconds, tuple(losses), weights)


def find_device(name: str) -> torch.device:
    """Device of torch by its name.

    Raises:
        ConfigurationError: If the name is unknown, or the device is missing.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(f"{name!r} is not a device of torch: {error}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            f"device is {name!r}, but torch sees no CUDA GPU here. Set device to cpu, or install a "
            "build of torch for the GPU."
        )
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigurationError(
            f"torch cannot use the device {name!r} here: {str(error).splitlines()[0]}"
        ) from error
    return device


@contextmanager
def _deterministic() -> Iterator[None]:
    """Make cuDNN choose the same kernels each time."""
    backend = torch.backends.cudnn
    before = (backend.deterministic, backend.benchmark)
    backend.deterministic, backend.benchmark = True, False
    try:
        yield
    finally:
        backend.deterministic, backend.benchmark = before


def _fit(
    network: nn.Module,
    images: NormalisedImages,
    labels: Tensor,
    rows: Tensor,
    config: JobConfig,
) -> list[float]:
    steps = max(1, math.ceil(len(rows) / config.batch_size) - (len(rows) % config.batch_size == 1))
    optimiser = _optimiser(network, config)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        config.learning_rate,
        total_steps=max(4, config.epochs * steps),
        cycle_momentum=config.momentum > 0,
        base_momentum=round(config.momentum - _CYCLE, 6),
        max_momentum=round(config.momentum + _CYCLE, 6),
    )
    losses = []
    network.train()
    for epoch in range(config.epochs):
        begin_epoch(network, config.drop_path, epoch / config.epochs)
        total = torch.zeros((), device=images.device)
        # Batch normalisation needs two images: a last batch of one is left out.
        for batch in torch.split(rows[torch.randperm(len(rows))], config.batch_size)[:steps]:
            chosen = batch.to(images.device)
            loss = training_loss(
                network,
                _laid_out(_augment(images[chosen], config)),
                labels[chosen],
                config.auxiliary_weight,
                config.label_smoothing,
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.detach()
        losses.append(float(total) / steps)
        if not math.isfinite(losses[-1]):
            raise TrainingError(
                f"The loss was {losses[-1]} in epoch {epoch + 1} of {config.epochs}: training "
                "diverged. If many architectures do, lower learning_rate."
            )
    return losses


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


def _laid_out(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=_LAYOUT)


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


def _scores(
    network: nn.Module, images: NormalisedImages, data: ImageData, part: str
) -> ClassScores:
    network.eval()
    rows = torch.from_numpy(data.parts[part])
    _, height, width = data.input_shape
    together = max(1, min(_EVALUATED, _EVALUATED_PIXELS // (height * width)))
    with torch.inference_mode():
        batches = torch.split(rows.to(images.device), together)
        said = torch.cat([network(_laid_out(images[batch])).argmax(dim=1) for batch in batches])
    return class_scores(data.labels[rows.numpy()], said.cpu().numpy(), len(data.label_names))
