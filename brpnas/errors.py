"""Errors of the library: one class per situation, under one root.

Every message says what happened, where, and how to mend it. Catch `BrpNasError` to catch
them all; each also derives from the builtin that a caller would expect (`ValueError`, `KeyError`'s
cousin `LookupError`, `OSError`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "AnswersPendingError",
    "ArchitectureError",
    "BrpNasError",
    "BudgetError",
    "ConfigurationError",
    "ConstraintError",
    "EngineError",
    "InfeasibleError",
    "IntakeError",
    "LockedError",
    "MeasurementError",
    "ObjectiveError",
    "OracleError",
    "ParityError",
    "RegistryError",
    "SchemaError",
    "SourceError",
    "StoreError",
    "SurroundingsError",
    "TaskError",
    "TrackingError",
    "TrainingError",
    "UnknownNameError",
    "UnsafePickleError",
    "UnsupportedPlatformError",
    "did_you_mean",
    "one_line",
    "shortened",
]


class BrpNasError(Exception):
    """Root of all errors raised on purpose by this project."""


class ArchitectureError(BrpNasError, ValueError):
    """A string, tuple or graph is not an architecture of the space."""


class BudgetError(BrpNasError, ValueError):
    """A budget is not positive, or asks for more architectures than there are."""


class ConfigurationError(BrpNasError, ValueError):
    """A configuration key is unknown, missing, or of the wrong type."""


class ConstraintError(BrpNasError, ValueError):
    """A constraint string cannot be read, or names an unknown metric."""


class EngineError(BrpNasError, RuntimeError):
    """The workers of an engine cannot run tasks at all: they cannot start, or are unreachable."""


class InfeasibleError(BrpNasError, ValueError):
    """No architecture satisfies the constraints."""


class MeasurementError(BrpNasError, RuntimeError):
    """Latencies cannot be measured, or belong to another device than those beside them."""


class ObjectiveError(BrpNasError, ValueError):
    """An objective of a search cannot be read, names an unknown metric, or is constant."""


class OracleError(BrpNasError, LookupError):
    """An oracle has no answer for an architecture."""


class ParityError(BrpNasError, ArithmeticError):
    """An exported model answers differently from the model it was exported from."""


class RegistryError(BrpNasError, LookupError):
    """The model registry lacks the version, alias or file that is asked for, or is unreachable."""


class AnswersPendingError(BrpNasError, LookupError):
    """A search waits for answers that are given by hand; run again when they are there."""


class SchemaError(BrpNasError, ValueError):
    """A table breaks its declared schema."""


class IntakeError(SchemaError):
    """A device's file of latencies is refused; the message lists every problem, one below another.

    Attributes:
        findings: The problems, each a `brpnas.devices.Finding`, and what else was noticed.
    """

    def __init__(self, report: str, findings: Iterable[Any] = ()) -> None:
        super().__init__(report)
        self.findings = tuple(findings)


class LockedError(BrpNasError, OSError):
    """Another process writes a file or folder, or its lock cannot be taken."""


class SourceError(BrpNasError, OSError):
    """A published file is missing, unreachable, corrupt, or not the one in the catalogue."""


class StoreError(BrpNasError, OSError):
    """A store belongs to another task, or is damaged before its last line."""


class SurroundingsError(BrpNasError, OSError):
    """The machine lacks space, a permission, or a folder for temporary files."""


class TaskError(BrpNasError, RuntimeError):
    """A task failed; `message` says how, and the traceback is a note of the error."""

    @property
    def message(self) -> str:
        """What happened, in one line where the failure itself is."""
        return str(self)


class TrackingError(RegistryError):
    """The MLflow store of runs and models is old, damaged, of another kind, or unreachable."""


class TrainingError(BrpNasError, ArithmeticError):
    """Training of a network diverged."""


class UnknownNameError(BrpNasError, LookupError):
    """A device, data set, space, backbone or sampler of that name does not exist."""

    def __init__(self, kind: str, name: str, options: Iterable[str]) -> None:
        known = sorted(options)
        super().__init__(
            f"Unknown {kind} {name!r}.{did_you_mean(name, known)}"
            + (f" Known: {', '.join(known)}." if known else "")
        )
        self.kind, self.name, self.options = kind, name, known

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.options)


class UnsafePickleError(BrpNasError, ValueError):
    """A pickle asks for something outside the allow-list."""


class UnsupportedPlatformError(BrpNasError, ImportError):
    """The operating system lacks what the project builds on."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest option, or an empty string."""
    close = difflib.get_close_matches(name, list(options), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def shown(value: object, most: int = 80) -> str:
    """The value as Python writes it, cut off after ``most`` characters."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def one_line(text: str, most: int = 400) -> str:
    r"""Text of another machine for a message: one line, printable, `shortened`.

    Examples:
        >>> one_line("no\x1b[2J room\n")
        'no[2J room'
    """
    words = " ".join(text.split())
    return shortened("".join(letter for letter in words if letter.isprintable()), most)


def shortened(text: str, most: int = 400) -> str:
    """Return the text, or its two ends and its length if it is longer than ``most`` characters.

    For messages that quote input: what was sent must not decide how long an answer is.
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters ...] {text[-half:]}"
