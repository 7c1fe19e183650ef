"""Runtimes of timed networks. `get_runtime` makes one from names of the configuration.

A runtime converts a torch module to files on this machine. `brpnas.measure.runner` runs the files
on the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.measure.runtimes.base import Runtime
    from brpnas.measure.runtimes.executorch import ExecuTorch
    from brpnas.measure.runtimes.litert import LiteRt
    from brpnas.measure.runtimes.ncnn import Ncnn
    from brpnas.measure.runtimes.onnxruntime import OnnxRuntime
    from brpnas.measure.runtimes.openvino import OpenVino
    from brpnas.measure.runtimes.registry import RUNTIMES, get_runtime, runtime_of
    from brpnas.measure.runtimes.torch_eager import TorchEager

__all__ = [
    "RUNTIMES",
    "ExecuTorch",
    "LiteRt",
    "Ncnn",
    "OnnxRuntime",
    "OpenVino",
    "Runtime",
    "TorchEager",
    "get_runtime",
    "runtime_of",
]

__getattr__, __dir__ = front_door(__name__, __file__)
