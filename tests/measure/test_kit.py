"""A kit that a bare Python measures, and kits that are refused."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.measure import OnnxRuntime, TorchEager, make_kit, read_kit, select_cells
from brpnas.measure.artifacts import MANIFEST, Manifest
from brpnas.measure.runtimes import Runtime
from tests.measure.small import small

CELLS = select_cells(3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit in a zip file."""
    path = tmp_path_factory.mktemp("kits") / "kit.zip"
    assert make_kit(CELLS, small(), path, progress=False) == {}
    return path


@pytest.fixture(scope="module")
def measured(made: Path) -> Path:
    """The kit, unpacked and measured by a Python without our package."""
    folder = made.with_name("device") / "kit"
    with zipfile.ZipFile(made) as archive:
        archive.extractall(folder.parent)
    run(folder)
    return folder


@pytest.fixture
def kit(measured: Path, tmp_path: Path) -> Path:
    """A copy of the measured kit, to be changed."""
    return Path(shutil.copytree(measured, tmp_path / "kit"))


def run(folder: Path) -> None:
    """The instructions of the kit. `-S -I`: without this project."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    start = (
        "import sys, runpy; sys.path += sys.argv.pop(1).split(';'); "
        "sys.modules['brpnas'] = None; sys.argv[0] = 'runner.py'; "
        "runpy.run_path('runner.py', run_name='__main__')"
    )
    command = [sys.executable, "-I", "-S", "-c", start, ";".join(packages), "run"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def put(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def pack(folder: Path, path: Path) -> Path:
    return Path(shutil.make_archive(str(path), "zip", folder.parent, folder.name))


def test_what_a_kit_holds(measured: Path, made: Path) -> None:
    manifest = Manifest.read(measured)
    files = {file.file for one in manifest.artifacts for file in one.files}
    with zipfile.ZipFile(made) as archive:
        names = {name.removeprefix("kit/") for name in archive.namelist()}
    assert names == files | {MANIFEST, "runner.py", "README.txt"}
    text = (measured / "README.txt").read_text()
    assert "3 networks (fp32) with ONNX Runtime" in text
    assert "numpy onnxruntime" in text
    assert text.count("~/venv/bin/python3") == 3
    assert {path.name for path in made.parent.iterdir()} == {"kit.zip", "device"}


@pytest.mark.parametrize("form", ["folder", "zip", "rows"])
def test_a_round_trip(measured: Path, made: Path, tmp_path: Path, form: str) -> None:
    kit = {"folder": measured, "zip": pack(measured, tmp_path / "back"), "rows": made}[form]
    rows = measured / "rows.jsonl" if form == "rows" else None
    settings, device, result = read_kit(kit, tmp_path / "s.jsonl", rows=rows, name="my-board")
    assert settings.fingerprint() == small().fingerprint()
    assert device.name == "my-board"
    assert set(result.latency("my-board")["arch_id"]) == set(CELLS)
    timed = {e["name"]: e["latency_ms"] for e in events(measured) if e["event"] == "network"}
    assert dict(zip(result.rows["arch_id"], result.rows["latency_ms"], strict=True)) == timed
    assert len(result.references) == 2
    assert read_kit(kit, tmp_path / "s.jsonl", rows=rows)[1].name.startswith("board-")
    again = read_kit(kit, tmp_path / "s.jsonl", rows=rows, name="my-board")[2]
    assert len(again.references) == 2


@pytest.mark.slow
def test_a_kit_of_torch(tmp_path: Path) -> None:
    settings = small(TorchEager(threads=2))
    make_kit(CELLS[:1], settings, tmp_path / "kit", progress=False)
    run(tmp_path / "kit")
    found, _, result = read_kit(tmp_path / "kit", tmp_path / "s.jsonl")
    assert found == settings
    assert list(result.rows["arch_id"]) == CELLS[:1]


@pytest.mark.parametrize(
    "runtime", [OnnxRuntime(provider="CUDAExecutionProvider"), TorchEager(provider="cuda:7")]
)
def test_a_kit_for_a_provider_that_is_missing_here(runtime: Runtime, tmp_path: Path) -> None:
    """Its answers are checked here on the CPU."""
    assert make_kit(CELLS[:1], small(runtime), tmp_path / "kit", progress=False) == {}
    manifest = Manifest.read(tmp_path / "kit")
    assert manifest.provider == runtime.provider
    assert [one.name for one in manifest.networks] == CELLS[:1]


def test_half_a_kit_is_read_and_later_the_rest(
    kit: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (kit / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (kit / "rows.jsonl").write_bytes(b"".join(whole[:3]) + whole[3][:50])  # a power cut
    with caplog.at_level(logging.WARNING):
        result = read_kit(kit, tmp_path / "s.jsonl")[2]
    assert len(result.rows) == 1
    assert "2 of 3 networks" in caplog.text
    run(kit)
    result = read_kit(kit, tmp_path / "s.jsonl")[2]
    assert len(result.rows) == 3
    assert len(result.references) == 3


def _edited_manifest(kit: Path) -> None:
    path = kit / MANIFEST
    path.write_text(path.read_text().replace('"threads": 1', '"threads": 2'))


def _another_kit(kit: Path) -> None:
    first, *rest = events(kit)
    put(kit, [first | {"id": "0" * 64}, *rest])


def _another_network(kit: Path) -> None:
    *before, last = events(kit)
    put(kit, [*before, last | {"name": "another"}])


def _edited_row(kit: Path) -> None:
    *before, last = events(kit)
    put(kit, [*before, last | {"latency_ms": last["latency_ms"] / 2}])


def _damaged_row(kit: Path) -> None:
    path = kit / "rows.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"\0\0\0\n", *lines[2:]]))


def _no_rows(kit: Path) -> None:
    (kit / "rows.jsonl").unlink()


def _another_machine(kit: Path) -> None:
    *before, last = events(kit)
    put(kit, [*before, last | {"machine": last["machine"] | {"processor": "another"}}])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_edited_manifest, r"manifest\.json .*edited"),
        (_another_kit, r"the kit .*kit"),
        (_another_network, "'another'"),
        (_edited_row, "Line 6 .*damaged"),
        (_damaged_row, "Line 3 .* damaged"),
        (_no_rows, r"rows\.jsonl"),
        (_another_machine, "another kind"),
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_kits_that_are_refused(
    kit: Path, tmp_path: Path, change: Callable[[Path], None], words: str, form: str
) -> None:
    change(kit)
    given = kit if form == "folder" else pack(kit, tmp_path / "back")
    with pytest.raises(MeasurementError, match=words) as caught:
        read_kit(given, tmp_path / "s.jsonl")
    assert "brpnas-kit-" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kit.zip").write_bytes(b"no zip file")
    for path in (tmp_path / "kit.zip", tmp_path / "missing", tmp_path):
        with pytest.raises(MeasurementError, match=r"rows\.jsonl"):
            read_kit(path, tmp_path / "s.jsonl")


def test_nothing_is_overwritten_or_left_behind(tmp_path: Path) -> None:
    (tmp_path / "kit.zip").write_text("mine")
    with pytest.raises(ConfigurationError, match="exists"):
        make_kit(CELLS, small(), tmp_path / "kit.zip", progress=False)
    with pytest.raises(MeasurementError, match="First error"):
        make_kit(["no cell"], small(), tmp_path / "other.zip", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["kit.zip"]


def test_failed_cells_are_left_out(tmp_path: Path) -> None:
    failures = make_kit([*CELLS[:1], "no cell"], small(), tmp_path / "kit", progress=False)
    assert list(failures) == ["no cell"]
    assert [one.name for one in Manifest.read(tmp_path / "kit").networks] == CELLS[:1]
