"""Training, validation and test rows of a source without named parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.candidates.images.data import SPLITS, IntArray
from brpnas.errors import SchemaError

__all__ = ["PART_NAMES", "describe_split", "split_parts"]

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "valid",
    "valid": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}
"""Usual names of the parts."""
_SHARE = 0.15
_MOST = 10_000
"""Most images of a drawn part; an accuracy of 90 % then has a standard error of 0.3 points."""
_FEWEST = 5
"""Fewest images of a class in a part, up to a quarter of the class."""


def split_parts(
    labels: IntArray,
    label_names: Sequence[str],
    split: npt.NDArray[Any] | None,
    shares: tuple[float | None, float | None],
    seed: int,
    path: str,
) -> dict[str, IntArray]:
    """Rows of the parts: those of the source, and a stratified draw of the missing ones.

    Args:
        labels: Class of each image, ``[N]``.
        label_names: Name of each class.
        split: Part of each image by the source, if any.
        shares: Share of validation and of test images; None for a share by size: 15 % of the
            training images, at most 10,000, but at least 5 images of each class, or of a class
            below 20 a quarter and at least one.
        seed: Seed of the draw.
        path: The source, for errors.

    Raises:
        SchemaError: If the source names an unknown part, or a part or class has too few images.
    """
    rows = np.arange(len(labels))
    named = _named(split, len(labels), path)
    parts = {part: rows[named == code] for code, part in enumerate(SPLITS)}
    missing = [part for part in ("test", "valid") if not len(parts[part])]
    share_of = dict(zip(("valid", "test"), shares, strict=True))
    sizes = np.bincount(labels[parts["train"]], minlength=len(label_names))
    automatic = [part for part in missing if share_of[part] is None]
    if automatic:
        _check_sizes(sizes, len(missing) + 1, label_names, path)
    rng = np.random.default_rng(seed)
    for part in missing:
        train = labels[parts["train"]]
        share = share_of[part]
        if share is None:
            counts = _counts_by_size(sizes)
        else:
            counts = _counts(train, share * len(labels), len(label_names))
        drawn = _draw(train, counts, rng)
        parts[part] = parts["train"][drawn]
        parts["train"] = np.delete(parts["train"], drawn)
    _check(parts, labels, label_names, path)
    return parts


def describe_split(
    split: npt.NDArray[Any] | None,
    parts: Mapping[str, IntArray],
    seed: int,
    *,
    counts: bool = True,
) -> str:
    """Origin of the parts in words, with the number of drawn images.

    Args:
        split: Part of each image by the source, if any.
        parts: Result of `split_parts`.
        seed: Seed of the draw.
        counts: Whether to give numbers of images beside shares.
    """
    given = set() if split is None else {PART_NAMES[name.lower()] for name in set(_texts(split))}
    whole = sum(map(len, parts.values()))
    shares = {part: f"{100 * len(rows) / whole:.3g} %" for part, rows in parts.items()}
    missing = [
        f"{name} {len(parts[part]):,} of {whole:,} images ({shares[part]})"
        if counts
        else f"{name} {shares[part]}"
        for part, name in {"valid": "validation", "test": "test"}.items()
        if part not in given
    ]
    if not missing:
        return "as the source names the parts"
    named = (
        f"{' and '.join(p for p in SPLITS if p in given)} as the source names them; "
        if len(given) > 1
        else ""
    )
    return f"{named}{' and '.join(missing)}, drawn at random from each class alike, seed {seed}"


def _named(split: npt.NDArray[Any] | None, count: int, path: str) -> npt.NDArray[np.int8]:
    """Part of each image as a position in `SPLITS`."""
    if split is None:
        return np.full(count, SPLITS.index("train"), np.int8)
    if split.ndim != 1 or len(split) != count:
        raise SchemaError(
            f"The split of {path} must say train, valid or test for each of the {count} images; "
            f"it has shape {split.shape}."
        )
    text = _texts(split)
    unknown = [row for row, value in enumerate(text) if value.lower() not in PART_NAMES]
    if unknown:
        raise SchemaError(
            f"The split of {path} must say train, valid or test for each of the {count} images, "
            f"not {text[unknown[0]]!r} as in row {unknown[0]}."
        )
    codes = {name: SPLITS.index(part) for name, part in PART_NAMES.items()}
    return np.fromiter((codes[value.lower()] for value in text), np.int8, count)


def _texts(split: npt.NDArray[Any]) -> list[str]:
    return [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in split.tolist()]


def _counts_by_size(sizes: IntArray) -> IntArray:
    """Rows to draw of each class, by its number of training rows."""
    share = min(_SHARE, _MOST / max(int(sizes.sum()), 1))
    least = np.maximum(np.minimum(_FEWEST, sizes // 4), np.minimum(sizes, 1))
    return np.maximum(np.round(share * sizes).astype(np.int64), least)


def _counts(labels: IntArray, count: float, classes: int) -> IntArray:
    """Rows to draw of each class for about ``count`` in all."""
    share = min(count / max(len(labels), 1), 1.0)
    sizes = np.bincount(labels, minlength=classes)
    return np.round(share * sizes).astype(np.int64)


def _draw(labels: IntArray, counts: IntArray, rng: np.random.Generator) -> IntArray:
    """Positions of ``counts`` random rows of each class, sorted."""
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[: counts[label]]
        for label in np.unique(labels)
    ]
    return np.sort(np.concatenate([np.empty(0, np.int64), *drawn])).astype(np.int64)


def _check_sizes(sizes: IntArray, least: int, label_names: Sequence[str], path: str) -> None:
    few = np.flatnonzero((sizes > 0) & (sizes < least))
    if len(few):
        raise SchemaError(
            f"The class {label_names[few[0]]!r} of {path} has {sizes[few[0]]} images"
            + (f", and {len(few) - 1} other classes have as few" if len(few) > 1 else "")
            + f"; at least {least} are needed, one for each part. Add images, or leave the class "
            "out."
        )


def _check(
    parts: dict[str, IntArray], labels: IntArray, label_names: Sequence[str], path: str
) -> None:
    empty = [part for part in SPLITS if not len(parts[part])]
    if empty or len(parts["train"]) < 2:
        raise SchemaError(
            f"{path} has {len(labels)} images, too few for a {(empty or ['train'])[0]} part."
        )
    in_train = np.bincount(labels[parts["train"]], minlength=len(label_names))
    unseen = np.flatnonzero((np.bincount(labels, minlength=len(label_names)) > 0) & (in_train == 0))
    if len(unseen):
        raise SchemaError(
            f"The class {label_names[unseen[0]]!r} of {path} has validation or test images but no "
            "training images. Check its spelling in the other parts, or leave it out."
        )
