"""Wiring of the stage `train`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.train.nodes import predict_latency, score_latency, split_latency, train_latency

__all__ = ["create_pipeline"]


def create_pipeline() -> Pipeline:
    """Graphs and the latencies of a device to its predictor, predictions and metrics."""
    return Pipeline(
        [
            node(
                split_latency,
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
                train_latency,
                inputs=[
                    "space_graphs",
                    "latency_rows",
                    "device_prior",
                    "params:device",
                    "params:train",
                    "params:retrain",
                ],
                outputs=["latency_predictor", "train_history"],
                name="train_latency",
            ),
            node(
                predict_latency,
                inputs=["latency_predictor", "space_graphs", "latency_rows", "params:device"],
                outputs="latency_predictions",
                name="predict_latency",
            ),
            node(
                score_latency,
                inputs=[
                    "latency_predictor",
                    "space_graphs",
                    "latency_predictions",
                    "architectures",
                    "operations",
                    "params:train",
                ],
                outputs="train_metrics",
                name="score_latency",
            ),
        ]
    )
