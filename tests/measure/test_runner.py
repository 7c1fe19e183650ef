"""The runner as a process of its own, with networks that misbehave."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.measure import runner
from brpnas.measure.artifacts import Manifest
from tests.measure.fakes import REFERENCE, command, fake_folder, fake_network, rows, run

KINDS = ["good"] * 6


def names(events: list[dict[str, Any]], event: str) -> list[str]:
    return [one["name"] for one in events if one["event"] == event]


def test_the_image_is_the_same_everywhere() -> None:
    image = runner.seeded_image((1, 3, 2, 2), 0)
    assert (image.shape, image.dtype) == ((1, 3, 2, 2), np.float32)
    assert image.ravel()[:3].tolist() == np.float32([1.7640524, 0.4001572, 0.978738]).tolist()


def test_the_file_is_plain_python_3_9() -> None:
    ast.parse(Path(runner.__file__).read_text("utf-8"), feature_version=(3, 9))


def test_every_network_has_a_row_between_references(tmp_path: Path) -> None:
    manifest = fake_folder(tmp_path, KINDS)
    code, events, said = run(tmp_path)
    assert code == 0
    kept = [event for event in events if event["event"] not in ("begun", "manifest")]
    assert kept == rows(tmp_path)
    assert "".join(row["event"][0] for row in kept) == "rnnnnrnnr"
    assert names(kept, "network") == [one.name for one in manifest.networks]
    assert names(kept, "reference") == [REFERENCE] * 3
    row = kept[1]
    assert row["latency_ms"] > 0
    assert len(row["blocks_ms"]) == 2
    assert row["sha256"] == manifest.networks[0].sha256
    assert row["file_kib"] == manifest.networks[0].file_kib
    assert row["peak_memory_mib"] > 5
    assert (row["energy_mj"], row["clock_jump_s"]) == (None, None)
    assert row["machine"]["software"] == "Fake 1.0"
    assert events[0]["machine"]["host"] == row["host"]
    assert "6 of 6" in said


def test_a_finished_run_adds_nothing(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS)
    _, first, _ = run(tmp_path)
    before = (tmp_path / "rows.jsonl").read_bytes()
    code, again, _ = run(tmp_path)
    assert code == 0
    assert (tmp_path / "rows.jsonl").read_bytes() == before
    assert names(again, "begun") == []
    assert names(again, "network") == names(first, "network")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("crash", r"SIGSEGV.*heap corrupted"),
        ("raise", "ValueError: no kernel"),
        ("tf32", "ValueError: 0"),
        ("exit", "SystemExit: 7"),
        ("hang", r"within 2 s"),
        ("nan", "NaN or infinity"),
        ("wrong", r"torch by \d"),
        ("shape", r"shape \(2, 1\), not \[1, 2\]"),
    ],
)
def test_a_network_that_misbehaves_is_a_row_and_the_next_goes_on(
    tmp_path: Path, kind: str, reason: str
) -> None:
    fake_folder(tmp_path, ["good", kind, "good"], timeout_s=2.0)
    code, _, said = run(tmp_path)
    assert code == 0
    found = rows(tmp_path)
    assert [row["event"] for row in found] == [
        *("reference", "network", "failed", "network", "reference")
    ]
    assert re.search(reason, found[2]["error"]), found[2]["error"]
    assert found[2]["error"] in said
    _, again, _ = run(tmp_path)
    assert names(again, "begun") == []
    _, again, _ = run(tmp_path, "--retry")
    assert names(again, "begun") == [REFERENCE, "n1", REFERENCE]


def test_a_damaged_file_is_not_opened(tmp_path: Path) -> None:
    manifest = fake_folder(tmp_path, ["good", "good", "good"])
    files = [tmp_path / one.files[0].file for one in manifest.networks]
    files[0].write_bytes(files[0].read_bytes() + b" ")
    files[1].unlink()
    assert run(tmp_path)[0] == 0
    failed = [row for row in rows(tmp_path) if row["event"] == "failed"]
    assert [row["name"] for row in failed] == ["n0", "n1"]
    assert "damaged" in failed[0]["error"]
    assert "No such" in failed[1]["error"]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a.onnx", "-rf", "$(id)", ""])
def test_no_other_file_is_opened(tmp_path: Path, name: str) -> None:
    """The manifest is whole, but names a file that no artifact has."""
    manifest = fake_folder(tmp_path, ["good"])
    plain = manifest._plain()
    plain["networks"][0]["files"][0]["file"] = name
    text = json.dumps({**plain, "id": runner.manifest_id(plain)})
    (tmp_path / "manifest.json").write_text(text)
    assert run(tmp_path)[0] == 0
    assert [row["event"] for row in rows(tmp_path)] == ["reference", "failed", "reference"]
    assert repr(name) in rows(tmp_path)[1]["error"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = "../../x; touch here\n\x1b[2J$(id)`id`"
    networks = (fake_network(name, tmp_path),)
    fake_folder(tmp_path, [], networks=networks)
    code, events, said = run(tmp_path)
    assert code == 0
    assert names(events, "network") == [name]
    assert "\x1b" not in said
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("change", [{"threads": 2}, {"id": "0" * 64}, {"networks": []}])
def test_an_edited_manifest_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    fake_folder(tmp_path, KINDS)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    code, events, said = run(tmp_path)
    assert code == 2
    assert [event["event"] for event in events] == ["error"]
    assert "edited" in events[0]["error"]
    assert events[0]["error"] in said
    assert not (tmp_path / "rows.jsonl").exists()


def test_rows_of_another_manifest_are_refused(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS)
    run(tmp_path)
    before = (tmp_path / "rows.jsonl").read_bytes()
    fake_folder(tmp_path, [*KINDS, "good"])
    code, events, _ = run(tmp_path)
    assert code == 2
    assert "another manifest" in events[-1]["error"]
    assert (tmp_path / "rows.jsonl").read_bytes() == before
    assert run(tmp_path, "--rows", str(tmp_path / "more.jsonl"))[0] == 0


def test_rows_of_another_machine_are_refused(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS[:2])
    run(tmp_path)
    code, events, _ = run(tmp_path, FAKE="elsewhere")
    assert code == 2
    assert "another machine (processor" in events[-1]["error"]


@pytest.mark.parametrize(
    "tail", [b'{"event":"network","na', b"\0" * 4096, b'{"event": "x"}', b"\n"]
)
def test_a_torn_last_line_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    fake_folder(tmp_path, KINDS)
    run(tmp_path)
    path = tmp_path / "rows.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5]) + tail)
    code, events, _ = run(tmp_path)
    assert code == 0
    assert path.read_bytes().startswith(b"".join(lines[:5]) + b"{")
    assert names(events, "begun") == [REFERENCE, "n3", "n4", "n5", REFERENCE]
    assert sorted(names(rows(tmp_path), "network")) == [f"n{i}" for i in range(6)]


def test_a_damaged_row_before_the_last_is_refused(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS)
    run(tmp_path)
    path = tmp_path / "rows.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{}}\n", *lines[3:]]))
    code, events, _ = run(tmp_path)
    assert code == 2
    assert "line 4" in events[-1]["error"]


def test_a_full_disk_loses_no_row(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS)
    code, events, _ = run(tmp_path, FAKE="full")
    assert code == 2
    assert "make room" in events[-1]["error"]
    kept = rows(tmp_path)
    assert 0 < len(kept) < 8
    assert (tmp_path / "rows.jsonl").read_bytes().endswith(b"\n")
    _, events, _ = run(tmp_path)
    assert rows(tmp_path)[: len(kept)] == kept
    assert not set(names(events, "begun")) & set(names(kept, "network"))


def test_a_jump_of_the_clock_is_noted_and_times_nothing(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS[:2])
    assert run(tmp_path, FAKE="jump")[0] == 0
    for row in rows(tmp_path):
        assert row["clock_jump_s"] == pytest.approx(3600, abs=1)
        assert 0 < row["latency_ms"] < 1000
        assert row["seconds"] < 100


def test_a_second_runner_waits(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS, seconds=0.05)
    first = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert first.stdout is not None
    first.stdout.readline()
    code, events, said = run(tmp_path)
    first.communicate()
    assert (first.returncode, code) == (0, 0)
    assert events[0]["event"] == "waiting"
    assert f"process {first.pid}," in events[0]["for"]
    assert f"process {first.pid}," in said
    assert names(events, "begun") == []
    assert Counter(names(rows(tmp_path), "network")).most_common(1)[0][1] == 1


def test_a_cut_link_ends_the_runner_after_the_network_under_way(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS, seconds=0.05)
    process = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    seen: list[dict[str, Any]] = []
    while len(names(seen, "network")) < 2:
        seen.append(json.loads(process.stdout.readline()))
    process.stdout.close()
    assert process.wait(30) == 0
    kept = rows(tmp_path)
    assert names(kept, "network")[:2] == ["n0", "n1"]
    assert len(names(kept, "network")) <= 3
    _, events, _ = run(tmp_path)
    assert [e for e in events if e["event"] not in ("manifest", "begun")][: len(kept)] == kept
    assert not set(names(events, "begun")) & set(names(kept, "network"))


def test_the_last_reference_is_made_up_for(tmp_path: Path) -> None:
    """If an earlier runner ended right after the last network."""
    fake_folder(tmp_path, ["good", "good"])
    run(tmp_path)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    _, events, _ = run(tmp_path)
    assert [e["name"] for e in events if e["event"] == "begun"] == [REFERENCE]
    assert [row["event"] for row in rows(tmp_path)] == [
        *("reference", "network", "network", "reference")
    ]
    assert not names(run(tmp_path)[1], "begun")


def test_the_reference_must_work(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS, reference=fake_network("bad", tmp_path, "crash"))
    code, events, _ = run(tmp_path)
    assert code == 2
    assert "reference network" in events[-1]["error"]
    assert "SIGSEGV" in events[-1]["error"]


def test_an_interrupted_runner_leaves_no_process(tmp_path: Path) -> None:
    fake_folder(tmp_path, ["hang"], reference=None)
    process = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "begun":
        pass
    time.sleep(0.2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Interrupted" in said
    assert not Path(f"/proc/{children[0]}").exists()


def test_the_answers_alone(tmp_path: Path) -> None:
    fake_folder(tmp_path, ["good", "wrong", "crash", "good"])
    code, events, _ = run(tmp_path, what="check")
    assert code == 0
    assert [e["event"] for e in events if e["event"] != "begun"] == [
        *("manifest", "checked", "failed", "failed", "checked")
    ]
    assert names(events, "checked") == ["n0", "n3"]
    assert all(e["difference"] < 1e-6 for e in events if e["event"] == "checked")
    assert not (tmp_path / "rows.jsonl").exists()


def test_a_missing_runtime_is_an_error_with_the_command(tmp_path: Path) -> None:
    fake_folder(tmp_path, KINDS)
    code, events, said = run(tmp_path, FAKE="lacking")
    assert code == 2
    assert "install fake-runtime" in events[-1]["error"]
    assert events[-1]["error"] in said


def _killed(folder: Path, moment: float) -> tuple[bool, list[dict[str, Any]]]:
    """Run the runner and kill it a while after its first event; whether it died, its events."""
    with subprocess.Popen(
        command(folder), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        lines = (first + process.stdout.read()).split(b"\n")[:-1]
    return process.returncode == -signal.SIGKILL, [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 21))]
)
def test_a_killed_runner_loses_no_row(tmp_path: Path, seed: int) -> None:
    kinds = ["good"] * 10 + ["crash"] * 2
    fake_folder(tmp_path, kinds, seconds=0.02)
    rng, path = random.Random(seed), tmp_path / "rows.jsonl"
    kills, begun = 0, Counter[str]()
    in_flight = Counter[str]()
    while True:
        before = path.read_bytes() if path.exists() else b""
        died, events = _killed(tmp_path, rng.uniform(0, 0.8))
        after = path.read_bytes()
        assert after.startswith(before[: before.rfind(b"\n") + 1]), "rows are kept as they were"
        started = [name for name in names(events, "begun") if name != REFERENCE]
        begun.update(started)
        finished = {row["name"] for row in map(json.loads, after.split(b"\n")[1:-1])}
        in_flight.update(set(started) - finished)
        if not died:
            break
        kills += 1
    assert kills > 0
    assert sum(in_flight.values()) <= kills, "at most the network in flight"
    again = begun - Counter(dict.fromkeys(begun, 1))
    assert again == in_flight
    found = [(row["name"], row["event"]) for row in rows(tmp_path) if row["name"] != REFERENCE]
    expected = [(f"n{i}", "failed" if kinds[i] == "crash" else "network") for i in range(12)]
    assert sorted(found) == sorted(expected), "each network once"


def _bare(tmp_path: Path, *modules: str) -> tuple[list[str], dict[str, str]]:
    """A Python without packages other than the given ones, and its environment."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in modules:
        place = Path(sys.modules[name].__file__ or "").parent
        for folder in (place, place.with_name(f"{name}.libs")):
            if folder.exists():
                (packages / folder.name).symlink_to(folder)
    environment = {"PYTHONPATH": str(packages), "PATH": os.environ["PATH"]}
    return [sys.executable, "-S"], environment


