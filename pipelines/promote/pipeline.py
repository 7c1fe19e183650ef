"""Wiring of the stage `promote`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.promote.nodes")


def create_pipeline() -> Pipeline:
    """From exported predictors to registered challengers and decisions about them."""
    return Pipeline(
        [
            node(
                _nodes.register_predictors,
                inputs=[
                    "predictors_onnx",
                    "predictions",
                    "parity",
                    "model_card",
                    "params:test_share",
                ],
                outputs="registered_predictors",
                name="register_predictors",
            ),
            node(
                _nodes.score_test_cells,
                inputs=[
                    "ranker",
                    "space_graphs",
                    "accuracy",
                    "search_result",
                    "params:test_share",
                ],
                outputs="accuracy_answers",
                name="score_test_cells",
            ),
            node(
                _nodes.register_accuracy,
                inputs=[
                    "ranker_onnx",
                    "accuracy_answers",
                    "search_result",
                    "parity",
                    "model_card",
                ],
                outputs="registered_accuracy",
                name="register_accuracy",
            ),
            node(
                _nodes.decide_champions,
                inputs=["registered_predictors", "registered_accuracy", "params:promote"],
                outputs="promotion_report",
                name="decide_champions",
            ),
        ]
    )
