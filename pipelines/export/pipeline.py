"""Wiring of the stage `export`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.export.nodes")


def create_pipeline() -> Pipeline:
    """From predictors and the found architecture to checked ONNX files with a model card."""
    return Pipeline(
        [
            node(
                _nodes.export_latency,
                inputs=["latency_predictor", "space_graphs", "train_metrics", "params:export"],
                outputs=["latency_onnx", "latency_error"],
                name="export_latency",
            ),
            node(
                _nodes.export_relation,
                inputs=["relation_predictor", "space_graphs", "search_result", "params:export"],
                outputs=["relation_onnx", "relation_error"],
                name="export_relation",
            ),
            node(
                _nodes.export_found_network,
                inputs=[
                    "search_result",
                    "winner_network",
                    "space_graphs",
                    "params:network",
                    "params:export",
                ],
                outputs=["exported_network", "network_error"],
                name="export_found_network",
            ),
            node(
                _nodes.evaluate_network,
                inputs=["exported_network", "winner_network", "params:images"],
                outputs=["network_onnx", "network_evaluation"],
                name="evaluate_network",
            ),
            node(
                _nodes.collect_parity,
                inputs=["latency_error", "relation_error", "network_error", "params:export"],
                outputs="parity",
                name="collect_parity",
            ),
            node(
                _nodes.write_network_card,
                inputs=[
                    "network_onnx",
                    "search_result",
                    "network_evaluation",
                    "train_metrics",
                    "ingest_report",
                ],
                outputs="network_card",
                name="write_network_card",
            ),
            node(
                _nodes.write_latency_card,
                inputs=["latency_onnx", "train_metrics", "search_result", "ingest_report"],
                outputs="latency_card",
                name="write_latency_card",
            ),
            node(
                _nodes.write_relation_card,
                inputs=["relation_onnx", "relation_predictor", "search_result", "ingest_report"],
                outputs="relation_card",
                name="write_relation_card",
            ),
            node(
                _nodes.write_model_card,
                inputs=["network_card", "latency_card", "relation_card"],
                outputs="model_card",
                name="write_model_card",
            ),
        ]
    )
