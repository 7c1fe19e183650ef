"""Wiring of the stage `evaluate`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.evaluate.nodes")
_space = functions_of("pipelines.evaluate.space")


def create_pipeline() -> Pipeline:
    """From the outputs of all earlier stages to metrics, plots and the report."""
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
                    "predictions",
                    "train_history",
                    "search_traces",
                    "params:evaluate",
                ],
                outputs="plots",
                name="make_plots",
            ),
            node(
                _space.map_space,
                inputs=[
                    "accuracy",
                    "oracle_accuracy",
                    "predictions",
                    "search_history",
                    "search_result",
                ],
                outputs="report_space",
                name="map_space",
            ),
            node(
                _nodes.report_predictor,
                inputs=["predictions", "train_history", "train_metrics"],
                outputs="report_predictor",
                name="report_predictor",
            ),
            node(
                _nodes.report_search,
                inputs=[
                    "search_history",
                    "search_result",
                    "network_evaluation",
                    "search_traces",
                    "front",
                ],
                outputs="report_search",
                name="report_search",
            ),
            node(
                _nodes.report_protocol,
                inputs=["train_metrics", "search_result", "ingest_report"],
                outputs="report_protocol",
                name="report_protocol",
            ),
            node(
                _nodes.make_report,
                inputs=[
                    "report_space",
                    "report_predictor",
                    "report_search",
                    "report_protocol",
                    "params:evaluate",
                ],
                outputs="report",
                name="make_report",
            ),
        ]
    )
