"""Wiring of the stage `featurise`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.featurise.nodes")


def create_pipeline() -> Pipeline:
    """From the table `architectures` to the graphs of the whole space."""
    return Pipeline(
        [
            node(
                _nodes.make_graphs,
                inputs=["architectures", "params:space"],
                outputs="space_graphs",
                name="make_graphs",
            )
        ]
    )
