"""Wiring of the stage `evaluate`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.evaluate.nodes")


def create_pipeline() -> Pipeline:
    """What all earlier stages have written to metrics, plots and the report."""
    return Pipeline(
        [
            node(
                _nodes.make_metrics,
                inputs=["train_metrics", "search_result", "network_evaluation", "search_traces"],
                outputs="metrics",
                name="make_metrics",
            ),
            node(
                _nodes.make_plots,
                inputs=[
                    "latency_predictions",
                    "train_history",
                    "search_traces",
                    "params:evaluate",
                ],
                outputs="plots",
                name="make_plots",
            ),
            node(
                _nodes.make_report,
                inputs=[
                    "accuracy",
                    "oracle_accuracy",
                    "latency_predictions",
                    "train_history",
                    "train_metrics",
                    "search_history",
                    "search_result",
                    "network_evaluation",
                    "search_traces",
                    "ingest_report",
                    "params:evaluate",
                ],
                outputs="report",
                name="make_report",
            ),
        ]
    )
