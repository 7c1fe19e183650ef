"""Tables of ``dvc plots``, for the CSV files listed under plots in dvc.yaml.

Values keep the tables' units: latencies in milliseconds, accuracies as fractions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from brpnas.report.plots.traces import known_curves, spread

__all__ = ["predicted_vs_measured", "search_curves", "training_curve"]


def predicted_vs_measured(
    predictions: pd.DataFrame, limit: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Sample of the test rows, for a scatter plot.

    Args:
        predictions: ``arch_id``, ``split``, ``latency_ms``, ``predicted_latency_ms``.
        limit: Largest number of rows.
        seed: Seed of the sample.

    Returns:
        ``measured_ms``, ``predicted_ms``, sorted by the first.
    """
    test = predictions[predictions["split"] == "test"]
    test = test.dropna(subset=["latency_ms", "predicted_latency_ms"])
    if len(test) > limit:
        rng = np.random.default_rng(seed)
        test = test.iloc[rng.choice(len(test), size=limit, replace=False)]
    names = {"latency_ms": "measured_ms", "predicted_latency_ms": "predicted_ms"}
    return (
        test[list(names)].rename(columns=names).sort_values(list(names.values()), ignore_index=True)
    )


def search_curves(traces: pd.DataFrame) -> pd.DataFrame:
    """Search curves over seeds, one row per sampler and number of queries.

    Args:
        traces: As `brpnas.report.ReportData.traces`.

    Returns:
        ``sampler``, ``queries`` (spent, from 1), ``seeds``, and mean and quartiles over seeds of
        each known curve: ``chosen_test``, ``chosen_test_q25``, ``chosen_test_q75``... Without test
        accuracies only ``best_valid``; without answers no row.
    """
    table: pd.DataFrame | None = None
    for column in known_curves(traces):
        curve = spread(traces, column).rename(
            columns={"mean": column, "q25": f"{column}_q25", "q75": f"{column}_q75"}
        )
        if table is None:
            table = curve[["sampler", "queries", "seeds", *curve.columns[2:5]]]
        else:
            table = table.merge(curve.drop(columns="seeds"), on=["sampler", "queries"], how="left")
    return pd.DataFrame(columns=["sampler", "queries", "seeds"]) if table is None else table


def training_curve(training: pd.DataFrame) -> pd.DataFrame:
    """Mean losses over the members of the ensemble.

    Args:
        training: ``member``, ``epoch``, ``train_loss``, ``valid_loss``.

    Returns:
        ``epoch``, ``train_loss``, ``valid_loss``.
    """
    return training.groupby("epoch", as_index=False)[["train_loss", "valid_loss"]].mean()
