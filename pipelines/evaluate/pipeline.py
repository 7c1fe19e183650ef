"""Wiring of the stage `evaluate`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.evaluate.nodes import make_metrics, make_plots, make_report

__all__ = ["create_pipeline"]


def create_pipeline() -> Pipeline:
    """What all earlier stages have written to metrics, plots and the report."""
    return Pipeline(
        [
            node(
                make_metrics,
                inputs=["train_metrics", "search_result", "network_evaluation", "search_traces"],
                outputs="metrics",
                name="make_metrics",
            ),
            node(
                make_plots,
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
                make_report,
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
