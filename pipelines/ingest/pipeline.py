"""Wiring of the stage `ingest`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_brought = functions_of("pipelines.ingest.brought")
_nodes = functions_of("pipelines.ingest.nodes")


def create_pipeline() -> Pipeline:
    """Benchmarks to the tables `architectures`, `accuracy`, `latency` and `operations`."""
    return Pipeline(
        [
            node(
                _brought.accept_files,
                inputs=[
                    "device_files",
                    "params:space",
                    "params:ingest",
                    "params:retrain.least_rows",
                    "params:retrain.unit_check",
                ],
                outputs="brought_files",
                name="accept_files",
            ),
            node(
                _nodes.make_architectures,
                inputs=[
                    "published_nasbench101",
                    "trained_accuracy",
                    "measured_latency",
                    "brought_files",
                    "params:space",
                    "params:network",
                    "params:ingest",
                ],
                outputs="architectures",
                name="make_architectures",
            ),
            node(
                _nodes.make_accuracy,
                inputs=[
                    "architectures",
                    "published_nasbench201",
                    "published_nasbench101",
                    "trained_accuracy",
                    "params:ingest",
                ],
                outputs="accuracy",
                name="make_accuracy",
            ),
            node(
                _nodes.make_latency,
                inputs=[
                    "architectures",
                    "published_latbench",
                    "published_help",
                    "measured_latency",
                    "measured_devices",
                    "brought_files",
                    "params:space",
                    "params:ingest",
                ],
                outputs="latency",
                name="make_latency",
            ),
            node(
                _nodes.make_operations,
                inputs=["measured_operations", "params:ingest"],
                outputs="operations",
                name="make_operations",
            ),
            node(
                _nodes.report_ingest,
                inputs=[
                    "architectures",
                    "accuracy",
                    "latency",
                    "trained_accuracy",
                    "measured_devices",
                    "brought_files",
                    "params:ingest",
                ],
                outputs="ingest_report",
                name="report_ingest",
            ),
        ]
    )
