"""The public sample of NAS-Bench-101 for benchmarks: its table, and its graphs."""

from __future__ import annotations

import functools

import pandas as pd

from benchmarks.data import CACHE, mirror
from benchmarks.tasks import FOLDER
from brpnas.atomic import atomic_path
from brpnas.datasets import fetch_group, read_nasbench101_accuracy
from brpnas.graphs import SpaceGraphs
from brpnas.spaces import get_space

__all__ = ["EPOCHS", "sample_accuracy", "sample_graphs"]

EPOCHS = 108


@functools.cache
def sample_accuracy() -> pd.DataFrame:
    """Validation accuracy of the 20,001 cells after 108 epochs, one run each.

    Finding the cells by their hashes takes half a minute, so the table is kept (not in git).
    """
    kept = FOLDER / "nasbench101-sample.parquet"
    if kept.is_file():
        return pd.read_parquet(kept)
    files = fetch_group("nasbench101", mirror=mirror(), cache=CACHE)
    table = read_nasbench101_accuracy(files, (EPOCHS,))
    table = table.sort_values("arch_id", ignore_index=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(kept) as partial:
        table.to_parquet(partial)
    return table


@functools.cache
def sample_graphs() -> SpaceGraphs:
    """Their graphs, in the order of the table."""
    return get_space("nasbench101").graphs(sample_accuracy()["arch_id"].tolist())
