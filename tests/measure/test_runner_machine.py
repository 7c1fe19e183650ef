"""What the runner finds out about a machine."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from brpnas.measure import runner


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without sensors; tests add some."""
    monkeypatch.setattr(runner, "_SYS", tmp_path / "sys")
    monkeypatch.setattr(runner, "_PROC", tmp_path / "proc")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def put(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def clocks(board: Path, governor: str, low: int, now: int, high: int) -> None:
    for core in range(2):
        folder = board / f"sys/devices/system/cpu/cpu{core}/cpufreq"
        put(folder / "scaling_governor", governor)
        put(folder / "scaling_min_freq", low * 1000)
        put(folder / "scaling_cur_freq", now * 1000 - core)
        put(folder / "scaling_max_freq", high * 1000)


def described() -> dict[str, Any]:
    return runner.describe("onnxruntime", "CPUExecutionProvider")


@pytest.mark.parametrize(
    ("cpuinfo", "model", "processor"),
    [
        ("model name\t: AMD EPYC\nmodel name\t: AMD EPYC", "", "AMD EPYC"),
        ("processor\t: 0\nModel\t\t: Raspberry Pi 4", "other", "Raspberry Pi 4"),
        ("processor\t: 0", "NVIDIA Jetson Nano\0", "NVIDIA Jetson Nano"),
        (
            "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n" * 2,
            "",
            f"{platform.machine()} implementer 0x41 part 0xd0c",
        ),
        ("", "", platform.machine()),
    ],
)
def test_processors_of_several_kinds(board: Path, cpuinfo: str, model: str, processor: str) -> None:
    put(board / "proc/cpuinfo", cpuinfo)
    put(board / "proc/device-tree/model", model)
    assert described()["processor"] == processor


def test_without_sensors_there_are_no_figures(board: Path) -> None:
    found = described()
    keys = ("governor", "clock_mhz", "clock_range_mhz", "temperature_c", "energy")
    assert [found[key] for key in keys] == [None] * 5
    assert "RAPL" in found["energy_missing"]


def test_a_governed_clock_is_warned_of(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    clocks(board, "schedutil", 600, 1500, 1800)
    found = described()
    assert (found["governor"], found["clock_mhz"]) == ("schedutil", 1500.0)
    assert found["clock_range_mhz"] == (600, 1800)
    (warning,) = found["warnings"]
    assert "schedutil, 600 to 1800 MHz" in warning
    for governor, low in (("performance", 600), ("schedutil", 1800)):
        clocks(board, governor, low, 1800, 1800)
        assert described()["warnings"] == []


def test_a_warm_processor_is_warned_of(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    put(board / "sys/class/thermal/thermal_zone0/type", "cpu-thermal")
    put(board / "sys/class/thermal/thermal_zone0/temp", 69_000)
    put(board / "sys/class/thermal/thermal_zone1/type", "wifi")
    put(board / "sys/class/thermal/thermal_zone1/temp", 99_000)
    assert (described()["temperature_c"], described()["warnings"]) == (69.0, [])
    put(board / "sys/class/hwmon/hwmon3/name", "k10temp")
    put(board / "sys/class/hwmon/hwmon3/temp1_input", 74_500)
    put(board / "sys/class/hwmon/hwmon3/temp2_input", "N/A")
    found = described()
    assert found["temperature_c"] == 74.5
    (warning,) = found["warnings"]
    assert "warm (74 °C)" in warning


def test_a_busy_machine_is_warned_of(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cores = runner._cores()
    monkeypatch.setattr(runner.os, "getloadavg", lambda: (cores / 2, 0.0, 0.0))
    assert described()["warnings"] == []
    monkeypatch.setattr(runner.os, "getloadavg", lambda: (float(cores), 0.0, 0.0))
    (warning,) = described()["warnings"]
    assert f"load {cores:.1f} on {cores} cores" in warning


def test_a_load_that_cannot_be_read_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> tuple[float, float, float]:
        raise OSError

    monkeypatch.setattr(runner.os, "getloadavg", refuse)
    assert (described()["load"], described()["warnings"]) == (None, [])


def rapl(board: Path, *packages: int) -> None:
    for number, microjoules in enumerate(packages):
        zone = board / f"sys/class/powercap/intel-rapl:{number}"
        put(zone / "name", f"package-{number}")
        put(zone / "energy_uj", microjoules)
        put(zone / "max_energy_range_uj", 1_000_000)
    core = board / "sys/class/powercap/intel-rapl:0:0"
    put(core / "name", "core")
    put(core / "energy_uj", 5)


def test_energy_of_all_packages_over_a_wrap_of_the_counter(board: Path) -> None:
    rapl(board, 10_000, 990_000)
    source, reason = runner._energy_source("CPUExecutionProvider")
    assert source is not None
    assert (source.name, reason) == ("rapl", None)
    assert source.read() == 0
    rapl(board, 13_000, 20_000)
    assert source.read() == pytest.approx(3 + 30)
    rapl(board, 14_000, 21_000)
    assert source.read() == pytest.approx(3 + 30 + 2)
    assert described()["energy"] == "rapl"


def test_a_counter_for_root_alone_is_said(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rapl(board, 10_000)
    real = runner._digits
    monkeypatch.setattr(
        runner, "_digits", lambda path: "" if path.name == "energy_uj" else real(path)
    )
    found = described()
    assert found["energy"] is None
    assert "chmod" in found["energy_missing"]


def test_gpus_by_number(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = board / "bin/nvidia-smi"
    put(tool, "#!/bin/sh\necho A100\necho H200")
    tool.chmod(0o755)
    names = ("cuda", "cuda:1", "CUDAExecutionProvider", "cuda:7")
    assert [runner._gpu(name) for name in names] == ["A100", "H200", "A100", "GPU of cuda:7"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert [runner._gpu(name) for name in names[:2]] == ["H200", "A100"]
    put(tool, "#!/bin/sh\nexit 9")
    assert runner._gpu("cuda") == "GPU of cuda"


def test_a_gpu_without_its_library_has_no_energy() -> None:
    try:
        runner.ctypes.CDLL("libnvidia-ml.so.1")
        pytest.skip("this machine has a GPU")
    except OSError:
        source, reason = runner._energy_source("cuda")
    assert source is None
    assert "NVML" in str(reason)


@pytest.mark.parametrize(
    ("runtime", "provider", "kind"),
    [
        ("onnxruntime", "NoExecutionProvider", "provider of ONNX Runtime"),
        ("torch", "cuda:77", "provider of torch eager"),
        ("nothing", "cpu", "runtime"),
    ],
)
def test_unknown_names_come_with_the_known_ones(runtime: str, provider: str, kind: str) -> None:
    with pytest.raises(runner.RunnerError) as caught:
        runner.describe(runtime, provider)
    assert caught.value.unknown is not None
    assert caught.value.unknown[0] == kind
    assert caught.value.unknown[2]
