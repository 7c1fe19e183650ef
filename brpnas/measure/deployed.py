"""A network as it is deployed: converted once, then run on images and timed.

`deploy` converts a trained network for a runtime. The `DeployedNetwork` answers images and is timed
by `brpnas.measure.runner`, as on a device: its figures are those of its files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.export import with_metadata
from brpnas.measure.artifacts import Artifact, Manifest, make_artifact, store_files
from brpnas.measure.protocol import Timing
from brpnas.measure.quantise import quantise
from brpnas.measure.runtimes import OnnxRuntime
from brpnas.measure.setup import MeasureSettings
from brpnas.measure.single import time_artifact
from brpnas.measure.targets import Target
from brpnas.measure.targets.local import answer_images, check_artifacts

__all__ = ["DeployedNetwork", "deploy"]

_STEM = "winner"
_TIMEOUT_S = 6 * 3600.0


@dataclass(frozen=True)
class DeployedNetwork:
    """The files of a network for a runtime.

    Args:
        artifact: The files, and the logits to expect.
        settings: Runtime, batch size and protocol.
        folder: Folder of the files.
    """

    artifact: Artifact
    settings: MeasureSettings
    folder: Path

    @property
    def files(self) -> dict[str, Path]:
        """The files by the names that users of the runtime expect, such as ``winner.tflite``."""
        infix = self.settings.runtime.infix
        return {
            f"{_STEM}{infix}{Path(one.file).suffix}": self.folder / one.file
            for one in self.artifact.files
        }

    def check(self) -> None:
        """Compare the answer to one image with that of torch, on the CPU of this machine.

        Raises:
            MeasurementError: If the network cannot be run, or differs too much.
        """
        self._manifest().write(self.folder)
        for row in check_artifacts(self.folder):
            if row["event"] == "failed":
                raise MeasurementError(f"The network cannot be run: {row['error']}")

    def answers(
        self, batches: Iterable[npt.NDArray[np.float32]], count: int
    ) -> npt.NDArray[np.float32]:
        """Logits of images, computed on the CPU of this machine.

        Args:
            batches: Images, ``[n, C, H, W]`` each.
            count: Number of all images.

        Raises:
            MeasurementError: If the network cannot be run, or differs too much from torch.
        """
        replace(self._manifest(), timeout_s=_TIMEOUT_S).write(self.folder)
        return answer_images(self.folder, batches, count)

    def _manifest(self) -> Manifest:
        """The manifest for this machine."""
        runtime = replace(self.settings.runtime, provider="")
        return replace(self.settings, runtime=runtime).manifest([self.artifact])

    def with_metadata(self, metadata: dict[str, str]) -> Self:
        """The same network with metadata in its file. Only ONNX files hold metadata."""
        if not isinstance(self.settings.runtime, OnnxRuntime):
            return self
        (kept,) = self.artifact.files
        content = with_metadata((self.folder / kept.file).read_bytes(), metadata)
        with tempfile.TemporaryDirectory(dir=self.folder) as made:
            path = Path(made) / "network.onnx"
            path.write_bytes(content)
            given = (self.artifact.name, (path,), self.artifact.shape, self.folder)
            return replace(self, artifact=store_files(*given, self.artifact.answer))

    def time(self, target: Target | None = None) -> Timing:
        """Time the files.

        Args:
            target: Where to measure; None for this machine.

        Raises:
            MeasurementError: If they cannot be timed, or the target cannot be used.
        """
        return time_artifact(self.artifact, self.folder, self.settings, target)


def deploy(
    network: nn.Module,
    onnx: bytes,
    settings: MeasureSettings,
    folder: Path,
    calibration: Tensor | None = None,
) -> DeployedNetwork:
    """Convert a network for a runtime.

    ONNX Runtime gets the given ONNX file, or its quantisation, with its metadata. Other runtimes
    get a conversion of the module, for batches of the size of the settings.

    Args:
        network: On the CPU, in evaluation mode.
        onnx: Its ONNX file in float32.
        settings: Runtime with its precision, and batch size.
        folder: Existing folder for the files.
        calibration: Images for the scales of int8, at least one batch; what exceeds whole batches
            is not used.

    Raises:
        ConfigurationError: If the converter is missing, or the calibration images are too few.
        MeasurementError: If the network cannot be converted.
    """
    settings.runtime.check()
    if settings.runtime.precision == "int8":
        batch = settings.batch_size
        if calibration is None or len(calibration) < batch:
            raise ConfigurationError(
                f"int8 needs calibration images, at least one batch of {batch}: more of them, or "
                "another precision."
            )
        calibration = calibration[: len(calibration) // batch * batch]
    convert: Any = partial(settings.runtime.convert, calibration=calibration)
    if isinstance(settings.runtime, OnnxRuntime):
        convert = partial(_written, onnx=onnx, runtime=settings.runtime, calibration=calibration)
    made = make_artifact(
        "network", network, settings.shape, settings.runtime, folder, convert=convert
    )
    return DeployedNetwork(made, settings, folder)


def _written(
    network: nn.Module,
    images: Tensor,
    folder: Path,
    *,
    onnx: bytes,
    runtime: OnnxRuntime,
    calibration: Tensor | None,
) -> tuple[Path, ...]:
    """The file for ONNX Runtime, with the metadata and open batch size of the given one."""
    path = folder / "network.onnx"
    path.write_bytes(onnx)
    if runtime.precision == "fp32":
        return (path,)
    target = folder / "int8.onnx"
    quantise(path, target, tuple(images.shape), calibration)
    return (target,)
