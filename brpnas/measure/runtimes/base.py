"""The interface of runtimes: the host converts networks, the runner loads and times the files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from brpnas.errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Runtime"]

_TOLERANCES = {"fp32": 1e-3, "fp16": 2e-2}


@dataclass(frozen=True)
class Runtime(ABC):
    """Software that runs networks, and its settings; small and picklable.

    The host calls `check` once and `convert` for each network. The loader of the same name in
    `brpnas.measure.runner` opens the files on the device, in the order of `convert`.

    Args:
        threads: Threads within an operation; one operation runs at a time.
        precision: Number format of weights and activations, one of ``precisions``.
        provider: Execution provider or processor; empty for the CPU.

    Raises:
        ConfigurationError: If ``threads`` is not positive.
        UnknownNameError: If the runtime lacks the precision.
    """

    name: ClassVar[str]
    """Name in configuration and in names of devices."""
    title: ClassVar[str]
    """Name in messages, such as ``ONNX Runtime``."""
    extra: ClassVar[str]
    """Extra of this project with the converter: ``pip install brpnas[EXTRA]``."""
    packages: ClassVar[tuple[str, ...]]
    """Packages that convert, by the names of their modules."""
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    executes_dead_ops: ClassVar[bool] = False
    """Whether it executes operations without a path to the output."""
    batches: ClassVar[bool] = True
    """Whether a run may take more than one image."""
    infix: ClassVar[str] = ""
    """What users of the runtime expect before the suffixes of its files."""
    cpu: ClassVar[str] = "cpu"
    """The default provider."""
    threads: int = 1
    precision: str = "fp32"
    provider: str = ""

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ConfigurationError(f"threads must be 1 or more, not {self.threads}.")
        if self.precision not in self.precisions:
            raise UnknownNameError(f"precision of {self.title}", self.precision, self.precisions)
        object.__setattr__(self, "provider", self._named(self.provider or self.cpu))

    @property
    def tolerance(self) -> float | None:
        """Largest difference from torch, relative to the largest logit; None for int8."""
        return _TOLERANCES.get(self.precision)

    def check(self) -> None:
        """Check that this process can convert networks.

        Raises:
            ConfigurationError: If a package is missing; names the extra to install.
        """
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            raise ConfigurationError(
                f"{self.title} needs {' and '.join(missing)} to convert networks: "
                f"pip install 'brpnas[{self.extra}]'"
            )

    def versions(self) -> dict[str, str]:
        """Version of each package that converts."""
        return {name: version(name) for name in self.packages}

    @abstractmethod
    def convert(
        self, network: nn.Module, images: Tensor, folder: Path, calibration: Tensor | None = None
    ) -> tuple[Path, ...]:
        """Write the files of a network.

        Args:
            network: On the CPU, in evaluation mode.
            images: Example input, ``[B, C, H, W]``; the files are for this shape.
            folder: Existing folder for the files and for temporary ones.
            calibration: Images for the scales of int8; None for noise.

        Returns:
            The files, in the order of the loader. Their suffixes are kept on the device, their
            names are not.
        """

    @classmethod
    def _named(cls, provider: str) -> str:
        """Full name of a provider."""
        return provider
