"""Wiring of the stage `measure`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.measure.nodes")


def create_pipeline() -> Pipeline:
    """From parameters to the latency tables of a device, its entry and a report."""
    return Pipeline(
        [
            node(
                _nodes.set_up_timing,
                inputs=["params:space", "params:network", "params:timing"],
                outputs="measure_timing",
                name="set_up_timing",
            ),
            node(
                _nodes.measure_latency,
                inputs=[
                    "measure_store",
                    "known_devices",
                    "known_latency",
                    "measure_timing",
                    "params:measure",
                ],
                outputs=[
                    "measured_latency",
                    "measured_operations",
                    "measured_devices",
                    "measure_report",
                ],
                name="measure_latency",
            ),
        ]
    )
