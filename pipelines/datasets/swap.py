"""Replacing a file or folder in one step, and cleaning up after killed processes.

`replace` flushes a finished file or folder to the disk, then puts it in place by one operation of
the file system: a crash leaves either the old or the new one. `clear_away` removes the temporary
files of dead processes.
"""

from __future__ import annotations

import ctypes
import glob
import os
import re
import shutil
import socket
import sys
import uuid
import zlib
from pathlib import Path

from brpnas.atomic import flush

__all__ = ["clear_away", "fresh_path", "remove", "replace"]

_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
_LEFT = re.compile(r"\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}\.(?P<kind>new|old)\.")


def fresh_path(target: Path, kind: str = "new") -> Path:
    """A name beside the target with the id of the process using it."""
    token = f"{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return target.with_name(f".{token}.{kind}.{target.name}")


def replace(fresh: Path, target: Path) -> None:
    """Put a finished file or folder in the place of the target, new or existing.

    Old content moved aside is removed.

    Raises:
        OSError: If it cannot be written; the target is then unchanged.
    """
    _flush(fresh)
    if not fresh.is_dir() or not target.exists():
        fresh.replace(target)
    elif not _exchange(fresh, target):
        # Two steps where the file system has no exchange: `clear_away` repairs an interrupted one.
        stale = fresh_path(target, "old")
        target.rename(stale)
        try:
            fresh.replace(target)
        except BaseException:
            stale.rename(target)
            raise
        remove(stale)
    flush(target.parent)


def clear_away(target: Path) -> None:
    """Remove files of killed processes of this machine beside a target.

    If a process was killed between the two steps of a replacement, the old content is restored.
    """
    for path in target.parent.glob(f".*.{glob.escape(target.name)}"):
        left = _LEFT.match(path.name)
        if left is None or path.name[left.end() :] != target.name or _is_alive(left):
            continue
        if left["kind"] == "old" and not target.exists():
            path.rename(target)
        else:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _is_alive(left: re.Match[str]) -> bool:
    """Whether the process of the name may still run; always true for other machines."""
    if left["host"] != _host():
        return True
    try:
        os.kill(int(left["pid"]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the file system cannot."""
    names = (os.fsencode(one), os.fsencode(other))
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = libc.renamex_np(*names, ctypes.c_uint(_EXCHANGE))
        else:
            at = (_AT_FDCWD, names[0], _AT_FDCWD, names[1])
            failed = libc.renameat2(*at, ctypes.c_uint(_EXCHANGE))
    except (AttributeError, OSError):  # a C library without it
        return False
    return not failed


def _flush(path: Path) -> None:
    """Write a file, or all files of a folder, to the disk."""
    if path.is_symlink():
        return
    for inner in path.iterdir() if path.is_dir() else ():
        _flush(inner)
    flush(path)
