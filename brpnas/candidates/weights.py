"""The file of a trained network: weights and the metadata for their use.

A search keeps each trained network as a `TrainedNetworkFile`, and the export starts from one. It is
a safetensors file; its metadata hold sizes, normalisation, label names and accuracies.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, create_model
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save
from torch import nn

from brpnas.candidates.images import ImageData
from brpnas.candidates.scores import Metric
from brpnas.candidates.training import (
    JobConfig,
    JobResult,
    final_data,
    network_config,
)
from brpnas.errors import SchemaError
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space, opened_space
from brpnas.typed import Finite, Fraction, parse_typed

__all__ = ["TrainedNetworkFile"]

_KIND = "trained-network"
_PREFIX = 8
_MAX_HEADER = 4 * 2**20
_MAX_SIZE, _MAX_STAGES, _MAX_CLASSES = 2**14, 16, 2**20


@dataclass(frozen=True, eq=False)
class TrainedNetworkFile:
    """A trained network with its metadata.

    Attributes:
        arch_id: The architecture.
        seed: Seed of its training.
        dataset: Name of the data set.
        epochs: Epochs of training.
        valid_accuracy: Fraction of correct validation images. After a final training it is the
            value from the training in the search.
        valid_balanced_accuracy: Mean recall over the classes of the same images.
        test_accuracy: Fraction of correct test images; None for a final training, because the
            exported file is scored.
        test_balanced_accuracy: Mean recall over the classes of the test images; None likewise.
        train_time_s: Seconds.
        network: Sizes.
        mean: Subtracted from each channel, after division by ``pixel_scale``.
        std: Divisor of each channel, after subtraction of ``mean``.
        pixel_scale: First divisor of the pixels.
        label_names: Name of each logit.
        images: Hash of the images and their split (`ImageData.digest`).
        final: Whether it was trained on training and validation images.
        weights: State of the network.
        space: Name of the space.
        picture_steps: Steps from a picture to pixels, see `ImageData.picture_steps`.
        valid_curve: Validation accuracy after each epoch of the training in the search; empty in
            a file older than this field.
    """

    arch_id: str
    seed: int
    dataset: str
    epochs: int
    valid_accuracy: Fraction
    valid_balanced_accuracy: Fraction
    test_accuracy: Fraction | None
    test_balanced_accuracy: Fraction | None
    train_time_s: Finite
    network: NetworkConfig
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_scale: float
    label_names: tuple[str, ...]
    images: str
    final: bool
    weights: Mapping[str, npt.NDArray[np.generic]]
    space: str = DEFAULT_SPACE
    picture_steps: Mapping[str, Any] = field(default_factory=dict)
    valid_curve: tuple[Fraction, ...] = ()

    @classmethod
    def of(
        cls,
        arch_id: str,
        seed: int,
        trained: JobResult,
        data: ImageData,
        config: JobConfig,
        *,
        space: str = DEFAULT_SPACE,
    ) -> TrainedNetworkFile:
        """Make a file from a training in a search.

        Raises:
            ValueError: If it was a final training.
        """
        if trained.valid is None or trained.test is None:
            raise ValueError("A final training has no scores: use TrainedNetworkFile.retrained.")
        mean, std = data.normalisation
        return cls(
            arch_id=arch_id,
            seed=seed,
            dataset=data.name,
            epochs=config.epochs,
            valid_accuracy=trained.valid.accuracy,
            valid_balanced_accuracy=trained.valid.balanced_accuracy,
            test_accuracy=trained.test.accuracy,
            test_balanced_accuracy=trained.test.balanced_accuracy,
            train_time_s=trained.train_time_s,
            network=network_config(data, config),
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            pixel_scale=data.pixel_scale,
            label_names=data.label_names,
            images=data.digest,
            final=False,
            weights=trained.weights,
            space=space,
            picture_steps=data.picture_steps,
            valid_curve=trained.curve,
        )

    def retrained(self, trained: JobResult, data: ImageData) -> TrainedNetworkFile:
        """The same network after its final training.

        Args:
            trained: Result of the final training.
            data: The images, split as in the search.
        """
        mean, std = final_data(data).normalisation
        return replace(
            self,
            test_accuracy=None,
            test_balanced_accuracy=None,
            train_time_s=trained.train_time_s,
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            final=True,
            weights=trained.weights,
        )

    def preprocessing(self) -> dict[str, Any]:
        """All steps from a picture to the input of the network, in order (JSON types).

        `ImageData.picture_steps`, then per channel division by ``pixel_scale``, subtraction of
        ``mean`` and division by ``std``.
        """
        normalisation = {"mean": list(self.mean), "std": list(self.std)}
        return {**self.picture_steps, "pixel_scale": self.pixel_scale, **normalisation}

    def valid_score(self, metric: Metric) -> float:
        """Validation score by a metric."""
        return self.valid_accuracy if metric == "accuracy" else self.valid_balanced_accuracy

    def module(self) -> nn.Module:
        """The network with its weights, in evaluation mode.

        Raises:
            SchemaError: If the weights do not fit the described network.
        """
        space, there = get_space(self.space), sum(np.size(v) for v in self.weights.values())
        if float(space.cost([self.arch_id], self.network)[0][0]) > there:  # NaN where unknown
            raise SchemaError(
                f"The file holds {there:,} weights, fewer than {self.arch_id} has in the named "
                "sizes. Search again."
            )
        with torch.random.fork_rng(devices=[]):
            network = space.build(self.arch_id, self.network)
        weights = {name: torch.from_numpy(np.asarray(v)) for name, v in self.weights.items()}
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise SchemaError(
                f"The weights of the file do not fit {self.arch_id} in the named sizes: "
                f"{' '.join(str(error).split()):.300}. Search again."
            ) from error
        return network.eval()

    def to_bytes(self) -> bytes:
        """Content of the file."""
        fields = {name: getattr(self, name) for name in self.__annotations__ if name != "weights"}
        fields["network"] = asdict(self.network)
        weights = {name: np.ascontiguousarray(value) for name, value in self.weights.items()}
        return save(weights, {"kind": _KIND, "trained": json.dumps(fields)})

    @classmethod
    def from_bytes(cls, content: bytes) -> TrainedNetworkFile:
        """Read the content of a file.

        Raises:
            SchemaError: If it is not from `to_bytes`.
        """
        with _told_of_damage():
            _check_header(content[:_PREFIX])
            weights = load(content)
            size = int.from_bytes(content[:_PREFIX], "little")
            metadata = json.loads(content[_PREFIX : _PREFIX + size])["__metadata__"]
            fields = _fields(metadata)
        opened_space(fields["space"], "The file of a trained network")
        return cls(weights=weights, **fields)

    @classmethod
    def without_weights(cls, path: Path) -> TrainedNetworkFile:
        """Read the scores of a file: check its length, and read only the header.

        Raises:
            FileNotFoundError: If the file is missing.
            SchemaError: If the file is of another kind, or truncated.
        """
        with path.open("rb") as file:
            prefix = file.read(_PREFIX)
        with _told_of_damage():
            _check_header(prefix)
            with safe_open(path, "np") as opened:
                fields = _fields(opened.metadata())
        opened_space(fields["space"], "The file of a trained network")
        return cls(weights={}, **fields)


@contextmanager
def _told_of_damage() -> Iterator[None]:
    """Turn errors of reading into one paragraph.

    Raises:
        SchemaError: Instead of them.
    """
    try:
        yield
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SchemaError(
            f"The file is not a trained network of this project: {error!s:.300}. It is "
            "damaged, or was written by another version: search again."
        ) from error


def _check_header(prefix: bytes) -> None:
    """Check the claimed length of the header.

    Raises:
        ValueError: If this project writes no such header.
    """
    size = int.from_bytes(prefix, "little")
    if len(prefix) < _PREFIX or size > _MAX_HEADER:
        raise ValueError(f"its header claims {size:,} bytes")


def _fields(metadata: Mapping[str, str]) -> dict[str, Any]:
    """All fields except the weights, from the metadata of a file."""
    described = parse_typed(_described(), json.loads(metadata["trained"]))
    fields = {name: getattr(described, name) for name in type(described).model_fields}
    _check_sizes(fields["network"])
    return fields


@functools.cache
def _described() -> type[BaseModel]:
    """Model of the metadata: all fields except the weights."""
    hints = get_type_hints(TrainedNetworkFile, include_extras=True)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], ... if field.default is MISSING else field.default)
        for field in dataclasses.fields(TrainedNetworkFile)
        if field.name != "weights"
    }
    strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model("Described", __config__=strict, **fields)


def _check_sizes(network: NetworkConfig) -> None:
    """Check that the sizes are plausible.

    Raises:
        ValueError: If not.
    """
    largest = max(network.channels, network.cells_per_stage, *network.input_shape)
    if largest > _MAX_SIZE or network.stages > _MAX_STAGES or network.classes > _MAX_CLASSES:
        raise ValueError(f"no such network was trained: {network}")
