"""Lacks of the machine around a command: streams, space, permissions.

Entry points call `open_streams` first; `explained` turns fixable errors of the operating system
into one paragraph.
"""

from __future__ import annotations

import errno
import os
import sys

from brpnas.errors import SurroundingsError

__all__ = ["explained", "open_streams"]

_ADVICE = {
    errno.EACCES: "Change its permissions, or work in a folder of your own.",
    errno.EPERM: "Change its permissions, or work in a folder of your own.",
    errno.EROFS: "It is mounted read-only: mount it for writing, or work in another folder.",
    errno.ENOSPC: "Free some space, or set TMPDIR to a folder on another disk if it is there; then "
    "run the same command again.",
    errno.EDQUOT: "Free some space, or ask for a larger quota; then run the same command again.",
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`), or use fewer workers.",
}
_FULL = "No space left on device"
_NO_TEMPORARY = "No usable temporary directory"


def open_streams() -> None:
    """Open missing standard streams, and print every character.

    A closed stdin, stdout or stderr becomes the null device; otherwise the next opened file would
    take its number and receive the printed text. Characters missing from the terminal's encoding
    are printed as escapes.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            # Open for the life of the process.
            stream = open(os.devnull, "r" if number == 0 else "w", encoding="utf-8")  # noqa: SIM115, PTH123
            setattr(sys, name, stream)
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):  # absent on streams of tests
            output.reconfigure(errors="backslashreplace")


def explained(error: BaseException | None) -> SurroundingsError | None:
    """One paragraph for a lack of space, permission or files; None for other errors.

    Args:
        error: An error; its causes are examined too.
    """
    while error is not None:
        said = " ".join(str(error).split())
        if _NO_TEMPORARY in said:
            return SurroundingsError(
                f"{said}. None of these folders can be written, or their disk is full: free some "
                "space, or set TMPDIR to a folder that can be written."
            )
        if _FULL in said:
            return SurroundingsError(f"{said}. {_ADVICE[errno.ENOSPC]}")
        if isinstance(error, OSError) and error.errno in _ADVICE:
            return SurroundingsError(f"{said}. {_ADVICE[error.errno]}")
        error = error.__cause__
    return None