def test_a_device_needs_numpy_and_the_runtime_alone(tmp_path: Path) -> None:
    """A copy of the file times real networks where this project cannot be imported."""
    from brpnas.measure.setup import cell_artifact  # noqa: PLC0415
    from brpnas.spaces.select import select_cells  # noqa: PLC0415
    from tests.measure.small import small  # noqa: PLC0415

    pytest.importorskip("onnxruntime")
    board = tmp_path / "board"
    board.mkdir()
    settings = small()
    made = [cell_artifact(cell, settings, board) for cell in select_cells(2)]
    settings.manifest(made).write(board)
    (board / "runner.py").write_bytes(Path(runner.__file__).read_bytes())
    python, environment = _bare(tmp_path, "numpy", "onnxruntime")
    tried = subprocess.run(
        [*python, "-c", "import brpnas"], cwd=board, env=environment, check=False,
        capture_output=True,
    )  # fmt: skip
    assert b"named 'brpnas'" in tried.stderr
    done = subprocess.run(
        [*python, "runner.py", "run"], cwd=board, env=environment, check=True, capture_output=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert names(found, "network") == select_cells(2)
    assert all(row["difference"] < 1e-3 for row in rows(board))
    assert Manifest.read(board).networks == tuple(made)
    described = subprocess.run(
        [*python, "runner.py", "describe", "--runtime", "torch"],
        cwd=board, env=environment, check=False, capture_output=True,
    )  # fmt: skip
    assert described.returncode == 2
    assert b"lacks torch" in described.stderr


def test_a_python_without_numpy_is_said(tmp_path: Path) -> None:
    python, environment = _bare(tmp_path)
    done = subprocess.run(
        [*python, runner.__file__, "describe", "--runtime", "torch"],
        cwd=tmp_path, env=environment, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "lacks numpy" in json.loads(done.stdout)["error"]
    assert b"install numpy" in done.stderr


@pytest.mark.parametrize(("managed", "apart"), [(True, False), (False, False), (True, True)])
def test_a_python_that_takes_no_packages_needs_an_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, managed: bool, apart: bool
) -> None:
    """PEP 668: only the Python of a system is marked, not an environment made from it."""
    if managed:
        (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sys, "prefix", "/venv" if apart else sys.base_prefix)
    advice = runner._installing("numpy ncnn")
    assert "numpy ncnn" in advice
    assert ("-m venv ~/venv" in advice) == (managed and not apart)
