"""Kedro's own datasets for tables, JSON and text, made atomic."""

from __future__ import annotations

from typing import Any

from kedro_datasets import json, pandas, partitions, text

from pipelines.datasets.atomic import Atomic

__all__ = ["JSONDataset", "ParquetDataset", "PartitionedDataset", "TextDataset"]


class ParquetDataset(Atomic, pandas.ParquetDataset):
    """A table as one Parquet file."""


class _Utf8:
    """Mixin: text is UTF-8 in every locale, unless the dataset sets another encoding."""

    def __init__(self, *, fs_args: dict[str, Any] | None = None, **arguments: Any) -> None:
        given = dict(fs_args or {})
        for key in ("open_args_load", "open_args_save"):
            given[key] = {"encoding": "utf-8", **given.get(key, {})}
        super().__init__(fs_args=given, **arguments)


class JSONDataset(Atomic, _Utf8, json.JSONDataset):
    """Lists, mappings, numbers and strings as one JSON file."""


class TextDataset(Atomic, _Utf8, text.TextDataset):
    """A string as one text file."""


class PartitionedDataset(Atomic, partitions.PartitionedDataset):
    """Several tables as the files of one folder; the folder is replaced as a whole."""

    _target = "_path"
