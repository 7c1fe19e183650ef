"""Wiring of the stage `train`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.train.nodes")


def create_pipeline() -> Pipeline:
    """From graphs and tables of devices to predictors, predictions and their figures."""
    return Pipeline(
        [
            node(
                _nodes.choose_targets,
                inputs=[
                    "latency",
                    "params:space",
                    "params:device",
                    "params:constraints",
                    "params:objectives",
                ],
                outputs="train_targets",
                name="choose_targets",
            ),
            node(
                _nodes.split_rows,
                inputs=[
                    "train_targets",
                    "latency",
                    "device_prior",
                    "params:test_share",
                    "params:train",
                ],
                outputs="measured_rows",
                name="split_rows",
            ),
            node(
                _nodes.train_predictors,
                inputs=[
                    "space_graphs",
                    "measured_rows",
                    "device_prior",
                    "params:train",
                    "params:adaptation",
                ],
                outputs=["predictors", "train_history"],
                name="train_predictors",
            ),
            node(
                _nodes.predict_metrics,
                inputs=["predictors", "space_graphs", "measured_rows"],
                outputs="predictions",
                name="predict_metrics",
            ),
            node(
                _nodes.predict_baselines,
                inputs=["space_graphs", "predictions", "architectures", "operations"],
                outputs="baseline_predictions",
                name="predict_baselines",
            ),
            node(
                _nodes.score_predictors,
                inputs=[
                    "predictors",
                    "space_graphs",
                    "predictions",
                    "baseline_predictions",
                    "params:train",
                    "device_prior",
                ],
                outputs="train_metrics",
                name="score_predictors",
            ),
        ]
    )
