"""Listing of image folders, without files of operating systems and programs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from brpnas.errors import SchemaError

__all__ = ["Listing", "list_folder"]


_SYSTEM = (
    *("__macosx", "@eadir", "@tmp", "@recycle", "#recycle", "#snapshot"),  # macOS, NAS
    *("$recycle.bin", "system volume information", "lost+found"),  # Windows, Linux
)


@dataclass(frozen=True)
class Listing:
    """Content of a folder, each sorted by name.

    Attributes:
        folders: Folders, including links to them.
        files: Regular files, including links to them and broken links.
        left_out: Hidden files and folders, those of systems, pipes, sockets and devices.
    """

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    left_out: tuple[Path, ...]


def list_folder(folder: Path) -> Listing:
    """List a folder.

    Raises:
        SchemaError: If it cannot be listed.
    """
    folders, files, left_out = [], [], []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = folder / entry.name
                if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
                    left_out.append(path)
                elif entry.is_dir():
                    folders.append(path)
                elif entry.is_file() or not path.exists():
                    files.append(path)
                else:  # a pipe: opening it would block
                    left_out.append(path)
    except OSError as error:
        raise SchemaError(f"{folder} cannot be listed: {error.strerror}.") from error
    return Listing(tuple(folders), tuple(files), tuple(left_out))
