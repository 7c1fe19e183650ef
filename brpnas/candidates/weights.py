"""The file of a trained network: weights, and all that is needed to use them.

`TrainedNetworkFile` is what a search keeps of every network it trained and what the export of the
winner starts from. It is a safetensors file; its metadata hold sizes, normalisation, label names
and accuracies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import nn

from brpnas.candidates.images import ImageData
from brpnas.candidates.training import CandidateConfig, TrainedCandidate, network_config
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
        valid_accuracy: Fraction.
        test_accuracy: Fraction.
        train_time_s: Seconds.
        network: Sizes.
        mean: Subtracted from each channel of an image whose pixels were divided by ``pixel_scale``.
        std: By which that is then divided.
        pixel_scale: See ``mean``.
        label_names: Name of each logit.
        weights: State of the network.
        space: Name of the space that the architecture is of.
    """

    arch_id: str
    seed: int
    dataset: str
    epochs: int
    valid_accuracy: float
    test_accuracy: float
    train_time_s: float
    network: NetworkConfig
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_scale: float
    label_names: tuple[str, ...]
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
        """Put together what a training gave."""
        mean, std = data.normalisation
        return cls(
            arch_id=arch_id,
            seed=seed,
            dataset=data.name,
            epochs=config.epochs,
            valid_accuracy=trained.valid_accuracy,
            test_accuracy=trained.test_accuracy,
            train_time_s=trained.train_time_s,
            network=network_config(data, config),
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            pixel_scale=data.pixel_scale,
            label_names=data.label_names,
            weights=trained.weights,
            space=space,
        )

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
