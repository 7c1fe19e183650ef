"""ONNX Runtime: the network is one ONNX file, optimised by the runtime as in deployment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from brpnas.export import OPSET, Exporter, export_module
from brpnas.measure.quantise import quantise
from brpnas.measure.runtimes.base import Runtime

__all__ = ["EXPORTER", "OnnxRuntime"]

EXPORTER: Exporter = "torchscript"
"""Exporter of the timed files: fast, and of fixed shape."""
_SUFFIX = "ExecutionProvider"


@dataclass(frozen=True)
class OnnxRuntime(Runtime):
    """ONNX Runtime (https://onnxruntime.ai) on one execution provider.

    ``int8`` is static quantisation (`brpnas.measure.quantise`). On a GPU a run includes copying
    the image from and the logits to the host.
    """

    name: ClassVar[str] = "onnxruntime"
    title: ClassVar[str] = "ONNX Runtime"
    extra: ClassVar[str] = "measure"
    packages: ClassVar[tuple[str, ...]] = ("torch", "onnx")
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "int8")
    cpu: ClassVar[str] = f"CPU{_SUFFIX}"

    def versions(self) -> dict[str, str]:
        """Versions of torch and onnx, exporter and operator set."""
        return {**super().versions(), "exporter": EXPORTER, "opset": str(OPSET)}

    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Export, and quantise if requested: equal bytes for equal weights and shapes."""
        path, int8 = folder / "network.onnx", folder / "int8.onnx"
        export_module(
            network,
            path,
            {"image": images},
            "logits",
            dynamic_batch=False,
            exporter=EXPORTER,
        )
        if self.precision != "int8":
            return (path,)
        quantise(path, int8, tuple(images.shape), calibration)
        return (int8,)

    @classmethod
    def _named(cls, provider: str) -> str:
        return f"{provider.removesuffix(_SUFFIX)}{_SUFFIX}"
