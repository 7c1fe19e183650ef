"""Training of one network: architecture, seed and images give weights and accuracy.

`train_architecture` depends on its arguments alone, bit by bit on one machine: one torch thread,
its own random state, deterministic kernels on a GPU. `brpnas.candidates.batch` runs many.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from brpnas.candidates.checkpoints import Checkpoint
from brpnas.candidates.fitting import CYCLE, LAYOUT, Fitting, laid_out
from brpnas.candidates.images import ImageData
from brpnas.candidates.normalised import NormalisedImages
from brpnas.candidates.regularise import begin_training, end_training
from brpnas.candidates.scores import ClassScores, class_scores
from brpnas.errors import ConfigurationError
from brpnas.predictors.training import single_thread
from brpnas.search.stopping import StoppingRule
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
_EVALUATED = 128
"""Images scored together, up to 64 x 64 pixels; fewer of larger ones. More are slower on a CPU."""
_EVALUATED_PIXELS = 2**19


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
        mixed_precision: On a CUDA GPU, compute convolutions of the training in bfloat16
            (Micikevicius et al., ICLR 2018, arXiv 1710.03740); weights and evaluations stay in
            float32. Without effect elsewhere.

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
    mixed_precision: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be positive, not {getattr(self, name)!r}.")
        if self.optimiser not in get_args(Optimiser):
            raise ConfigurationError(f"optimiser must be sgd or adamw, not {self.optimiser!r}.")
        if self.momentum and not CYCLE <= self.momentum < 1 - CYCLE:
            raise ConfigurationError(
                f"momentum must be 0, or from {CYCLE} to below {1 - CYCLE}, not {self.momentum}."
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
        """Settings by name (JSON types), without settings of no effect on these trainings.

        Stores and tables older than those settings stay valid.
        """
        optional = ("drop_path", "auxiliary_weight", "mixed_precision")
        values = {**asdict(self), "mixed_precision": self.is_mixed}
        return {k: v for k, v in values.items() if v or k not in optional}

    @property
    def is_mixed(self) -> bool:
        """Whether the trainings compute in bfloat16."""
        return self.mixed_precision and self.device.startswith("cuda")


@dataclass(frozen=True, eq=False)
class JobResult:
    """Result of a training job.

    Attributes:
        valid: Scores on the validation rows after the last epoch; None for a final training, which
            trains on them.
        test: Scores on the test rows; None for a final training, because the exported file is
            scored.
        curve: Accuracy on the validation rows after each epoch, the last of ``valid``; empty for a
            final training.
        train_time_s: Seconds of training, without evaluation.
        train_loss: Mean loss of each epoch.
        weights: State of the network from `SearchSpace.build`; empty if it was stopped.
        stopped: Whether a rule ended the training early; then there are no scores.
    """

    valid: ClassScores | None
    test: ClassScores | None
    curve: tuple[float, ...]
    train_time_s: float
    train_loss: tuple[float, ...]
    weights: dict[str, npt.NDArray[np.generic]]
    stopped: bool = False

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
    checkpoint: Checkpoint | None = None,
    rule: StoppingRule | None = None,
) -> JobResult:
    """Train an architecture from random weights and evaluate it.

    The evaluations after the epochs change nothing: weights and accuracies are the same without
    them.

    Args:
        arch_id: The architecture.
        seed: Seed of weights and batches.
        data: The images.
        config: How to train.
        space: Name of the space.
        final: Train on the validation rows too (`final_data`), and score nothing.
        checkpoint: Where to keep the state of the training, and to go on from; of this training
            alone. None to keep nothing.
        rule: When to stop early; None for never.

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
        network = network.to(device, memory_format=LAYOUT)  # type: ignore[call-overload]
        images = NormalisedImages(data, device)
        labels = torch.from_numpy(data.labels).to(device)
        rows = torch.from_numpy(data.parts["train"])
        fitting = Fitting(network, images, labels, rows, config)
        curve = [] if checkpoint is None else checkpoint.resume(fitting)
        while fitting.epochs < config.epochs:
            fitting.run_epoch()
            if not final and fitting.epochs < config.epochs:
                with torch.random.fork_rng(_cuda(device)):
                    curve.append(_scores(network, images, data, "valid").accuracy)
            if rule is not None and rule.stops(curve):
                return JobResult(
                    *(None, None, tuple(curve), fitting.seconds, tuple(fitting.losses), {}),
                    stopped=True,
                )
            if checkpoint is not None:
                checkpoint.save(fitting, curve)
        end_training(network, config.auxiliary_weight)
        valid, test = (
            None if final else _scores(network, images, data, part) for part in ("valid", "test")
        )
    if valid is not None:
        curve.append(valid.accuracy)
    weights = {name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}
    return JobResult(valid, test, tuple(curve), fitting.seconds, tuple(fitting.losses), weights)


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


def _cuda(device: torch.device) -> list[torch.device]:
    """The device, if it has random numbers of its own."""
    return [device] if device.type == "cuda" else []


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


def _scores(
    network: nn.Module, images: NormalisedImages, data: ImageData, part: str
) -> ClassScores:
    network.eval()
    rows = torch.from_numpy(data.parts[part])
    _, height, width = data.input_shape
    together = max(1, min(_EVALUATED, _EVALUATED_PIXELS // (height * width)))
    with torch.inference_mode():
        batches = torch.split(rows.to(images.device), together)
        said = torch.cat([network(laid_out(images[batch])).argmax(dim=1) for batch in batches])
    return class_scores(data.labels[rows.numpy()], said.cpu().numpy(), len(data.label_names))
