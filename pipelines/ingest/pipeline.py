"""Wiring of the stage `ingest`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.ingest.nodes")


def create_pipeline() -> Pipeline:
    """Benchmarks to the tables `architectures`, `accuracy`, `latency` and `operations`."""
    return Pipeline(
        [
            node(
                _nodes.read_settings,
                inputs=[
                    "params:space",
                    "params:network",
                    "params:ingest",
                    "params:retrain.least_rows",
                    "params:retrain.unit_check",
                ],
                outputs="ingest_settings",
                name="read_ingest_settings",
            ),
            node(
                _nodes.open_own_tables,
                inputs=[
                    "ingest_settings",
                    "device_files",
                    "trained_accuracy",
                    "measured_latency",
                    "measured_operations",
                    "measured_devices",
                ],
                outputs="own_tables",
                name="open_own_tables",
            ),
            node(
                _nodes.make_architectures,
                inputs=[
                    "ingest_settings",
                    "own_tables",
                    "published_nasbench101",
                    "published_fbnet",
                ],
                outputs="architectures",
                name="make_architectures",
            ),
            node(
                _nodes.make_accuracy,
                inputs=[
                    "ingest_settings",
                    "own_tables",
                    "architectures",
                    "published_nasbench201",
                    "published_nasbench101",
                ],
                outputs="accuracy",
                name="make_accuracy",
            ),
            node(
                _nodes.make_latency,
                inputs=[
                    "ingest_settings",
                    "own_tables",
                    "architectures",
                    "published_latbench",
                    "published_help",
                    "published_fbnet",
                ],
                outputs="latency",
                name="make_latency",
            ),
            node(
                _nodes.make_operations,
                inputs=["ingest_settings", "own_tables"],
                outputs="operations",
                name="make_operations",
            ),
            node(
                _nodes.report_ingest,
                inputs=["ingest_settings", "own_tables", "architectures", "accuracy", "latency"],
                outputs="ingest_report",
                name="report_ingest",
            ),
        ]
    )
