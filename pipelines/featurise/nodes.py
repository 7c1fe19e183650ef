"""Nodes of the stage `featurise`: from architectures to dense graphs in all views."""

from __future__ import annotations

import pandas as pd

from brpnas.errors import SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.spaces import get_space

__all__ = ["make_graphs"]


def make_graphs(architectures: pd.DataFrame, space: str) -> SpaceGraphs:
    """Graphs of the architectures of one space, in the order of the table.

    Args:
        architectures: The table of architectures.
        space: Name of the space.

    Raises:
        SchemaError: If the table has no architecture of the space.
        UnknownNameError: If the space is unknown.
    """
    rows = architectures.loc[architectures["space"] == space, "arch_id"]
    if rows.empty:
        present = ", ".join(sorted(set(architectures["space"]))) or "nothing"
        raise SchemaError(
            f"The table `architectures` holds no architecture of the space {space!r}, only "
            f"of {present}: run ingest again, or change `space`."
        )
    return get_space(space).graphs(rows.tolist())
