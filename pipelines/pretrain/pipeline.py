"""Wiring of the stage `pretrain`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.pretrain.nodes")


def create_pipeline() -> Pipeline:
    """From graphs and the latencies of all devices to a prior of devices."""
    return Pipeline(
        [
            node(
                _nodes.learn_prior,
                inputs=["space_graphs", "latency", "params:test_share", "params:pretrain"],
                outputs="device_prior",
                name="learn_prior",
            ),
        ]
    )
