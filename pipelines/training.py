"""Images and settings for the training of networks: shared by the training stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from brpnas.candidates import DIGITS, ImageSource
from brpnas.errors import ConfigurationError, SourceError
from brpnas.spaces.network import NetworkConfig
from pipelines.config import ImagesConfig, NetworkTrainingConfig, OracleConfig

if TYPE_CHECKING:
    from brpnas.candidates import JobConfig, TrainOracle
    from brpnas.fanout import Engine

__all__ = [
    "IMAGES_CACHE",
    "TrainingTask",
    "delivered_network",
    "image_source",
    "job_config",
    "train_oracle",
    "training_engine",
]

_ROOT = Path(__file__).resolve().parents[1]
IMAGES_CACHE = _ROOT / "data" / "02_intermediate" / "images"
"""Where decoded pixels are kept."""


def image_source(images: ImagesConfig) -> ImageSource:
    """The configured images; not yet read.

    Raises:
        SourceError: If none are configured, or the file or folder is missing.
    """
    path = images.path
    if path is None:
        raise SourceError(
            "There are no images to train on: images.path is null. Set it to digits or to a file "
            "of your own, as --env=live or --params=images.path=digits does."
        )
    if path != DIGITS:
        file = _ROOT / path
        if not file.exists():
            raise SourceError(
                f"There are no images at {file}. images.path in the parameters names them: "
                f"{DIGITS!r}, a folder of pictures, or an .npz or .parquet file, from the root of "
                "the project."
            )
        path = str(file)
    return ImageSource(
        path,
        images.valid_share,
        images.test_share,
        images.split_seed,
        size=images.size,
        label=images.label,
        cache=str(IMAGES_CACHE),
    )


def job_config(training: NetworkTrainingConfig, network: NetworkConfig) -> JobConfig:
    """Settings for the training of networks of a size."""
    from brpnas.candidates import JobConfig  # noqa: PLC0415 - it needs torch

    return JobConfig(
        channels=network.channels,
        cells_per_stage=network.cells_per_stage,
        stages=network.stages,
        **training.model_dump(exclude={"workers", "scheduler", "resource", "send_images"}),
    )


def training_engine(training: NetworkTrainingConfig) -> Engine:
    """The engine of trainings.

    Raises:
        ConfigurationError: If the scheduler cannot be used, or has no worker with the resource.
    """
    from brpnas.fanout import get_engine  # noqa: PLC0415

    return get_engine(training.workers, training.scheduler, resource=training.resource)


@dataclass(frozen=True)
class TrainingTask:
    """What the networks of a search are trained for.

    Attributes:
        space: Name of the space.
        dataset: Data set of the search.
        network: Size of the networks.
        metric: Validation score of an answer.
    """

    space: str
    dataset: str
    network: NetworkConfig
    metric: Literal["accuracy", "balanced_accuracy"]


@contextmanager
def train_oracle(
    task: TrainingTask, images: ImagesConfig, training: NetworkTrainingConfig, store: Path
) -> Iterator[TrainOracle]:
    """The oracle that trains networks, with its training processes.

    Args:
        task: What they are trained for.
        images: Their images.
        training: Settings of their training.
        store: Folder of the search's files; trained networks are in its folder ``trained``.

    Raises:
        ConfigurationError: If the images belong to another data set.
    """
    from brpnas.candidates import TrainOracle  # noqa: PLC0415 - it needs torch

    source = image_source(images)
    if source.name != task.dataset:
        raise ConfigurationError(
            f"The parameter dataset is {task.dataset!r}, but search.oracle.name is 'train' and "
            f"the images are {source.name!r}: set dataset to null, which means that of the "
            "images, or images.path to the other images."
        )
    how = job_config(training, task.network)
    with training_engine(training) as engine:
        source = source.sent() if training.send_images and training.scheduler else source
        folder = store / "trained"
        yield TrainOracle(source, how, folder, engine, space=task.space, metric=task.metric)


def delivered_network(oracle: TrainOracle, arch_id: str, seed: int, config: OracleConfig) -> bytes:
    """The trained network to deliver: of the search, or trained again on more images.

    Args:
        oracle: It has trained the network.
        arch_id: The architecture.
        seed: Seed of the training.
        config: Says whether there is a final training; ``auto`` is yes.

    Raises:
        OracleError: If the network of the search is missing.
        TrainingError: If the final training fails.
    """
    network = oracle.final if config.final_training else oracle.network
    return network(arch_id, seed).to_bytes()
