"""The file of a trained network: weights, and all that is needed to use them.

`TrainedNetworkFile` is what a search keeps of every network it trained and what the export of the
winner starts from. It is a safetensors file; its metadata hold sizes, normalisation, label names
and accuracies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import nn

from brpnas.candidates.images import ImageData
from brpnas.candidates.scores import Metric
from brpnas.candidates.training import (
    CandidateConfig,
    TrainedCandidate,
    final_data,
    network_config,
)
from brpnas.errors import SchemaError
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space

__all__ = ["TrainedNetworkFile"]

_KIND = "trained-network"
_PREFIX = 8


@dataclass(frozen=True, eq=False)
class TrainedNetworkFile:
    """A trained network with what its user must know.

    Attributes:
        arch_id: The architecture.
        seed: Seed of its training.
        dataset: What it was trained on.
        epochs: For how long.
        valid_accuracy: Fraction of the validation images that is right. Of a final training it is
            that of the training in the search, by which the network was chosen.
        valid_balanced_accuracy: Mean recall over the classes of the same images.
        test_accuracy: Fraction of the test images; None for a final training, which is scored once,
            on the exported file.
        test_balanced_accuracy: Likewise.
        train_time_s: Seconds.
        network: Sizes.
        mean: Subtracted from each channel of an image whose pixels were divided by ``pixel_scale``.
        std: By which that is then divided.
        pixel_scale: See ``mean``.
        label_names: Name of each logit.
        images: Hash of the images and their split (`ImageData.digest`).
        final: Whether it was trained on training and validation images.
        weights: State of the network.
        space: Name of the space that the architecture is of.
    """

    arch_id: str
    seed: int
    dataset: str
    epochs: int
    valid_accuracy: float
    valid_balanced_accuracy: float
    test_accuracy: float | None
    test_balanced_accuracy: float | None
    train_time_s: float
    network: NetworkConfig
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_scale: float
    label_names: tuple[str, ...]
    images: str
    final: bool
    weights: Mapping[str, npt.NDArray[np.generic]]
    space: str = DEFAULT_SPACE

    @classmethod
    def of(
        cls,
        arch_id: str,
        seed: int,
        trained: TrainedCandidate,
        data: ImageData,
        config: CandidateConfig,
        *,
        space: str = DEFAULT_SPACE,
    ) -> TrainedNetworkFile:
        """Put together the result of a training in a search.

        Raises:
            ValueError: If it was a final training.
        """
        if trained.valid is None or trained.test is None:
            raise ValueError("A final training has no scores: see TrainedNetworkFile.retrained.")
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
        )

    def retrained(self, trained: TrainedCandidate, data: ImageData) -> TrainedNetworkFile:
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

    def valid_score(self, metric: Metric) -> float:
        """Validation score by a metric."""
        return self.valid_accuracy if metric == "accuracy" else self.valid_balanced_accuracy

    def module(self) -> nn.Module:
        """The network with its weights, in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            network = get_space(self.space).build(self.arch_id, self.network)
        network.load_state_dict(
            {name: torch.from_numpy(np.asarray(value)) for name, value in self.weights.items()}
        )
        return network.eval()

    def cost(self) -> tuple[float, float]:
        """Parameters and multiply-adds of the network in millions, see `SearchSpace.cost`."""
        params, flops = get_space(self.space).cost([self.arch_id], self.network)
        return float(params[0]) / 1e6, float(flops[0]) / 1e6

    def to_bytes(self) -> bytes:
        """Content of the file."""
        fields = {name: getattr(self, name) for name in self.__annotations__ if name != "weights"}
        fields["network"] = asdict(self.network)
        weights = {name: np.ascontiguousarray(value) for name, value in self.weights.items()}
        return save(weights, {"kind": _KIND, "trained": json.dumps(fields)})

    @classmethod
    def from_bytes(cls, content: bytes) -> TrainedNetworkFile:
        """Read what `to_bytes` wrote.

        Raises:
            SchemaError: If it is something else.
        """
        try:
            weights = load(content)
            size = int.from_bytes(content[:_PREFIX], "little")
            metadata = json.loads(content[_PREFIX : _PREFIX + size])["__metadata__"]
            fields: dict[str, Any] = json.loads(metadata["trained"])
            shape = tuple(fields["network"].pop("input_shape"))
            fields["network"] = NetworkConfig(input_shape=shape, **fields["network"])
            fields |= {key: tuple(fields[key]) for key in ("mean", "std", "label_names")}
            return cls(weights=weights, **fields)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise SchemaError(
                f"The file is not a trained network of this project: {error}."
            ) from error
