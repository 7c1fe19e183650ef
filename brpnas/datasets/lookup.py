"""Asking an accuracy table: `mean_accuracy` gives one figure per architecture.

The table keeps every training run apart, and beside them means where those were published; whoever
averages by hand counts some runs twice.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from brpnas.errors import OracleError, UnknownNameError

__all__ = ["mean_accuracy"]


def mean_accuracy(
    table: pd.DataFrame, dataset: str, split: Literal["valid", "test"] = "test"
) -> pd.Series:
    """Accuracy of each architecture, averaged over training seeds.

    Args:
        table: Accuracy table.
        dataset: Data set of the accuracies.
        split: ``"test"`` to score an answer, ``"valid"`` for what a search may see.

    Returns:
        Mean accuracy as a fraction, indexed by ``arch_id`` and sorted by it: the published mean
        (row without a seed) where there is one, else the mean of the rows with a seed.

    Raises:
        UnknownNameError: If the table has no such data set.
        OracleError: If it has no accuracy on that split.
    """
    of_dataset = table[table["dataset"] == dataset]
    if of_dataset.empty:
        raise UnknownNameError("data set", dataset, table["dataset"].unique().tolist())
    rows = of_dataset[of_dataset["split"] == split]
    if rows.empty:
        raise OracleError(
            f"The accuracy table has no {split} accuracy on {dataset}, only "
            f"{', '.join(of_dataset['split'].unique())}. Choose another split or data set."
        )
    published = rows["seed"].isna()
    means = rows[published].groupby("arch_id")["accuracy"].mean()
    return means.combine_first(rows[~published].groupby("arch_id")["accuracy"].mean()).sort_index()
