"""Folders of users' tables: their files and subjects."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from brpnas.tables.findings import Finding, error, quoted

__all__ = ["SUFFIXES", "check_place", "table_files"]

SUFFIXES = (".csv", ".parquet")
"""Accepted file types of a table."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MEANT = {
    *(".tsv", ".xls", ".xlsx", ".xlsm", ".ods", ".feather", ".arrow", ".pq", ".pkl", ".pickle"),
    *(".npz", ".npy", ".gz", ".zip", ".xz", ".zst", ".7z"),
}
"""File types that users may take for a table: reported, not left out silently."""


def table_files(folder: Path, *, meant: bool = False) -> dict[str, Path]:
    """The tables of a folder, by the name of their subject.

    Hidden files, those of editors and systems (``~$board.csv``, ``board.csv.bak``, ``Thumbs.db``)
    and notes, such as ``README.txt`` or ``board.json``, are ignored.

    Args:
        folder: The folder; may be missing.
        meant: Whether to include apparent tables of other file types, such as spreadsheets, if no
            table has their name: reading them refuses them.
    """
    kinds = {*SUFFIXES, *_MEANT} if meant else set(SUFFIXES)
    files = folder.iterdir() if folder.is_dir() else ()
    found: dict[str, Path] = {}
    for file in sorted(files, key=lambda file: (file.suffix.lower() not in SUFFIXES, file)):
        temporary = file.name.startswith((".", "~", "#")) or file.suffix.lower() not in kinds
        if not temporary and (file.is_symlink() or file.is_file()):
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def check_place(
    path: Path,
    what: str = "device",
    *,
    valid: Callable[[str], object] = _NAME.fullmatch,
    links: bool = False,
) -> list[Finding]:
    """Problems with the place of a table and with its name, the name of its subject.

    Args:
        path: The file.
        what: Kind of the subject.
        valid: Whether a name is valid.
        links: Whether symbolic links are allowed, as in a folder written by the project.
    """
    found = []
    if not valid(path.stem):
        message = f"the file name must be the name of a {what}; {quoted(path.stem)} is not one."
        remedy = "Rename the file; use letters, digits, dots, hyphens and underscores."
        found.append(error("file name", message, remedy))
    if path.is_symlink() and not links:
        message = "the file is a symbolic link; its target is not read."
        found.append(error("symbolic link", message, "Copy the table itself to this place."))
    twins = [
        file.name
        for file in (path.parent.iterdir() if path.parent.is_dir() else ())
        if file.stem == path.stem and file.suffix.lower() in SUFFIXES and file.name != path.name
    ]
    if twins and path.suffix.lower() in SUFFIXES:
        names = ", ".join(quoted(name)[1:-1] for name in sorted(twins))
        message = f"{names} beside it is about the same {what}."
        remedy = f"Remove one of them, or give it the name of another {what}."
        found.append(error("two files", message, remedy))
    return found
