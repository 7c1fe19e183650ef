"""Settings of a latency beside cell and machine: network, runtime, protocol.

`time_module` times any module by `MeasureSettings`, `time_cell` the network of a cell.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, ParityError
from brpnas.export import initialise_weights
from brpnas.measure.protocol import Protocol, Timing, time_runs
from brpnas.measure.runner import SOFTWARE
from brpnas.measure.runtimes import OnnxRuntime, Runtime
from brpnas.predictors.training import single_thread
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, get_space, space_fingerprint

__all__ = ["MeasureSettings", "build_cell", "time_cell", "time_file", "time_module"]

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
        space: Name of the space. The measuring machine must know it: the path of a custom space
            must lead to the same file there.

    Raises:
        ConfigurationError: If the batch is empty.
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
        held = replace(self.network, executes_dead_ops=self.runtime.executes_dead_ops)
        object.__setattr__(self, "network", held)

    def fingerprint(self) -> dict[str, Any]:
        """JSON types, equal exactly for equal settings."""
        runtime = {"name": self.runtime.name, **asdict(self.runtime)}
        settings = {**asdict(self), "runtime": runtime}
        del settings["space"]
        settings |= space_fingerprint(self.space)
        plain: dict[str, Any] = json.loads(json.dumps(settings))
        return plain


def time_cell(arch_id: str, settings: MeasureSettings) -> Timing:
    """Build the network of a cell and time it.

    Raises:
        ArchitectureError: If the string is not a cell of the space.
        ConfigurationError: If the space has no networks.
        ParityError: If the answer is not finite or differs from torch.
    """
    return _timed(*build_cell(arch_id, settings), settings)


def build_cell(arch_id: str, settings: MeasureSettings) -> tuple[nn.Module, Tensor]:
    """The initialised network of a cell in evaluation mode, and its images.

    Raises:
        ArchitectureError: If the string is not a cell of the space.
        ConfigurationError: If the space has no networks.
    """
    shape = settings.network.input_shape
    space = get_space(settings.space)
    # Torch's initialisation draws from the global state.
    with torch.random.fork_rng(devices=[]), single_thread():
        torch.manual_seed(settings.seed)
        network = space.build(arch_id, settings.network)
        initialise_weights(network, shape, settings.seed, batch=_STATISTICS_BATCH)
    return network.eval(), _images(settings, shape)


def time_file(model: bytes, settings: MeasureSettings) -> Timing:
    """Time an ONNX file unchanged, at any precision.

    Args:
        model: Content of the file, with one input ``image``, in the size of the settings.
        settings: Runtime (ONNX Runtime), protocol and batch size.

    Raises:
        ConfigurationError: If the runtime is not ONNX Runtime.
        ParityError: If the answer is not finite.
    """
    if not isinstance(settings.runtime, OnnxRuntime):
        raise ConfigurationError(f"{settings.runtime.name} runs no ONNX files.")
    images = _images(settings, settings.network.input_shape)
    with tempfile.TemporaryDirectory(prefix="brpnas-measure-") as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(model)
        return _timed_files((path,), images, None, settings)


def time_module(
    module: nn.Module, shape: tuple[int, int, int], settings: MeasureSettings
) -> Timing:
    """Time a module with finite weights.

    Args:
        module: On the CPU; left in evaluation mode.
        shape: Shape of one image, ``(C, H, W)``.
        settings: Runtime, protocol and batch size; the sizes of the network are not read.
    """
    return _timed(module.eval(), _images(settings, shape), settings)


def _timed(network: nn.Module, images: Tensor, settings: MeasureSettings) -> Timing:
    with tempfile.TemporaryDirectory(prefix="brpnas-measure-") as folder, single_thread():
        files = settings.runtime.convert(network, images, Path(folder))
        with torch.inference_mode():
            expected = network(images).numpy()
        return _timed_files(files, images, expected, settings)


def _timed_files(
    files: tuple[Path, ...], images: Tensor, expected: np.ndarray | None, settings: MeasureSettings
) -> Timing:
    runtime = settings.runtime
    with torch.inference_mode(), single_thread():
        run = SOFTWARE[runtime.name].load(
            [str(file) for file in files],
            images.numpy(),
            runtime.threads,
            runtime.provider,
            runtime.precision,
        )
        _compare(np.asarray(run()), expected, runtime.tolerance)
        return time_runs(run, settings.protocol)


def _compare(answer: np.ndarray, expected: np.ndarray | None, tolerance: float | None) -> None:
    """Refuse a network that does not compute the expected values."""
    if not np.isfinite(answer).all():
        raise ParityError("The network answers with NaN or infinity; its latency is not typical.")
    if expected is not None and answer.shape != expected.shape:
        raise ParityError(f"The runtime answers in shape {answer.shape}, not {expected.shape}.")
    if expected is not None and tolerance is not None:
        scale = max(1.0, float(np.max(np.abs(expected))))
        worst = float(np.max(np.abs(answer - expected))) / scale
        if not worst <= tolerance:
            raise ParityError(
                f"The runtime differs from torch by {worst:.1e}, more than {tolerance:.0e}."
            )


def _images(settings: MeasureSettings, shape: tuple[int, int, int]) -> Tensor:
    noise = torch.Generator().manual_seed(settings.seed)
    return torch.randn(settings.batch_size, *shape, generator=noise)
