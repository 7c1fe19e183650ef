"""OpenVINO: the network is an ONNX file, converted to OpenVINO's own format (XML and weights)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from brpnas.measure.runtimes.base import Runtime
from brpnas.measure.runtimes.worker import convert_apart

if TYPE_CHECKING:
    from torch import Tensor, nn

    from brpnas.measure.runtimes.onnxruntime import OnnxRuntime

__all__ = ["OpenVino", "convert"]


@dataclass(frozen=True)
class OpenVino(Runtime):
    """OpenVINO (https://docs.openvino.ai) on a processor, GPU or NPU of Intel, or an Arm processor.

    ``fp32`` computes in float32; left to itself, OpenVINO takes bfloat16 where the processor has
    it. ``fp16`` needs a processor with instructions for it. ``int8`` is the quantised ONNX file of
    `OnnxRuntime`.
    """

    name: ClassVar[str] = "openvino"
    title: ClassVar[str] = "OpenVINO"
    extra: ClassVar[str] = "openvino"
    packages: ClassVar[tuple[str, ...]] = ("openvino",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")
    cpu: ClassVar[str] = "CPU"

    def versions(self) -> dict[str, str]:
        """Versions of the exporter to ONNX, and of openvino."""
        return {**_exporter().versions(), **super().versions()}

    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Export to ONNX, quantise if requested, convert; weights are stored as computed."""
        exporter = _exporter("int8" if self.precision == "int8" else "fp32")
        (source,) = exporter.convert(network, images, folder, calibration)
        target = folder / "network.xml"
        request = {"source": str(source), "target": str(target), "precision": self.precision}
        convert_apart(__name__, request)
        return target, target.with_suffix(".bin")


def _exporter(precision: str = "fp32") -> OnnxRuntime:
    from brpnas.measure.runtimes.onnxruntime import (  # noqa: PLC0415 - not in the converter
        OnnxRuntime,
    )

    return OnnxRuntime(precision=precision)


def convert(source: str, target: str, precision: str) -> None:
    """Convert an ONNX file; in the process of the converter."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # sends nothing
    import openvino  # noqa: PLC0415

    model = openvino.convert_model(source)
    openvino.save_model(model, target, compress_to_fp16=precision == "fp16")
