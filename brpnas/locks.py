"""Locks between processes of this machine: one writer at a time.

A lock is a file beside the protected one, held with ``flock`` by `filelock`. It ends with its
process; forked workers do not keep it, and a second handle of the same process waits too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from brpnas.errors import LockedError

__all__ = ["locked"]


@contextmanager
def locked(path: Path, what: str, timeout_s: float = 60.0) -> Iterator[None]:
    """Hold the lock of a file or folder.

    Args:
        path: Protected file or folder. The lock is the file ``path`` with the suffix ``.lock``;
            its folder is created.
        what: Name of the protected thing in messages, such as ``catalogue of devices``.
        timeout_s: Seconds to wait for another holder; 0 to fail at once.

    Raises:
        LockedError: If another process or handle keeps the lock, or the lock cannot be written.
    """
    file = path.with_name(f"{path.name}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file).acquire(timeout=timeout_s)
    except Timeout as error:
        raise LockedError(
            f"Another process is writing the {what} {path} and has not finished within "
            f"{timeout_s:g} s. Wait until it ends, then run the same command again."
        ) from error
    except OSError as error:
        raise LockedError(
            f"Cannot lock the {what} {path}: {error}. Make its folder writable, or choose another."
        ) from error
    with lock:
        yield
