"""Columns of images and labels in a Parquet file, by name and Hugging Face's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from brpnas.errors import SchemaError, did_you_mean

__all__ = ["Columns", "find_columns"]

_IMAGES = ("image", "img")
_LABELS = ("label", "labels", "fine_label", "coarse_label", "target", "class")


@dataclass(frozen=True)
class Columns:
    """Columns of a table of images.

    Attributes:
        image: Column of the pictures.
        label: Column of the labels.
        split: Column of the parts, if any.
        label_names: Names of integer labels, from Hugging Face's metadata.
    """

    image: str
    label: str
    split: str | None
    label_names: tuple[str, ...] | None


def find_columns(schema: pa.Schema, label: str | None, path: str) -> Columns:
    """Find the columns.

    Args:
        schema: Schema of the file.
        label: Column of the labels, if named by the user.
        path: The file, for errors.

    Raises:
        SchemaError: If the column of images or labels is missing or ambiguous.
    """
    features = _features(schema, path)
    names = list(schema.names)
    images = [name for name in _IMAGES if name in names] or [
        name for name in names if features.get(name, {}).get("_type") == "Image"
    ]
    classes = [name for name in names if features.get(name, {}).get("_type") == "ClassLabel"]
    if label is None:
        labels = [name for name in _LABELS if name in names] or classes
        labels = ["label"] if "label" in labels else labels
    else:
        labels = [label]
    _check(images, labels, names, path)
    chosen = labels[0]
    return Columns(
        images[0],
        chosen,
        "split" if "split" in names else None,
        _names(features.get(chosen, {}), chosen, path),
    )


def _check(images: Sequence[str], labels: Sequence[str], names: Sequence[str], path: str) -> None:
    there = ", ".join(names[:20]) + (" and so on" if len(names) > 20 else "")
    missing = [what for what, found in (("images", images), ("labels", labels)) if not found]
    if missing:
        raise SchemaError(
            f"{path} has no {' and no '.join(missing)}, only {there}. Name the column of pictures "
            f"{' or '.join(_IMAGES)}, the column of labels {', '.join(_LABELS[:3])}, or set the "
            "parameter images.label."
        )
    if len(labels) > 1:
        raise SchemaError(
            f"{path} has several columns of labels: {', '.join(labels)} (all columns: {there}). "
            f"Choose one by the parameter images.label, for example images.label: {labels[0]}."
        )
    if labels[0] not in names:
        raise SchemaError(
            f"{path} has no column {labels[0]!r}, set as images.label."
            f"{did_you_mean(labels[0], names)} Its columns: {there}."
        )


def _features(schema: pa.Schema, path: str) -> Mapping[str, Mapping[str, Any]]:
    """Hugging Face's metadata of each column; empty if there are none."""
    content = (schema.metadata or {}).get(b"huggingface")
    if content is None:
        return {}
    try:
        features = json.loads(content)["info"]["features"]
        return {
            str(name): feature if isinstance(feature, dict) else {}
            for name, feature in features.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SchemaError(
            f"Hugging Face's metadata in {path} (key `huggingface` of the schema) are damaged: "
            f"{type(error).__name__}. Write the file again, or without them."
        ) from error


def _names(feature: Mapping[str, Any], label: str, path: str) -> tuple[str, ...] | None:
    names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SchemaError(
            f"The class names of column {label} in {path} are not a list of strings. Write the "
            "file again."
        )
    return tuple(names)
