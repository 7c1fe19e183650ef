"""Wiring of the stage `search`. It runs alone on what `featurise` and `train` have written."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.search.nodes")

_TABLES = ["architectures", "accuracy", "latency_predictions"]
_TASK = ["space_graphs", *_TABLES, "latency_predictor", "published_nasbench301"]
_PARAMS = ["params:space", "params:dataset", "params:constraints", "params:search"]


def create_pipeline() -> Pipeline:
    """Graphs, predictions and an oracle to the queries, the choice, and a comparison."""
    return Pipeline(
        [
            node(
                _nodes.search_architecture,
                inputs=[
                    *_TASK,
                    "search_store",
                    "answers_by_hand",
                    "measured_device",
                    *_PARAMS,
                    "params:network",
                    "params:images",
                    "params:train_candidates",
                    "params:measure",
                ],
                outputs=[
                    "search_history",
                    "search_measurements",
                    "relation_predictor",
                    "oracle_accuracy",
                    "winner_network",
                ],
                name="search_architecture",
            ),
            node(
                _nodes.summarise_search,
                inputs=[
                    *_TABLES,
                    "search_history",
                    "search_measurements",
                    "oracle_accuracy",
                    "winner_network",
                    "measured_device",
                    *_PARAMS,
                    "params:network",
                    "params:measure",
                    "params:export",
                ],
                outputs="search_result",
                name="summarise_search",
            ),
            node(
                _nodes.compare_samplers,
                inputs=[*_TASK, "search_history", "oracle_accuracy", *_PARAMS, "params:network"],
                outputs="search_traces",
                name="compare_samplers",
            ),
        ]
    )
