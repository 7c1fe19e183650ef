"""Settings of a latency beside cell and machine: network, runtime, protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from brpnas.errors import ConfigurationError
from brpnas.export import initialise_weights
from brpnas.measure import runner
from brpnas.measure.artifacts import Artifact, Manifest, make_artifact
from brpnas.measure.protocol import Protocol
from brpnas.measure.runtimes import OnnxRuntime, Runtime
from brpnas.predictors.training import single_thread
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space, space_fingerprint

__all__ = ["MeasureSettings", "build_cell", "cell_artifact"]

_STATISTICS_BATCH = 4


@dataclass(frozen=True)
class MeasureSettings:
    """Network, runtime and protocol of a measurement.

    Args:
        runtime: Runtime of the networks.
        protocol: Numbers of runs.
        network: Sizes of the network around the cell. ``executes_dead_ops`` is always taken from
            the runtime.
        batch_size: Images per run.
        seed: Seed of weights and images; does not affect the latency.
        space: Name of the space.

    Raises:
        ConfigurationError: If the batch is empty, or too large for the runtime.
    """

    runtime: Runtime = field(default_factory=OnnxRuntime)
    protocol: Protocol = field(default_factory=Protocol)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    batch_size: int = 1
    seed: int = 0
    space: str = DEFAULT_SPACE

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigurationError(f"batch_size must be 1 or more, not {self.batch_size}.")
        if self.batch_size > 1 and not self.runtime.batches:
            raise ConfigurationError(
                f"{self.runtime.title} runs one image at a time: batch_size must be 1, not "
                f"{self.batch_size}."
            )
        held = replace(self.network, executes_dead_ops=self.runtime.executes_dead_ops)
        object.__setattr__(self, "network", held)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the input, ``[B, C, H, W]``."""
        return (self.batch_size, *self.network.input_shape)

    @property
    def versions(self) -> dict[str, str]:
        """Version of each package that converts the networks, and of this project."""
        return {"brpnas": version("brpnas"), **self.runtime.versions()}

    def manifest(self, networks: Sequence[Artifact]) -> Manifest:
        """The manifest of networks, timed by these settings."""
        runtime = self.runtime
        return Manifest(
            runtime.name,
            runtime.precision,
            runtime.provider,
            runtime.threads,
            self.protocol,
            self.seed,
            runtime.tolerance,
            tuple(networks),
            network_size=self.network.size,
            space=self.space,
            versions=self.versions,
        )

    def fingerprint(self) -> dict[str, Any]:
        """JSON types, equal exactly for equal settings."""
        runtime = {"name": self.runtime.name, **asdict(self.runtime)}
        settings = {**asdict(self), "runtime": runtime, "runner": runner.FORMAT}
        del settings["space"]
        settings |= space_fingerprint(self.space)
        plain: dict[str, Any] = json.loads(json.dumps(settings))
        return plain


def build_cell(arch_id: str, settings: MeasureSettings) -> nn.Module:
    """The initialised network of a cell, in evaluation mode.

    Raises:
        ArchitectureError: If the string is not a cell of the space.
        ConfigurationError: If the space has no networks.
    """
    space = get_space(settings.space)
    # Torch's initialisation draws from the global state.
    with torch.random.fork_rng(devices=[]), single_thread():
        torch.manual_seed(settings.seed)
        network = space.build(arch_id, settings.network)
        initialise_weights(
            network, settings.network.input_shape, settings.seed, batch=_STATISTICS_BATCH
        )
    return network.eval()


def cell_artifact(arch_id: str, settings: MeasureSettings, folder: Path) -> Artifact:
    """Convert the network of a cell; see `brpnas.measure.artifacts.make_artifact`.

    Raises:
        ArchitectureError: If the string is not a cell of the space.
        ConfigurationError: If the space has no networks.
    """
    network = build_cell(arch_id, settings)
    return make_artifact(
        arch_id, network, settings.shape, settings.runtime, folder, seed=settings.seed
    )
