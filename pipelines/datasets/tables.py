"""Kedro's own datasets for tables, JSON and text, made atomic."""

from __future__ import annotations

from kedro_datasets import json, pandas, partitions, text

from pipelines.datasets.atomic import Atomic

__all__ = ["JSONDataset", "ParquetDataset", "PartitionedDataset", "TextDataset"]


class ParquetDataset(Atomic, pandas.ParquetDataset):
    """A table as one Parquet file."""


class JSONDataset(Atomic, json.JSONDataset):
    """Lists, mappings, numbers and strings as one JSON file."""


class TextDataset(Atomic, text.TextDataset):
    """A string as one text file."""


class PartitionedDataset(Atomic, partitions.PartitionedDataset):
    """Several tables as the files of one folder; the folder is replaced as a whole."""

    _target = "_path"
