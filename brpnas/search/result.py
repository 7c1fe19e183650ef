"""The result of a search: its history and the chosen architecture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brpnas.errors import OracleError
from brpnas.search.history import History

__all__ = ["SearchResult", "chosen", "leaderboard"]


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Outcome of `run_search`.

    Attributes:
        records: All queries in order, for samplers and `fit_ranker`.
        history: The queries as a table, with the predicted metrics (see `History.to_frame`).
        measurements: Measurements: ``round, arch_id, within, message``, the measured metrics
            (``latency_ms``, ...) and the predicted ones; empty without a filter.
    """

    records: History
    history: pd.DataFrame
    measurements: pd.DataFrame

    @property
    def chosen(self) -> str:
        """The chosen architecture, see `chosen`."""
        return chosen(self.history)


def leaderboard(history: pd.DataFrame) -> pd.DataFrame:
    """Answered feasible architectures, best first.

    Args:
        history: Table of a search (`History.to_frame`).

    Returns:
        Columns ``arch_id, accuracy`` (mean over its answers, fraction), ``answers`` (their number)
        and ``first_query``. The order is by the estimates of the sampler, or by accuracy without
        estimates. Ties are ordered by predicted latency, if known, then by ``arch_id``.
    """
    answered = history[history["status"] == "ok"]
    if "feasible" in answered:
        answered = answered[answered["feasible"]]
    if "predicted_latency_ms" not in answered:
        answered = answered.assign(predicted_latency_ms=0.0)
    if "estimate" not in answered:
        answered = answered.assign(estimate=np.nan)
    table = answered.groupby("arch_id", as_index=False).agg(
        accuracy=("accuracy", "mean"),
        answers=("accuracy", "size"),
        first_query=("query", "min"),
        estimate=("estimate", "first"),
        latency=("predicted_latency_ms", "first"),
    )
    order = ["estimate", "accuracy", "latency", "arch_id"]
    table = table.sort_values(order, ascending=[False, False, True, True])
    return table.drop(columns=["estimate", "latency"]).reset_index(drop=True)


def chosen(history: pd.DataFrame) -> str:
    """The final choice of the sampler (``leader`` of the last query), else the best of all.

    Raises:
        OracleError: If no feasible architecture has an answer. Without any answer, the error
            quotes the first failure.
    """
    table = leaderboard(history)
    if table.empty and (history["status"] == "ok").any():
        raise OracleError(
            f"None of the {len(history)} queries that was answered satisfies the constraints, so "
            "there is nothing to choose from: raise the budget."
        )
    if table.empty:
        reasons = [str(message) for message in history["message"]]
        raise OracleError(
            f"None of the {len(history)} queries was answered, so there is nothing to choose from."
            + (f" The first failed with: {reasons[0]}" if reasons else "")
        )
    leader = history["leader"].iloc[-1] if "leader" in history else None
    return leader if isinstance(leader, str) else str(table["arch_id"].iloc[0])
