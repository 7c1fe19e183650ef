"""Pictures in folders, one folder for each class: ``CLASS/*.png``, or ``train/CLASS/*.png``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from brpnas.candidates.images.contents import Contents, Found
from brpnas.candidates.images.decode import FORMATS
from brpnas.candidates.images.listing import list_folder
from brpnas.candidates.images.pictures import EncodedPictures
from brpnas.candidates.images.split import PART_NAMES
from brpnas.errors import SchemaError, did_you_mean

__all__ = ["find_folder"]

_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
_OTHER = (
    *(".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".svg", ".eps", ".ps", ".psd", ".cr2"),
    *(".nef", ".arw", ".dng", ".raw", ".dcm", ".tga", ".exr", ".hdr"),
)
"""Formats of pictures that are refused, so that none is left out silently.

Documents, videos and icons, such as ``README.pdf`` and ``folder.ico``, are ignored.
"""


_SHOWN = 4


@dataclass(frozen=True)
class _Picture:
    path: Path
    label: str
    part: str | None


def find_folder(root: Path) -> Found:
    """Pictures of a folder, with classes and parts from the names of folders.

    Raises:
        SchemaError: If the layout is neither of the two, a class is empty, or the format of a
            picture is not accepted.
    """
    ignored: list[Path] = []
    pictures = sorted(_pictures(root, ignored), key=lambda picture: str(picture.path))
    remark = None
    if ignored:
        named = ", ".join(str(path.relative_to(root)) for path in sorted(ignored)[:_SHOWN])
        named += f" and {len(ignored) - _SHOWN} more" if len(ignored) > _SHOWN else ""
        remark = f"left out, not pictures: {named}"
    return Found(tuple(picture.path for picture in pictures), lambda: _read(pictures), remark)


def _read(pictures: Sequence[_Picture]) -> Contents:
    def streams() -> Iterator[IO[bytes]]:
        for picture in pictures:
            yield _open(picture.path)

    encoded = EncodedPictures(len(pictures), streams, lambda row: str(pictures[row].path))
    parts = [picture.part for picture in pictures]
    return Contents(
        np.array([picture.label for picture in pictures]),
        encoded,
        split=None if None in parts else np.array(parts),
    )


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise SchemaError(
            f"{path} cannot be opened ({error.strerror}). Replace it, or leave it out."
        ) from error


def _pictures(root: Path, ignored: list[Path]) -> Iterator[_Picture]:
    folders, files = _list(root, ignored)
    _refuse_loose(root, files, "CLASS/picture.png, or train/CLASS/picture.png and so on")
    parts = _parts(root, folders)
    if not parts:
        yield from _classes(root, folders, None, ignored)
        return
    others = [folder.name for folder in folders if folder not in parts]
    if others:
        raise SchemaError(
            f"{root} holds {others[0]}/ beside {parts[0].name}/. With parts (train/, valid/ or "
            "validation/, test/) all classes must be in them: move it there, or leave it out."
        )
    for part in parts:
        classes, loose = _list(part, ignored)
        _refuse_loose(part, loose, f"{part.name}/CLASS/picture.png; without classes leave it out")
        yield from _classes(part, classes, PART_NAMES[part.name.lower()], ignored)


def _parts(root: Path, folders: Sequence[Path]) -> list[Path]:
    """Folders of parts; none if all are classes.

    They are parts if one of them holds folders, or if two are named as different parts. A single
    one without folders is a class, such as ``train`` beside ``bus`` and ``car``.

    Raises:
        SchemaError: If there are parts, but no training part.
    """
    parts = [folder for folder in folders if folder.name.lower() in PART_NAMES]
    kinds = {PART_NAMES[folder.name.lower()] for folder in parts}
    others = [folder.name for folder in folders if folder not in parts]
    resembled = {PART_NAMES.get(_stem(name)) for name in others}
    if not parts and len(resembled) > 1 and None not in resembled:
        raise SchemaError(
            f"{root} holds {' and '.join(f'{name}/' for name in others)}, apparently parts. Name "
            "parts train/, valid/ (or validation/) and test/. If they are classes, give them other "
            "names."
        )
    if not (len(kinds) > 1 or any(list_folder(folder).folders for folder in parts)):
        return []
    if "train" not in kinds:
        named = " and ".join(f"{part.name}/" for part in parts)
        raise SchemaError(
            f"{root} holds {named} but no train/.{did_you_mean('train', others)} Name the folder "
            f"of training images train/; if {parts[0].name} is a class, give it another name."
        )
    return parts


def _stem(name: str) -> str:
    """First word of a name: ``train`` of ``train_images`` and ``trainset``."""
    return re.split(r"[^a-z]", name.lower(), maxsplit=1)[0].removesuffix("set")


def _classes(
    root: Path, folders: Sequence[Path], part: str | None, ignored: list[Path]
) -> Iterator[_Picture]:
    if not folders:
        raise SchemaError(
            f"{root} holds no folder with pictures. Expected are folders named after classes, "
            "CLASS/picture.png."
        )
    for folder in folders:
        label = unicodedata.normalize("NFC", folder.name)
        if not label.isprintable():
            raise SchemaError(f"{root} has a folder named {label!r}: rename it, it is a class.")
        found = list(_below(folder, ignored, frozenset()))
        if not found:
            raise SchemaError(
                f"The class folder {folder} holds no picture ({', '.join(FORMATS)}). Fill it, or "
                "delete it."
            )
        for path in found:
            yield _Picture(path, label, part)


def _below(folder: Path, ignored: list[Path], above: frozenset[Path]) -> Iterator[Path]:
    """Pictures of a folder and its subfolders; links back up are not followed."""
    real = folder.resolve()
    if real in above:
        return
    folders, files = _list(folder, ignored)
    yield from files
    for inner in folders:
        yield from _below(inner, ignored, above | {real})


def _list(folder: Path, ignored: list[Path]) -> tuple[Sequence[Path], Sequence[Path]]:
    """Folders and pictures of a folder, sorted; other files go to ``ignored``.

    Raises:
        SchemaError: If the folder cannot be listed, or the format of a picture is not accepted.
    """
    files = []
    listing = list_folder(folder)
    ignored.extend(listing.left_out)
    for file in listing.files:
        suffix = file.suffix.lower()
        if suffix in _SUFFIXES:
            files.append(file)
        elif suffix in _OTHER:
            raise SchemaError(
                f"The format of {file} is not accepted. Convert it to one of "
                f"{', '.join(FORMATS)}, or leave it out."
            )
        else:
            ignored.append(file)
    return listing.folders, files


def _refuse_loose(folder: Path, files: Sequence[Path], expected: str) -> None:
    if files:
        raise SchemaError(
            f"{folder} holds {len(files)} pictures without a class folder, the first "
            f"{files[0].name}. The folder of a picture is its class: {expected}."
        )
