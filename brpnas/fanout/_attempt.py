"""One attempt at one task; a failure is a result too."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from brpnas.errors import ConfigurationError, TaskError

__all__ = ["attempt", "attempt_packed", "failure", "pack", "pack_function", "unpack"]

T = TypeVar("T")
R = TypeVar("R")


def attempt(function: Callable[[T], R], task: T) -> R | TaskError:
    """Result of the function, or its error as a TaskError; only a KeyboardInterrupt passes."""
    try:
        return function(task)
    except (Exception, SystemExit) as error:
        return failure(error)


def attempt_packed(function: Callable[[Any], Any], task: bytes) -> bytes:
    """Attempt a packed task in a worker and pack the outcome.

    If packing or unpacking fails, only this task fails.
    """
    outcome = attempt(lambda packed: function(unpack(packed)), task)
    try:
        return pack(outcome)
    except Exception as error:
        return pack(failure(error))


def failure(error: BaseException) -> TaskError:
    """The error of a task as a TaskError: type and message, traceback as a note."""
    named = TaskError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    named.add_note("".join(traceback.format_exception(error)))
    return named


def pack(value: object) -> bytes:
    """Bytes of a task or an outcome, for transfer between this process and its workers."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def unpack(packed: bytes) -> Any:
    """The inverse of `pack`; never for bytes of a file or of another party."""
    return pickle.loads(packed)  # noqa: S301 - our own bytes, from our own process or worker


def pack_function(function: Callable[[Any], Any]) -> bytes:
    """Bytes of the function of a run.

    Raises:
        ConfigurationError: If it cannot be sent to another process.
    """
    try:
        return pack(function)
    except Exception as error:
        raise ConfigurationError(
            f"{function!r} cannot be sent to another process ({error}). Give a function of a "
            "module, or a functools.partial with arguments that pickle: no lambda."
        ) from error
