"""Wiring of the stage `train`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.train.nodes")


def create_pipeline() -> Pipeline:
    """From graphs and the latencies of a device to its predictor, predictions and metrics."""
    return Pipeline(
        [
            node(
                _nodes.split_latency,
                inputs=[
                    "latency",
                    "device_prior",
                    "params:space",
                    "params:device",
                    "params:test_share",
                    "params:train",
                ],
                outputs="latency_rows",
                name="split_latency",
            ),
            node(
                _nodes.train_latency,
                inputs=[
                    "space_graphs",
                    "latency_rows",
                    "device_prior",
                    "params:device",
                    "params:train",
                    "params:adaptation",
                ],
                outputs=["latency_predictor", "train_history"],
                name="train_latency",
            ),
            node(
                _nodes.predict_latency,
                inputs=["latency_predictor", "space_graphs", "latency_rows", "params:device"],
                outputs="latency_predictions",
                name="predict_latency",
            ),
            node(
                _nodes.predict_baselines,
                inputs=["space_graphs", "latency_predictions", "architectures", "operations"],
                outputs="baseline_predictions",
                name="predict_baselines",
            ),
            node(
                _nodes.score_latency,
                inputs=[
                    "latency_predictor",
                    "space_graphs",
                    "latency_predictions",
                    "baseline_predictions",
                    "params:train",
                    "device_prior",
                ],
                outputs="train_metrics",
                name="score_latency",
            ),
        ]
    )
