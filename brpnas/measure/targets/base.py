"""The interface of targets: places where networks are timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from brpnas.measure.hardware import Machine
from brpnas.measure.runtimes import Runtime

__all__ = ["Row", "Target"]

Row = dict[str, Any]
"""A row of the runner (`brpnas.measure.runner`): ``event`` (``network``, ``reference`` or
``failed``), ``name`` and ``sha256`` of the artifact, then figures or ``error``."""


class Target(ABC):
    """A place where networks are timed; a context manager.

    Call `describe` once, then `measure` for each folder of artifacts.
    """

    checks_first: ClassVar[bool] = True
    """Whether this machine checks the answers of artifacts before the target gets them."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name in the configuration, such as ``local``."""

    @abstractmethod
    def describe(self, runtime: Runtime) -> Machine:
        """Describe hardware and software there.

        Raises:
            UnknownNameError: If the provider of the runtime does not exist there.
            MeasurementError: If the target cannot be reached, or lacks the runtime.
        """

    @abstractmethod
    def measure(self, folder: Path) -> Iterator[Row]:
        """Time the artifacts of a manifest and yield each row on arrival.

        Every artifact has one row at the end, a failed one too. The same call after an
        interruption yields the finished rows of the same manifest first, and does not time their
        artifacts again.

        Args:
            folder: Folder of a manifest and its files. The target may write there; nobody else
                does meanwhile.

        Raises:
            MeasurementError: If the target cannot be reached or used.
        """

    def close(self) -> None:  # noqa: B027 - most targets hold nothing
        """Release the target."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
