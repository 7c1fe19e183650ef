"""The interface of targets: places where networks are timed."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel

from brpnas.errors import MeasurementError, UnknownNameError, one_line
from brpnas.measure.artifacts import Manifest
from brpnas.measure.hardware import Machine
from brpnas.measure.runtimes import Runtime
from brpnas.typed import Finite, Positive, parse_typed

__all__ = ["Row", "Rows", "Target", "error_of", "known_rows", "parse_row", "rows_of"]

Row = dict[str, Any]
"""A row of the runner (`brpnas.measure.runner`): ``event`` (``network``, ``reference`` or
``failed``), ``name`` and ``sha256`` of the artifact, then figures or ``error``."""

Rows = Generator[Row, None, None]
"""Rows on arrival; closing them ends the work."""

_log = logging.getLogger(__name__)


class _Any(BaseModel):
    """Fields of every row."""

    name: str
    sha256: str
    time: str
    load: Finite | None
    seconds: Finite
    clock_jump_s: float | None
    file_kib: Finite
    clock_mhz: Finite | None
    temperature_c: float | None
    host: str
    machine: dict[str, str | int | None]


class _Failed(_Any):
    """A failed artifact."""

    event: Literal["failed"]
    error: str


class _Timed(_Any):
    """A timed artifact."""

    event: Literal["network", "reference"]
    latency_ms: Positive
    std_ms: Finite | None
    blocks_ms: list[Positive]
    difference: Finite | None
    energy_mj: Finite | None
    peak_memory_mib: Finite | None


class _Checked(_Any):
    """An artifact whose answer is right."""

    event: Literal["checked"]
    difference: Finite | None


_KINDS: dict[object, type[_Any]] = {
    "failed": _Failed,
    "checked": _Checked,
    "network": _Timed,
    "reference": _Timed,
}


def parse_row(event: Row) -> Row:
    """The known fields of a row of the runner, checked.

    Raises:
        MeasurementError: If a field is missing or of another type.
    """
    try:
        row = parse_typed(_KINDS[event.get("event")], event).model_dump()
    except (ValueError, KeyError) as error:
        raise MeasurementError(f"A row of the runner is damaged: {error}.") from error
    return row | {"error": one_line(row["error"], 1000)} if "error" in row else row


def rows_of(lines: Iterable[bytes], what: str) -> Rows:
    """Rows in the output of ``runner.py run``, each on arrival.

    Args:
        lines: Standard output of the runner.
        what: Name of the target, for messages.

    Raises:
        UnknownNameError: If the runner lacks the provider.
        MeasurementError: If the runner reports another error, or a line is damaged.
    """
    for line in lines:
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise MeasurementError(f"{what} sent no row: {line[:200]!r}.") from error
        if kind == "error":
            raise error_of(event, what)
        if kind == "waiting":
            _log.warning("%s waits for %s", what, one_line(str(event.get("for")), 200))
        elif kind in _KINDS:
            yield parse_row(event)


def error_of(event: Row, what: str) -> MeasurementError | UnknownNameError:
    """The error that a runner reports.

    Args:
        event: Its event ``error``.
        what: Name of the target, for messages.
    """
    match event.get("unknown"):
        case [str(kind), str(name), [*known]]:
            kind = one_line(kind, 100)
            return UnknownNameError(f"{kind} on {what}", name[:100], map(str, known[:100]))
    return MeasurementError(f"{what}: {one_line(str(event.get('error')), 1000)}")


def known_rows(rows: Iterable[Row], manifest: Manifest, what: str) -> Iterator[Row]:
    """The rows, each of an artifact of the manifest.

    Args:
        rows: Rows of the runner.
        manifest: The manifest.
        what: Name of their source, for messages.

    Raises:
        MeasurementError: If a row is of another artifact.
    """
    known = {(one.name, one.sha256) for one in manifest.artifacts}
    for row in rows:
        if (row["name"], row["sha256"]) not in known:
            raise MeasurementError(
                f"{what} has a row of a network that is not in the manifest: "
                f"{one_line(row['name'], 100)!r}. Measure these networks again."
            )
        yield row


class Target(ABC):
    """A place where networks are timed; a context manager.

    Call `describe` once, then `measure` for each folder of artifacts.
    """

    checks_first: ClassVar[bool] = True
    """Whether this machine checks the answers of artifacts before the target gets them."""

    place: ClassVar[str] = "local"
    """First word of the default name of a device: ``local`` for this machine or its cluster, else
    ``board``."""

    needs_name: ClassVar[bool] = False
    """Whether the user must name the device, because its description tells no devices apart."""

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
    def measure(self, folder: Path) -> Rows:
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
