from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
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
from brpnas.measure.runner import IDENTITY, describe
from brpnas.measure.runtimes import OnnxRuntime, TorchEager
from brpnas.spaces import NetworkConfig

described = partial(device_entry, network_size=NetworkConfig().size)
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


def test_a_description_comes_from_the_runner() -> None:
    found = describe("onnxruntime", "CPUExecutionProvider")
    machine = Machine.of(json.loads(json.dumps(found)))
    assert machine.identity() == {name: found[name] for name in IDENTITY}
    assert machine.versions["numpy"] == np.__version__
    with pytest.raises(MeasurementError, match="cores"):
        Machine.of(found | {"cores": "four"})
    with pytest.raises(MeasurementError, match="host"):
        Machine.of({name: found[name] for name in IDENTITY} | {"memory_gb": 1.0})


def test_the_entry_says_the_conditions_and_they_make_no_other_device() -> None:
    busy = replace(XEON, load=3.0, clock_mhz=2400.0, governor="powersave", warnings=("Busy!",))
    entry = described(busy, OnnxRuntime(), batch_size=1, name="mine")
    for part in ("clock 2400 MHz", "governor powersave", "load 3.0", "Busy!", "Energy: no counter"):
        assert part in entry.conditions
    rested = described(XEON, OnnxRuntime(), batch_size=1, name="mine")
    assert "clock unknown" in rested.conditions
    check_name(rested, {"mine": entry})


def test_missing_provider() -> None:
    with pytest.raises(UnknownNameError):
        describe_machine(OnnxRuntime(provider="NoExecutionProvider"))


@pytest.mark.parametrize(
    ("machine", "runtime", "name"),
    [
        (XEON, OnnxRuntime(2), "local-intel-xeon-e5-2680-v4-onnxruntime-fp32-2t"),
        (
            replace(XEON, processor="AMD EPYC 7763 64-Core Processor"),
            OnnxRuntime(precision="int8"),
            "local-amd-epyc-7763-onnxruntime-int8-1t",
        ),
        (
            replace(XEON, gpu="NVIDIA H200"),
            TorchEager(provider="cuda"),
            "local-nvidia-h200-torch-fp32",
        ),
        (replace(XEON, processor="???"), TorchEager(), "local-unknown-torch-fp32-1t"),
    ],
)
def test_derived_names(machine: Machine, runtime: OnnxRuntime | TorchEager, name: str) -> None:
    assert device_name(machine, runtime) == name
    assert described(machine, runtime, batch_size=1).name == name
    board = name.replace("local-", "board-")
    assert described(machine, runtime, batch_size=1, place="board").name == board


def test_entries_come_back_from_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "new" / "devices.yml"
    first = described(XEON, OnnxRuntime(), batch_size=1, notes="Größe: 3 x 32 x 32")
    second = described(XEON, TorchEager(), batch_size=8, name="mine")
    for device in (first, second, first):
        add_device(device, path)
    assert load_devices(path) == {first.name: first, "mine": second}
    assert get_device("mine", load_devices(path)).executes_dead_ops
    assert "4 cores, 16 GB, Debian 12 x86_64" in first.hardware


def test_another_device_of_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "devices.yml"
    add_device(described(XEON, OnnxRuntime(), batch_size=1, name="mine"), path)
    before = path.read_bytes()
    other = described(replace(XEON, cores=8), OnnxRuntime(), batch_size=1, name="mine")
    with pytest.raises(MeasurementError, match=r"'mine'.*hardware: .*4 cores.*8 cores"):
        add_device(other, path)
    with pytest.raises(MeasurementError, match="another name"):
        check_name(other, load_devices(path))
    assert path.read_bytes() == before


def test_memory_makes_no_other_device() -> None:
    entry = described(XEON, OnnxRuntime(), batch_size=1, name="mine")
    more = described(replace(XEON, memory_gb=33.0), OnnxRuntime(), batch_size=1, name="mine")
    assert entry != more
    check_name(more, {"mine": entry})


def test_impossible_name() -> None:
    with pytest.raises(ConfigurationError, match="'my device'"):
        described(XEON, OnnxRuntime(), batch_size=1, name="my device")


def _add_some(path: Path, first: int, barrier: Barrier) -> None:
    for number in range(first, first + 4):
        barrier.wait()
        add_device(described(XEON, OnnxRuntime(), batch_size=1, name=f"d{number}"), path)


def test_devices_added_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    context, path = multiprocessing.get_context("fork"), tmp_path / "devices.yml"
    barrier = context.Barrier(3)
    processes = [
        context.Process(target=_add_some, args=(path, first, barrier)) for first in (0, 4, 8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert set(load_devices(path)) == {f"d{number}" for number in range(12)}
