"""Sizes of the networks whose accuracies a search looks up."""

from __future__ import annotations

import pandas as pd

from brpnas.spaces import get_space
from pipelines.config import OracleConfig

__all__ = ["answering_sizes"]


def answering_sizes(
    oracle: OracleConfig, accuracy: pd.DataFrame, dataset: str, space: str
) -> list[str]:
    """Sizes of the networks with the answered accuracies, if known.

    Empty if the oracle trains: its networks have the size of the search.
    """
    if oracle.name == "surrogate":
        return [get_space(space).published.size]
    if oracle.name != "table":
        return []
    rows = accuracy[accuracy["dataset"] == dataset]
    if "network_size" not in rows:
        return []
    return [str(size) for size in rows["network_size"].dropna().unique()]
