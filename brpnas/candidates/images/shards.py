"""Parquet files of a folder, with parts from file or folder names, in Hugging Face's layout.

``train-00000-of-00002.parquet``, optionally with a hash at its end, or ``train/0000.parquet``, in
the folder itself or in a subfolder (Hugging Face's configuration).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from brpnas.candidates.images.contents import Found
from brpnas.candidates.images.listing import list_folder
from brpnas.candidates.images.parquet import find_parquet, read_parquet
from brpnas.candidates.images.split import PART_NAMES
from brpnas.errors import SchemaError

__all__ = ["find_shards"]

_NAME = re.compile(r"(?P<part>[a-z]+)([-_.]?\d+)?(-of-\d+)?(-[0-9a-f]{8,})?")
_UPLOADED = "data"
"""Folder of Hugging Face's push_to_hub; its file may have any name."""
Shard = tuple[Path, str | None]


def find_shards(root: Path, label: str | None) -> Found | None:
    """Parquet files of a folder.

    Args:
        root: The folder.
        label: Column of the labels, if named by the user.

    Returns:
        None if the folder holds no Parquet file of a data set.

    Raises:
        SchemaError: If the part of a file is unclear, or there are several data sets.
    """
    shards = _shards(root) or _configuration(root)
    if not shards:
        return None
    if len(shards) == 1 and shards[0][1] is None:
        return find_parquet(shards[0][0], label)
    files, parts = [], []
    for file, part in shards:
        if part is None:
            raise SchemaError(
                f"{file} is one of {len(shards)} Parquet files, but its name gives no part: name "
                "them train-00000-of-00002.parquet, validation.parquet, test.parquet and so on, "
                "or move them to folders train, validation and test."
            )
        files.append(file)
        parts.append(part)
    return Found(tuple(files), lambda: read_parquet(files, label, parts))


def _configuration(root: Path) -> list[Shard]:
    """Files of the one subfolder with a file or folder per part."""
    found = {}
    for folder in _folders(root):
        shards = _shards(folder)
        if folder.name == _UPLOADED or any(part is not None for _, part in shards):
            found[folder.name] = shards
    found = {name: shards for name, shards in found.items() if shards}
    if len(found) > 1:
        names = list(found)
        raise SchemaError(
            f"{root} holds several data sets in Parquet files, in the folders "
            f"{', '.join(names[:10])}. Give the folder of one, for example images.path: "
            f"{root / names[0]}."
        )
    return next(iter(found.values()), [])


def _shards(folder: Path) -> list[Shard]:
    """Files of a folder and of its subfolders named as parts.

    A subfolder with further folders holds pictures; Parquet files in it describe them.
    """
    direct = [(file, _part(file.stem)) for file in _files(folder)]
    below = [
        (file, _agreed(file, _part(inner.name)))
        for inner in _folders(folder)
        if not _folders(inner)
        for file in _files(inner)
    ]
    return direct + (below if any(part is not None for _, part in below) else [])


def _part(name: str) -> str | None:
    match = _NAME.fullmatch(name.lower())
    return PART_NAMES.get(match["part"]) if match else None


def _agreed(file: Path, part: str | None) -> str | None:
    """Part of a file by its folder; the file name may repeat it."""
    own = _part(file.stem)
    if part is not None and own not in (None, part):
        raise SchemaError(
            f"The name of {file} says {own}, but its folder says {part}. Move it, or rename it."
        )
    return part


def _folders(folder: Path) -> Sequence[Path]:
    return list_folder(folder).folders


def _files(folder: Path) -> list[Path]:
    return [f for f in list_folder(folder).files if f.suffix.lower() == ".parquet"]
