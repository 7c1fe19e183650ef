"""Small files that are hostile or damaged, of every kind that the project reads.

Each module makes the files of some kinds in a folder and gives a `Hostile` for each;
`benchmarks.hostile_files` makes all of them and tries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Folder", "Hostile"]


@dataclass(frozen=True)
class Hostile:
    """A file, and what reads it.

    Attributes:
        name: What is wrong with it.
        kind: Kind of file.
        entry: What reads it, a name in `benchmarks.hostile.entries.ENTRIES`.
        path: The file.
        marker: File that exists once code of it has run; None if it holds none.
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
        """File that code of a hostile file is to make."""
        return self.root / f"{self._stem(name)}.ran"

    def path(self, name: str) -> Path:
        """Where a file is made."""
        return self.root / f"{self._stem(name)}{self.suffix}"

    def add(self, name: str, content: bytes, entry: str) -> None:
        """Make a file."""
        self.path(name).write_bytes(content)
        self.note(name, entry)

    def note(self, name: str, entry: str) -> None:
        """Take a file or folder that was made at `path`."""
        self.made.append(Hostile(name, self.kind, entry, self.path(name), self.marker(name)))

    def _stem(self, name: str) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in name)
