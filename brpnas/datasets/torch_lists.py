"""Lists written by ``torch.save``, read without torch and without running them.

HELP publishes its tables in this form. `read_list` reads a list of anything that a safe pickle may
hold, `read_numbers` a list of measured values.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.archives import open_archive, read_member
from brpnas.datasets.unpickle import safe_loads
from brpnas.errors import SourceError

__all__ = ["read_list", "read_numbers"]

_MEMBER = "/data.pkl"
_MAX_MEMBERS, _MAX_BYTES = 16, 4 * 2**20  # published: 2 members, 580 kB at most
_MAX_INTEGER = 2**53


def read_list(path: Path, count: int) -> list[Any]:
    """Read a list of ``count`` entries.

    Raises:
        SourceError: If the file is missing, corrupt, or of another kind.
        UnsafePickleError: If the pickle contains more than builtin containers, numbers and text.
    """
    published = safe_loads(_pickle(path), str(path))
    if not isinstance(published, list) or len(published) != count:
        given = f"a list of {len(published):,}" if isinstance(published, list) else "no list"
        raise SourceError(
            f"{path} is not a file of HELP: expected is a list of {count:,} entries, one for each "
            f"architecture, and it holds {given}."
        )
    return published


def read_numbers(path: Path, count: int) -> npt.NDArray[np.float64]:
    """Read a list of ``count`` numbers, shape ``[count]``.

    Integers count as numbers: some devices are timed in whole milliseconds.

    Raises:
        SourceError: If the file is missing, corrupt, or of another kind.
        UnsafePickleError: If the pickle contains more than numbers.
    """
    values = read_list(path, count)
    for entry, value in enumerate(values):
        if not _is_number(value):
            raise SourceError(
                f"{path} is not a file of HELP: entry {entry} of its {count:,} is "
                f"{value!r:.80}, and not a number."
            )
    return np.array(values, dtype=np.float64)


def _is_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= _MAX_INTEGER)


def _pickle(path: Path) -> bytes:
    """The pickle in a torch archive."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) > _MAX_BYTES:
                raise ValueError(f"more than {_MAX_BYTES:,} bytes")
            with open_archive(file, max_members=_MAX_MEMBERS, max_unpacked=_MAX_BYTES) as archive:
                (member,) = (m for m in archive.infolist() if m.filename.endswith(_MEMBER))
                return read_member(archive, member)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(
            f"The file {path} cannot be read as a torch archive with one {_MEMBER[1:]} "
            f"({type(error).__name__}: {error}): it is missing, truncated or of another kind. "
            "Remove it and get it again from its catalogued URL."
        ) from error
