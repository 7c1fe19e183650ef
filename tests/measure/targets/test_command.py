"""Commands that time networks: a tool of OpenVINO, and scripts that misbehave."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from brpnas.errors import ConfigurationError, MeasurementError, TaskError
from brpnas.measure import (
    Command,
    CommandTarget,
    OnnxRuntime,
    Protocol,
    measure_cells,
    measure_device,
    open_target,
    select_cells,
)
from tests.measure.fakes import fake_folder
from tests.measure.small import small

TOOL = """
import json, sys, time, pathlib
network = json.loads(pathlib.Path(sys.argv[1]).read_text())
kind = network["kind"]
print("Init: 3 us")
if kind == "hang":
    time.sleep(60)
if kind == "fail":
    sys.exit("no \\x1b[2Jkernel")
if kind == "silent":
    sys.exit()
print("avg: 9000")
sys.stderr.write("avg: " + {"nan": "nan", "zero": "0", "text": "1.2.3"}.get(kind, "1500") + "\\n")
"""


@pytest.fixture
def tool(tmp_path: Path) -> str:
    path = tmp_path / "the tool.py"
    path.write_text(TOOL)
    return f"'{sys.executable}' '{path}' {{file}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "networks").mkdir()
    return tmp_path / "networks"


def test_rows_and_failed_rows(tool: str, folder: Path) -> None:
    kinds = ["good", "fail", "nan", "zero", "text", "silent", "good"]
    manifest = replace(fake_folder(folder, kinds), protocol=Protocol(1, 2, 3))
    manifest.write(folder)
    with open_target("command", command=Command(tool, r"avg: (?P<us>\S+)")) as target:
        rows = list(target.measure(folder))
    assert [row["event"] for row in rows if row["name"].startswith("n")] == [
        "network" if kind == "good" else "failed" for kind in kinds
    ]
    assert len(rows) == len(list(manifest.schedule())) == 10
    assert rows[1]["blocks_ms"] == [1.5, 1.5, 1.5]
    assert (rows[1]["latency_ms"], rows[1]["std_ms"]) == (1.5, 0.0)
    errors = {row["name"]: row["error"] for row in rows if row["event"] == "failed"}
    assert "code 1" in errors["n1"]
    assert "no [2Jkernel" in errors["n1"]
    assert "'nan'" in errors["n2"]
    assert "last line" in errors["n5"]


def test_a_command_that_never_ends(tool: str, folder: Path) -> None:
    fake_folder(folder, ["hang", "good"], timeout_s=2.0, reference=None)
    start = time.monotonic()
    rows = list(CommandTarget(Command(tool, r"avg: (?P<us>\S+)")).measure(folder))
    assert [row["event"] for row in rows] == ["failed", "network"]
    assert "in time" in rows[0]["error"]
    assert time.monotonic() - start < 30


def test_the_reference_must_not_fail(folder: Path) -> None:
    fake_folder(folder, ["good"])
    with pytest.raises(MeasurementError, match=r"reference network.*last line"):
        list(CommandTarget(Command("echo {file}", "avg: (.*)")).measure(folder))


def test_files_are_pushed_and_removed(folder: Path, tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    phone.mkdir()
    tool = phone / "tool.py"
    tool.write_text("import sys; open(sys.argv[1]); print(sys.argv[2:], 'took 2 ms')")
    command = Command(
        f"{sys.executable} {tool} {phone}/{{name}} t={{threads}} w={{warmup}} r={{runs}}",
        r"'t=1', 'w=1', 'r=2'\] took (\d+) ms",
        push=f"cp {{file}} {phone}",
        remove=f"rm {phone}/{{name}}",
    )
    fake_folder(folder, ["good", "good"])
    rows = list(CommandTarget(command).measure(folder))
    assert {row["latency_ms"] for row in rows} == {2.0}
    assert [path.name for path in phone.iterdir()] == ["tool.py"]


def test_words_reach_no_shell(folder: Path, tmp_path: Path) -> None:
    fake_folder(folder, ["good"], reference=None)
    code = "import sys, json; print(json.dumps(sys.argv[1:]), 'took 1')"
    hostile = f"$(touch {tmp_path}/x); `touch {tmp_path}/y` > {tmp_path}/z"
    command = Command(f"{sys.executable} -c \"{code}\" {{file}} '{hostile}'", r"took (\d)")
    (row,) = CommandTarget(command).measure(folder)
    assert row["latency_ms"] == 1.0
    assert {path.name for path in tmp_path.iterdir()} == {"networks"}


MEDIAN = r"Median: +(?:(?P<ms>[0-9.]+) ms|(?P<us>[0-9.]+) us)"


@pytest.mark.parametrize(
    ("output", "expression", "expected"),
    [
        ("Median: 0.35 ms\nMedian: 0.45 ms", r"Median: +([0-9.]+) ms", 0.45),
        ("avg: 1.5e3", "avg: (?P<us>[0-9.e]+)", 1.5),
        ("t=2", "t=(?P<s>.)", 2000.0),
        ("t=2 us", "t=(?:(?P<ms>.) ms|(?P<us>.) us)", 0.002),
        ("t=5", "t=(?P<ns>.)", 5e-6),
    ],
)
def test_expressions(output: str, expression: str, expected: float) -> None:
    assert Command("x {file}", expression).milliseconds(output) == pytest.approx(expected)


def test_no_latency() -> None:
    with pytest.raises(TaskError, match="last line: 'no'"):
        Command("x {file}", "avg: (.)").milliseconds("yes\nno\n")


@pytest.mark.parametrize(
    ("run", "expression", "words"),
    [
        ("tool", "(.)", r"'tool' .*\{file\}"),
        ("tool {file} {model}", "(.)", r"\{file\}, \{name\}, \{threads\}"),
        ("tool '{file}", "(.)", "closing"),
        ("", "(.)", r"'' .*\{file\}"),
        ("tool {file}", "(", "regular expression"),
        ("tool {file}", "avg", "ms, us, ns"),
        ("tool {file}", "(.)(.)", "ms, us, ns"),
        ("tool {file}", "(?P<hours>.)", "ms, us, ns"),
    ],
)
def test_commands_that_are_refused(run: str, expression: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Command(run, expression)


def test_a_missing_program_and_a_missing_name(tmp_path: Path) -> None:
    target = CommandTarget(Command("no-such-tool {file}", "(.)"))
    with pytest.raises(MeasurementError, match="no program 'no-such-tool'"):
        target.describe(OnnxRuntime())
    with pytest.raises(ConfigurationError, match=r"--device.*measure\.device"):
        measure_device(select_cells(1), small(), tmp_path / "s.jsonl", target=target)


def test_a_tool_of_a_vendor(tmp_path: Path) -> None:
    """benchmark_app of OpenVINO reads the ONNX files."""
    pytest.importorskip("openvino", reason="pip install openvino")
    program = Path(sys.executable).with_name("benchmark_app")
    found = program if program.exists() else shutil.which("benchmark_app")
    if not found:
        pytest.skip("the wheel of openvino has no benchmark_app")
    run = f"{found} -m {{file}} -api sync -hint none -nstreams 1 -nthreads {{threads}} -niter 5"
    settings = replace(small(), protocol=Protocol(0, 1, 1))
    cells = select_cells(2)
    target = CommandTarget(Command(run, MEDIAN))
    store = tmp_path / "s.jsonl"
    device, result = measure_device(
        cells, settings, store, name="my-tool", target=target, progress=False
    )
    assert set(result.rows["arch_id"]) == set(cells)
    assert (result.rows["latency_ms"] > 0.005).all()
    assert result.rows["peak_memory_mib"].isna().all()
    assert result.latency("my-tool")["energy_mj"].isna().all()
    assert "benchmark_app" in device.runtime
    again = measure_cells(cells, settings, store, target=target, progress=False)
    assert again.rows.equals(result.rows)
