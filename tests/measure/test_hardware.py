from __future__ import annotations

import multiprocessing
import os
import platform
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from brpnas.devices import get_device, load_devices
from brpnas.errors import ConfigurationError, MeasurementError, UnknownNameError
from brpnas.measure import hardware
from brpnas.measure.hardware import (
    Machine,
    add_device,
    check_name,
    describe_machine,
    device_entry,
    device_name,
)
from brpnas.measure.runner import SOFTWARE
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


@pytest.mark.parametrize(
    ("cpuinfo", "board", "processor"),
    [
        ("model name\t: AMD EPYC\nmodel name\t: AMD EPYC\n", None, "AMD EPYC"),
        ("processor\t: 0\nModel\t\t: Raspberry Pi 4\n", "other", "Raspberry Pi 4"),
        ("processor\t: 0\n", "NVIDIA Jetson Nano\0", "NVIDIA Jetson Nano"),
        (
            "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n" * 2,
            None,
            f"{platform.machine()} implementer 0x41 part 0xd0c",
        ),
        ("", None, platform.machine()),
    ],
)
def test_processors_of_several_kinds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cpuinfo: str,
    board: str | None,
    processor: str,
) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    if board is not None:
        (tmp_path / "model").write_text(board)
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware, "_BOARD", tmp_path / "model")
    monkeypatch.setattr(hardware.shutil, "which", lambda program: None)
    assert describe_machine(TorchEager()).processor == processor


def test_a_gpu_that_cannot_be_asked_is_still_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "nvidia-smi"
    broken.write_text("#!/bin/sh\nexit 9\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    runtime = OnnxRuntime(provider="CUDAExecutionProvider")
    claims = SOFTWARE["onnxruntime"]._replace(providers=lambda: [runtime.provider])
    monkeypatch.setitem(SOFTWARE, "onnxruntime", claims)
    assert describe_machine(runtime).gpu == "GPU of CUDAExecutionProvider"


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
