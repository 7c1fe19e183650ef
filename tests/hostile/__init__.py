"""Hostile and damaged small files of every kind read by the project.

Each module makes the files of some kinds in a folder, with a `Hostile` for each;
`tests.hostile.reading` makes and reads all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Folder", "Hostile"]


@dataclass(frozen=True)
class Hostile:
    """A file and its reader.

    Attributes:
        name: The fault.
        kind: Kind of file.
        entry: Reader, a name in `tests.hostile.entries.ENTRIES`.
        path: The file.
        marker: File created by code in it; None if it holds no code.
    """

    name: str
    kind: str
    entry: str
    path: Path
    marker: Path | None = None


class Folder:
    """Where files of one kind are made.

    Args:
        root: Folder of all kinds.
        kind: The kind.
        suffix: Suffix of the files.
    """

    def __init__(self, root: Path, kind: str, suffix: str) -> None:
        self.root, self.kind, self.suffix = root / kind.replace(" ", "-"), kind, suffix
        self.root.mkdir(parents=True)
        self.made: list[Hostile] = []

    def marker(self, name: str) -> Path:
        """File to be created by code in a hostile file."""
        return self.root / f"{self._stem(name)}.ran"

    def path(self, name: str) -> Path:
        """Where a file is made."""
        return self.root / f"{self._stem(name)}{self.suffix}"

    def add(self, name: str, content: bytes, entry: str) -> None:
        """Make a file."""
        self.path(name).write_bytes(content)
        self.note(name, entry)

    def note(self, name: str, entry: str) -> None:
        """Register the file or folder made at `path`."""
        self.made.append(Hostile(name, self.kind, entry, self.path(name), self.marker(name)))

    def _stem(self, name: str) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in name)
