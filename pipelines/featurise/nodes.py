"""Nodes of the stage `featurise`: from architectures to dense graphs in both views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from brpnas.errors import SchemaError
from brpnas.graphs import VIEWS, SpaceGraphs
from brpnas.spaces import get_space
from pipelines.config import FeaturiseConfig, parse

__all__ = ["make_graphs"]


def make_graphs(architectures: pd.DataFrame, params: Mapping[str, Any]) -> SpaceGraphs:
    """Graphs of the architectures of one space, in the order of the table.

    Raises:
        SchemaError: If the table holds no architecture of that space.
    """
    config = parse(FeaturiseConfig, params)
    rows = architectures.loc[architectures["space"] == config.space, "arch_id"]
    if rows.empty:
        present = ", ".join(sorted(set(architectures["space"]))) or "nothing"
        raise SchemaError(
            f"The table `architectures` holds no architecture of the space {config.space!r}, only "
            f"of {present}: run ingest again, or change featurise.space in "
            "conf/base/parameters_featurise.yml."
        )
    space = get_space(config.space)
    arch_ids = tuple(rows)
    views = {view: space.encode(arch_ids, view) for view in VIEWS}
    return SpaceGraphs(config.space, arch_ids, views)
