from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from brpnas.devices import get_device, load_devices
from brpnas.errors import ConfigurationError, MeasurementError, UnknownNameError
from brpnas.measure.hardware import (
    Machine,
    add_device,
    check_name,
    describe_machine,
    device_entry,
    device_name,
)
from brpnas.measure.runtimes import OnnxRuntime, TorchEager

XEON = Machine(
    "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 4, 16.5, "Debian 12 x86_64", None, "torch 2", "a"
)


def test_this_machine() -> None:
    machine = describe_machine(OnnxRuntime())
    assert machine.processor
    assert machine.cores == len(os.sched_getaffinity(0))
    assert machine.memory_gb > 0.1
    assert machine.gpu is None
    assert machine.software.startswith("ONNX Runtime ")
    assert "host" not in machine.identity()


def test_missing_provider() -> None:
    with pytest.raises(UnknownNameError):
        describe_machine(OnnxRuntime(provider="NoExecutionProvider"))


@pytest.mark.parametrize(
    ("machine", "runtime", "name"),
    [
        (XEON, OnnxRuntime(2), "local-intel-xeon-e5-2680-v4-onnxruntime-fp32-2t"),
        (
            replace(XEON, processor="AMD EPYC 7763 64-Core Processor"),
            OnnxRuntime(quantised=True),
            "local-amd-epyc-7763-onnxruntime-int8-1t",
        ),
        (
            replace(XEON, gpu="NVIDIA H200"),
            TorchEager(device="cuda"),
            "local-nvidia-h200-torch-fp32",
        ),
        (replace(XEON, processor="???"), TorchEager(), "local-unknown-torch-fp32-1t"),
    ],
)
def test_derived_names(machine: Machine, runtime: OnnxRuntime | TorchEager, name: str) -> None:
    assert device_name(machine, runtime) == name
    assert device_entry(machine, runtime, batch_size=1).name == name


def test_entries_come_back_from_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "new" / "devices.yml"
    first = device_entry(XEON, OnnxRuntime(), batch_size=1, notes="Größe: 3 x 32 x 32")
    second = device_entry(XEON, TorchEager(), batch_size=8, name="mine")
    for device in (first, second, first):
        add_device(device, path)
    assert load_devices(path) == {first.name: first, "mine": second}
    assert get_device("mine", load_devices(path)).executes_dead_ops
    assert "4 cores, 16 GB, Debian 12 x86_64" in first.hardware


def test_another_device_of_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "devices.yml"
    add_device(device_entry(XEON, OnnxRuntime(), batch_size=1, name="mine"), path)
    before = path.read_bytes()
    other = device_entry(replace(XEON, cores=8), OnnxRuntime(), batch_size=1, name="mine")
    with pytest.raises(MeasurementError, match=r"'mine'.*hardware: .*4 cores.*8 cores"):
        add_device(other, path)
    with pytest.raises(MeasurementError, match="another name"):
        check_name(other, load_devices(path))
    assert path.read_bytes() == before


def test_impossible_name() -> None:
    with pytest.raises(ConfigurationError, match="'my device'"):
        device_entry(XEON, OnnxRuntime(), batch_size=1, name="my device")
