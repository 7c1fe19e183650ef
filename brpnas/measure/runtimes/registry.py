"""Runtimes by name."""

from __future__ import annotations

from collections.abc import Mapping

from brpnas.errors import UnknownNameError
from brpnas.measure.runner import SOFTWARE
from brpnas.measure.runtimes.base import Runtime
from brpnas.measure.runtimes.executorch import ExecuTorch
from brpnas.measure.runtimes.litert import LiteRt
from brpnas.measure.runtimes.ncnn import Ncnn
from brpnas.measure.runtimes.onnxruntime import OnnxRuntime
from brpnas.measure.runtimes.openvino import OpenVino
from brpnas.measure.runtimes.torch_eager import TorchEager

__all__ = ["RUNTIMES", "get_runtime", "runtime_of"]

RUNTIMES: Mapping[str, type[Runtime]] = {
    kind.name: kind for kind in (OnnxRuntime, OpenVino, LiteRt, ExecuTorch, Ncnn, TorchEager)
}
"""Every runtime, by name."""


def get_runtime(
    name: str, *, provider: str | None = None, threads: int = 1, precision: str = "fp32"
) -> Runtime:
    """Make a runtime from names.

    Args:
        name: Name of a runtime, see `RUNTIMES`.
        provider: Execution provider (the suffix ``ExecutionProvider`` is optional) or torch
            device; None for the CPU.
        threads: Threads within an operation.
        precision: Number format, such as ``fp32`` or ``int8``.

    Raises:
        UnknownNameError: If the runtime or precision is unknown.
        ConfigurationError: If ``threads`` is not positive.

    Examples:
        >>> get_runtime("onnxruntime", provider="CPU", precision="int8").provider
        'CPUExecutionProvider'
    """
    if name not in RUNTIMES:
        raise UnknownNameError("runtime", name, RUNTIMES)
    return RUNTIMES[name](threads, precision, provider or "")


def runtime_of(text: str | None) -> str | None:
    """Name of the runtime in a catalogue of devices; None for another software.

    Examples:
        >>> runtime_of("ONNX Runtime 1.31.1 (CPUExecutionProvider, 1 thread)")
        'onnxruntime'
        >>> runtime_of("TensorFlow 1.x")
    """
    titles = {name: software.title.partition(" {")[0] for name, software in SOFTWARE.items()}
    return next((name for name, title in titles.items() if (text or "").startswith(title)), None)
