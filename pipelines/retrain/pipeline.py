"""Wiring of the stage `retrain`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_challenger = functions_of("pipelines.retrain.challenger")
_nodes = functions_of("pipelines.retrain.nodes")
_sizes = functions_of("pipelines.sizes")

_PARAMS = "params:retrain"


def create_pipeline() -> Pipeline:
    """From the table of a device to a registered predictor and a report."""
    return Pipeline(
        [
            node(
                _nodes.read_device,
                inputs=[
                    "device_files",
                    "measured_latency",
                    "params:device",
                    "params:space",
                    _PARAMS,
                ],
                outputs="device_file",
                name="read_device",
            ),
            node(
                _sizes.with_latency_size,
                inputs=["device_file", "params:device", "measured_devices", "params:space"],
                outputs="device_table",
                name="state_size",
            ),
            node(
                _nodes.split_device,
                inputs=["device_table", "params:device", "params:test_share", _PARAMS],
                outputs="device_rows",
                name="split_device",
            ),
            node(
                _nodes.adapt_device,
                inputs=["device_rows", "device_prior", "params:device", "params:adaptation"],
                outputs="adapted_device",
                name="adapt_device",
            ),
            node(
                _nodes.export_device,
                inputs=["adapted_device", _PARAMS],
                outputs="exported_device",
                name="export_device",
            ),
            node(
                _nodes.answer_rows,
                inputs=["adapted_device", "device_rows"],
                outputs="device_answers",
                name="answer_rows",
            ),
            node(
                _challenger.judge_device,
                inputs=["adapted_device", "device_rows", "device_answers"],
                outputs="device_report",
                name="judge_device",
            ),
            node(
                _challenger.write_card,
                inputs=["exported_device", "device_report", "device_rows"],
                outputs="device_card",
                name="write_card",
            ),
            node(
                _challenger.write_files,
                inputs=["exported_device", "device_card", "device_report", "device_rows"],
                outputs=["device_models", "device_pages"],
                name="write_files",
            ),
            node(
                _challenger.register_device,
                inputs=[
                    "exported_device",
                    "device_card",
                    "device_report",
                    "device_rows",
                    "device_pages",
                ],
                outputs="retrain_report",
                name="register_device",
            ),
        ]
    )
