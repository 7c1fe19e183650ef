"""ncnn: the network is a list of layers and their weights, written by pnnx."""

from __future__ import annotations

import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from brpnas.errors import MeasurementError
from brpnas.export.onnx import frozen_copy
from brpnas.measure.runtimes.base import Runtime
from brpnas.measure.runtimes.exported import export_program, folded

__all__ = ["Ncnn"]

_TIMEOUT_S = 900
_SHOWN = 500


@dataclass(frozen=True)
class Ncnn(Runtime):
    """ncnn (https://github.com/Tencent/ncnn) on a CPU, one image per run.

    ``fp16`` needs an Arm processor with instructions for it; ncnn has none for x86. int8 needs
    ncnn's quantiser, which no package for Python holds.
    """

    name: ClassVar[str] = "ncnn"
    title: ClassVar[str] = "ncnn"
    extra: ClassVar[str] = "ncnn"
    packages: ClassVar[tuple[str, ...]] = ("torch", "pnnx", "ncnn")
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16")
    batches: ClassVar[bool] = False
    infix: ClassVar[str] = ".ncnn"

    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Trace the module, convert it by the program pnnx."""
        from pnnx import EXEC_PATH  # noqa: PLC0415

        module = folded(export_program(_without_padding(network), images))
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                module, images, check_trace=False
            )
            torch.jit.save(traced, folder / "network.pt")
        shape = ",".join(map(str, images.shape))
        half = int(self.precision == "fp16")
        command = [EXEC_PATH, "network.pt", f"inputshape=[{shape}]f32", f"fp16={half}"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise MeasurementError(f"pnnx did not finish within {_TIMEOUT_S} s.") from error
        files = (folder / "network.ncnn.param", folder / "network.ncnn.bin")
        if done.returncode or not all(file.exists() for file in files):
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
            raise MeasurementError(
                f"pnnx ended with code {done.returncode} and printed: {lines[-1][:_SHOWN]}"
            )
        return files


def _without_padding(network: nn.Module) -> nn.Module:
    """A copy whose poolings without padding exclude padding from their mean: the same function.

    ncnn counts the positions beyond an odd border as padding.
    """
    copy = frozen_copy(network)
    for layer in copy.modules():
        if isinstance(layer, nn.AvgPool2d) and layer.padding in (0, (0, 0)):
            layer.count_include_pad = False
    return copy
