"""Wiring of the stage `search`. It runs alone on the outputs of `featurise` and `train`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.search.nodes")

_SETTINGS = ["space", "dataset", "constraints", "search", "network", "images"]


def create_pipeline() -> Pipeline:
    """Set up, search, summarise, compare."""
    return Pipeline(
        [
            node(
                _nodes.read_settings,
                inputs=[f"params:{name}" for name in _SETTINGS],
                outputs="search_parameters",
                name="read_search_settings",
            ),
            node(
                _nodes.read_objectives,
                inputs=["search_parameters", "params:objectives", "predictions"],
                outputs="search_settings",
                name="read_objectives",
            ),
            node(
                _nodes.set_up_limits,
                inputs=["search_settings", "space_graphs", "architectures", "predictions"],
                outputs=["search_limits", "search_candidates"],
                name="set_up_limits",
            ),
            node(
                _nodes.set_up_pool,
                inputs=[
                    "search_settings",
                    "search_limits",
                    "search_candidates",
                    "space_graphs",
                    "accuracy",
                    "predictors",
                ],
                outputs="candidate_pool",
                name="set_up_pool",
            ),
            node(
                _nodes.set_up_oracle,
                inputs=[
                    "search_settings",
                    "params:network_training",
                    "accuracy",
                    "published_nasbench301",
                    "search_store",
                    "answers_by_hand",
                ],
                outputs="search_oracle",
                name="set_up_oracle",
            ),
            node(
                _nodes.set_up_measuring,
                inputs=[
                    "search_settings",
                    "search_limits",
                    "predictions",
                    "measured_devices",
                    "params:timing",
                ],
                outputs="search_measuring",
                name="set_up_measuring",
            ),
            node(
                _nodes.search_architecture,
                inputs=[
                    "search_settings",
                    "candidate_pool",
                    "search_oracle",
                    "search_measuring",
                    "search_store",
                ],
                outputs=[
                    "search_history",
                    "search_measurements",
                    "ranker",
                    "oracle_accuracy",
                    "winner_network",
                    "front",
                ],
                name="search_architecture",
            ),
            node(
                _nodes.found_latencies,
                inputs=["search_settings", "search_history", "search_measuring", "accuracy"],
                outputs="found_latencies",
                name="found_latencies",
            ),
            node(
                _nodes.score_held_out,
                inputs=[
                    "search_settings",
                    "search_limits",
                    "search_candidates",
                    "candidate_pool",
                    "accuracy",
                    "oracle_accuracy",
                ],
                outputs="search_scores",
                name="score_held_out",
            ),
            node(
                _nodes.summarise_search,
                inputs=[
                    "search_settings",
                    "search_limits",
                    "search_history",
                    "search_measurements",
                    "search_scores",
                    "found_latencies",
                ],
                outputs="search_result",
                name="summarise_search",
            ),
            node(
                _nodes.compare_samplers,
                inputs=[
                    "search_settings",
                    "candidate_pool",
                    "search_oracle",
                    "search_measuring",
                    "search_history",
                    "search_scores",
                ],
                outputs="search_traces",
                name="compare_samplers",
            ),
        ]
    )
