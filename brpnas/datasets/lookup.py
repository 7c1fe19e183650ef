"""`mean_accuracy`: one accuracy per architecture from an accuracy table.

The table holds single training runs beside published means; a plain average counts some runs twice.
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
        split: ``"test"`` for the score of an answer, ``"valid"`` for the view of a search.

    Returns:
        Mean accuracy as a fraction, indexed and sorted by ``arch_id``: the published mean (a row
        without a seed) or, without one, the mean of the rows with a seed.

    Raises:
        UnknownNameError: If the data set is not in the table.
        OracleError: If the split is not in the table.
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
