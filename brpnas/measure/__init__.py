"""Latency measured on the user's device.

`measure_cells` converts the networks of cells for a runtime (`get_runtime`), times them on a target
(`open_target`) by the protocol of LatBench, and stores each row at once. `measure_device` also
describes the machine for a catalogue of devices. `make_kit` and `read_kit` serve a device that is
reached by hand. `select_cells` chooses the cells.
`measure_operations` measures single operations for the layer-wise baseline
(`brpnas.predictors.layerwise`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.measure.cells import MeasureResult, measure_cells, not_believed, probe
    from brpnas.measure.deployed import DeployedNetwork, deploy
    from brpnas.measure.device import (
        check_table,
        describe_device,
        measure_device,
        measure_report,
        summary,
    )
    from brpnas.measure.drift import REFERENCE, Drift
    from brpnas.measure.hardware import (
        Machine,
        add_device,
        check_name,
        describe_machine,
        device_entry,
        device_name,
    )
    from brpnas.measure.kit import make_kit, read_kit
    from brpnas.measure.networks import export_cells
    from brpnas.measure.operations import measure_operations
    from brpnas.measure.protocol import Protocol, Timing
    from brpnas.measure.runtimes import OnnxRuntime, Runtime, TorchEager, get_runtime, runtime_of
    from brpnas.measure.setup import MeasureSettings
    from brpnas.measure.single import time_artifact, time_cell, time_cells, time_module
    from brpnas.measure.store import MeasureStore
    from brpnas.measure.targets import (
        ClusterTarget,
        Command,
        CommandTarget,
        LocalTarget,
        SshTarget,
        Target,
        check_target,
        open_target,
    )
    from brpnas.spaces.select import read_cells, select_cells

__all__ = [
    "REFERENCE",
    "ClusterTarget",
    "Command",
    "CommandTarget",
    "DeployedNetwork",
    "Drift",
    "LocalTarget",
    "Machine",
    "MeasureResult",
    "MeasureSettings",
    "MeasureStore",
    "OnnxRuntime",
    "Protocol",
    "Runtime",
    "SshTarget",
    "Target",
    "Timing",
    "TorchEager",
    "add_device",
    "check_name",
    "check_table",
    "check_target",
    "deploy",
    "describe_device",
    "describe_machine",
    "device_entry",
    "device_name",
    "export_cells",
    "get_runtime",
    "make_kit",
    "measure_cells",
    "measure_device",
    "measure_operations",
    "measure_report",
    "not_believed",
    "open_target",
    "probe",
    "read_cells",
    "read_kit",
    "runtime_of",
    "select_cells",
    "summary",
    "time_artifact",
    "time_cell",
    "time_cells",
    "time_module",
]

__getattr__, __dir__ = front_door(__name__, __file__)
