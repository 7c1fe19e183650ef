"""Wiring of the stage `export`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.export.nodes")
_member = functions_of("pipelines.export.member")


def create_pipeline() -> Pipeline:
    """From predictors and the found architecture to checked files with a model card."""
    return Pipeline(
        [
            node(
                _member.exported_architecture,
                inputs=["search_result", "params:export"],
                outputs="exported_architecture",
                name="exported_architecture",
            ),
            node(
                _member.trained_network,
                inputs=[
                    "exported_architecture",
                    "winner_network",
                    "search_store",
                    "params:network_training",
                    "params:images",
                    "params:network",
                ],
                outputs="trained_network",
                name="trained_network",
            ),
            node(
                _nodes.set_up_deployment,
                inputs=[
                    "exported_architecture",
                    "measured_devices",
                    "params:network",
                    "params:timing",
                    "params:export",
                    "params:images",
                ],
                outputs="deployment",
                name="set_up_deployment",
            ),
            node(
                _nodes.export_predictors,
                inputs=["predictors", "space_graphs", "params:export"],
                outputs=["predictors_onnx", "predictor_errors"],
                name="export_predictors",
            ),
            node(
                _nodes.export_ranker,
                inputs=["ranker", "space_graphs", "search_result", "params:export"],
                outputs=["ranker_onnx", "ranker_error"],
                name="export_ranker",
            ),
            node(
                _nodes.export_found_network,
                inputs=[
                    "exported_architecture",
                    "trained_network",
                    "space_graphs",
                    "params:network",
                    "params:export",
                ],
                outputs=["exported_network", "network_error"],
                name="export_found_network",
            ),
            node(
                _nodes.deploy_network,
                inputs=[
                    "deployment",
                    "exported_architecture",
                    "exported_network",
                    "trained_network",
                ],
                outputs=["network_onnx", "deployed_network", "network_evaluation"],
                name="deploy_network",
            ),
            node(
                _nodes.collect_parity,
                inputs=["predictor_errors", "ranker_error", "network_error", "params:export"],
                outputs="parity",
                name="collect_parity",
            ),
            node(
                _nodes.write_network_card,
                inputs=[
                    "network_onnx",
                    "exported_architecture",
                    "network_evaluation",
                    "train_metrics",
                    "ingest_report",
                ],
                outputs="network_card",
                name="write_network_card",
            ),
            node(
                _nodes.write_predictor_cards,
                inputs=["predictors_onnx", "train_metrics", "search_result", "ingest_report"],
                outputs="predictor_cards",
                name="write_predictor_cards",
            ),
            node(
                _nodes.write_ranker_card,
                inputs=["ranker_onnx", "ranker", "search_result", "ingest_report"],
                outputs="ranker_card",
                name="write_ranker_card",
            ),
            node(
                _nodes.write_model_card,
                inputs=["network_card", "predictor_cards", "ranker_card"],
                outputs="model_card",
                name="write_model_card",
            ),
        ]
    )
