"""Images and settings for the training of networks: shared by the training stages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brpnas.candidates import DIGITS, ImageSource
from brpnas.errors import SourceError
from brpnas.spaces.network import NetworkConfig
from pipelines.config import ImagesConfig, NetworkTrainingConfig

if TYPE_CHECKING:
    from brpnas.candidates import JobConfig

__all__ = ["IMAGES_CACHE", "image_source", "job_config"]

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
        **training.model_dump(exclude={"workers", "scheduler"}),
    )
