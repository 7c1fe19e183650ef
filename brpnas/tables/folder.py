"""A folder of tables that people bring: which of its files are tables, and of what."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from brpnas.tables.findings import Finding, error, quoted

__all__ = ["SUFFIXES", "check_place", "table_files"]

SUFFIXES = (".csv", ".parquet")
"""Kinds of file that a table may come in."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MEANT = {
    *(".tsv", ".xls", ".xlsx", ".xlsm", ".ods", ".feather", ".arrow", ".pq", ".pkl", ".pickle"),
    *(".npz", ".npy", ".gz", ".zip", ".xz", ".zst", ".7z"),
}
"""Kinds of file that somebody may take for a table: reported, not left out in silence."""


def table_files(folder: Path, *, meant: bool = False) -> dict[str, Path]:
    """The tables of a folder, by the name of what each is about.

    Hidden files, those of editors and systems (``~$board.csv``, ``board.csv.bak``, ``Thumbs.db``)
    and notes, such as ``README.txt`` or ``board.json``, are left alone.

    Args:
        folder: The folder; it need not exist.
        meant: Whether to name files of another kind that seem to be meant as tables too, such as
            spreadsheets, where there is no table of that name: whoever reads one refuses it.
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
    """What is wrong with where a table lies and with its name, which is that of its subject.

    Args:
        path: The file.
        what: What it is about.
        valid: Whether a name is one.
        links: Whether it may be a symbolic link, as in a folder that the project itself writes.
    """
    found = []
    if not valid(path.stem):
        message = f"the file is named after its {what}, and {quoted(path.stem)} is no name of one."
        remedy = "Rename the file; use letters, digits, dots, hyphens and underscores."
        found.append(error("file name", message, remedy))
    if path.is_symlink() and not links:
        message = "the file is a symbolic link, and what it points to is not read."
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
