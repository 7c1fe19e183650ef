"""Wiring of the stage `featurise`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.featurise.nodes import make_graphs

__all__ = ["create_pipeline"]


def create_pipeline() -> Pipeline:
    """The table `architectures` to the graphs of the whole space."""
    return Pipeline(
        [
            node(
                make_graphs,
                inputs=["architectures", "params:space"],
                outputs="space_graphs",
                name="make_graphs",
            )
        ]
    )
