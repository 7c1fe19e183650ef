"""Runtimes of timed networks: ONNX Runtime and torch eager.

`OnnxRuntime` exports a module and runs the optimised file, as in deployment. `TorchEager` calls
the module and executes all its operations, dead ones too. Both are small and picklable, so that a
measurement can run on another machine. `get_runtime` makes one from names of the configuration.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, ParityError, UnknownNameError
from brpnas.export import Exporter, export_module
from brpnas.measure.quantise import quantise
from brpnas.predictors.training import single_thread

__all__ = ["EXPORTER", "OnnxRuntime", "Precision", "Run", "Runtime", "TorchEager", "get_runtime"]

Run = Callable[[], object]
"""Runs a network once and returns after its answer."""

Precision = Literal["fp32", "int8"]

EXPORTER: Exporter = "torchscript"
"""Exporter of the timed files: fast, and of fixed shape."""
_TOLERANCE = 1e-3
_CPU = "CPUExecutionProvider"


@dataclass(frozen=True)
class Runtime(ABC):
    """Software that runs networks, and its settings.

    Call `check` once before any work, then `loaded` for each network.

    Args:
        threads: Threads within an operation; one operation runs at a time.
    """

    name: ClassVar[str]
    """Name in configuration and in names of devices."""
    executes_dead_ops: ClassVar[bool]
    """Whether it executes operations without a path to the output."""
    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigurationError(f"threads must be 1 or more, not {self.threads}.")

    @property
    @abstractmethod
    def precision(self) -> str:
        """Number format of weights and activations."""

    @property
    @abstractmethod
    def target(self) -> str:
        """Execution provider or torch device."""

    @property
    @abstractmethod
    def software(self) -> str:
        """Name and version of the software."""

    @property
    @abstractmethod
    def on_gpu(self) -> bool:
        """Whether networks run on a GPU."""

    @abstractmethod
    def check(self) -> None:
        """Check that this machine can run networks this way.

        Raises:
            UnknownNameError: If it lacks the target; lists the available ones.
        """

    @abstractmethod
    def loaded(self, network: nn.Module, images: Tensor) -> AbstractContextManager[Run]:
        """Load a network and yield a function that runs it once.

        Args:
            network: On the CPU, in evaluation mode.
            images: Input of each run, ``[B, C, H, W]``.

        Raises:
            ParityError: If the answer is not finite or differs from torch.
        """


@dataclass(frozen=True)
class OnnxRuntime(Runtime):
    """ONNX Runtime (https://onnxruntime.ai) on one execution provider.

    Args:
        provider: Execution provider, such as ``CPUExecutionProvider``. On a GPU a run includes
            copying the image from and the logits to the host.
        quantised: Static quantisation to int8 (`brpnas.measure.quantise`) instead of float32.
    """

    name: ClassVar[str] = "onnxruntime"
    executes_dead_ops: ClassVar[bool] = False
    provider: str = _CPU
    quantised: bool = False

    @property
    def precision(self) -> str:
        """``fp32`` or ``int8``."""
        return "int8" if self.quantised else "fp32"

    @property
    def target(self) -> str:
        """The execution provider."""
        return self.provider

    @property
    def software(self) -> str:
        """Such as ``ONNX Runtime 1.20.0``."""
        return f"ONNX Runtime {ort.__version__}"

    @property
    def on_gpu(self) -> bool:
        """Whether the provider runs on a GPU."""
        return self.provider.removesuffix("ExecutionProvider") in _GPU_PROVIDERS

    def check(self) -> None:
        """Check that this build of ONNX Runtime has the provider.

        Raises:
            UnknownNameError: If it has not; lists the available providers.
        """
        available = ort.get_available_providers()
        if self.provider not in available:
            raise UnknownNameError("execution provider of ONNX Runtime", self.provider, available)

    @contextmanager
    def loaded(self, network: nn.Module, images: Tensor) -> Iterator[Run]:
        """Export, quantise if requested, open a session; see `Runtime.loaded`."""
        self.check()
        feeds = {"image": images.numpy()}
        with single_thread():
            session = self._session(self.exported(network, images))
            with torch.inference_mode():
                expected = network(images).numpy()
        answer = np.asarray(session.run(None, feeds)[0])
        _compare(answer, expected, None if self.quantised else _TOLERANCE)
        yield lambda: session.run(None, feeds)

    @contextmanager
    def opened(self, model: bytes, images: Tensor) -> Iterator[Run]:
        """Load an ONNX file unchanged and yield a function that runs it once.

        Args:
            model: Content of the file, with one input named ``image``.
            images: Input of each run, ``[B, C, H, W]``.

        Raises:
            ParityError: If the answer is not finite.
        """
        self.check()
        feeds = {"image": images.numpy()}
        session = self._session(model)
        _compare(np.asarray(session.run(None, feeds)[0]), None, None)
        yield lambda: session.run(None, feeds)

    def exported(self, network: nn.Module, images: Tensor) -> bytes:
        """The ONNX file of `loaded`: equal bytes for equal weights and batches."""
        with tempfile.TemporaryDirectory(prefix="brpnas-measure-") as folder:
            path, int8 = Path(folder) / "network.onnx", Path(folder) / "int8.onnx"
            export_module(
                network,
                path,
                {"image": images},
                "logits",
                dynamic_batch=False,
                exporter=EXPORTER,
            )
            if not self.quantised:
                return path.read_bytes()
            quantise(path, int8, tuple(images.shape))
            return int8.read_bytes()

    def _session(self, model: bytes) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        session = ort.InferenceSession(model, sess_options=options, providers=[self.provider])
        # If a provider cannot start, ONNX Runtime logs it and continues on the CPU.
        if session.get_providers()[0] != self.provider:
            raise UnknownNameError(
                "working execution provider of ONNX Runtime", self.provider, session.get_providers()
            )
        return session


_GPU_PROVIDERS = {"CUDA", "Tensorrt", "NvTensorRTRTX", "ROCM", "MIGraphX", "Dml"}


@dataclass(frozen=True)
class TorchEager(Runtime):
    """Torch without compilation: operations one after another, dead ones too.

    Args:
        device: ``cpu`` or ``cuda``. On a GPU a run ends when the GPU has finished; the image is
            already there.
    """

    name: ClassVar[str] = "torch"
    executes_dead_ops: ClassVar[bool] = True
    device: str = "cpu"

    @property
    def precision(self) -> str:
        """Always ``fp32``; convolutions on a GPU use TF32 where torch does by default."""
        return "fp32"

    @property
    def target(self) -> str:
        """The torch device."""
        return self.device

    @property
    def software(self) -> str:
        """Such as ``torch 2.6.0 eager``."""
        return f"torch {torch.__version__} eager"

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return torch.device(self.device).type == "cuda"

    def check(self) -> None:
        """Check that torch has the device here.

        Raises:
            UnknownNameError: If it has not; lists the available devices.
        """
        available = ["cpu"]
        if torch.cuda.is_available():
            available += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        if self.device not in available:
            raise UnknownNameError("device of torch on this machine", self.device, available)

    @contextmanager
    def loaded(self, network: nn.Module, images: Tensor) -> Iterator[Run]:
        """Move the network to the device; see `Runtime.loaded`."""
        self.check()
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                module, batch = network.to(self.device), images.to(self.device)
                _compare(module(batch).cpu().numpy(), None, None)

                def run() -> None:
                    module(batch)
                    if batch.is_cuda:
                        torch.cuda.synchronize(batch.device)

                yield run
        finally:
            torch.set_num_threads(before)
            network.to("cpu")


def get_runtime(
    name: str, *, target: str | None = None, threads: int = 1, precision: str = "fp32"
) -> Runtime:
    """Make a runtime from names.

    Args:
        name: ``onnxruntime`` or ``torch``.
        target: Execution provider (the suffix ``ExecutionProvider`` is optional) or torch
            device; None for the CPU.
        threads: Threads within an operation.
        precision: ``fp32``, or with ONNX Runtime ``int8``.

    Raises:
        UnknownNameError: If there is no such runtime or precision.

    Examples:
        >>> get_runtime("onnxruntime", target="CPU", precision="int8").precision
        'int8'
    """
    if name == OnnxRuntime.name:
        if precision not in ("fp32", "int8"):
            raise UnknownNameError("precision of ONNX Runtime", precision, ("fp32", "int8"))
        provider = f"{(target or _CPU).removesuffix('ExecutionProvider')}ExecutionProvider"
        return OnnxRuntime(threads, provider, precision == "int8")
    if name == TorchEager.name:
        if precision != "fp32":
            raise UnknownNameError("precision of torch eager", precision, ("fp32",))
        return TorchEager(threads, target or "cpu")
    raise UnknownNameError("runtime", name, (OnnxRuntime.name, TorchEager.name))


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
