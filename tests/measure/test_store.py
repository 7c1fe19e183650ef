from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brpnas.errors import MeasurementError, StoreError
from brpnas.measure import MeasureSettings, MeasureStore, TorchEager, describe_machine
from brpnas.measure.store import store_name, task_of

SETTINGS = MeasureSettings(TorchEager())
MACHINE = describe_machine(SETTINGS.runtime)
TASK = task_of(SETTINGS, MACHINE)


def row(arch_id: str, event: str = "cell", **more: object) -> dict[str, object]:
    machine = {"host": "here", "machine": MACHINE.identity()}
    figures = {"latency_ms": 1.5, "std_ms": 0.1, "blocks_ms": [1.4, 1.6], "load": 0.5}
    figures |= {"energy_mj": None, "peak_memory_mib": 50.0, "file_kib": 7.5}
    when = {"time": "2026-01-01T00:00:00+00:00", "seconds": 0.2}
    return {"event": event, "arch_id": arch_id, **figures, **when, **machine, **more}


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    failed = {"event": "failed", "arch_id": "b", "error": "why"}
    for _ in range(2):
        with MeasureStore(path, TASK) as store:
            if not store.cells:
                for one in (row("r", "reference"), row("a"), failed, row("r", "reference")):
                    store.add(one)
            assert list(store.cells) == ["a"]
            assert store.failures == {"b": "why"}
            assert [one["arch_id"] for one in store.references] == ["r", "r"]


def test_operations_come_back(tmp_path: Path) -> None:
    for _ in range(2):
        with MeasureStore(tmp_path / "m.jsonl", TASK) as store:
            if not store.operations:
                store.add({**row("", "operation"), "part": "stem", "stage": 0})
            assert list(store.operations) == [("stem", 0)]
            assert not store.cells


def test_a_failure_is_forgotten_when_the_cell_is_measured(tmp_path: Path) -> None:
    with MeasureStore(tmp_path / "m.jsonl", TASK) as store:
        store.add({"event": "failed", "arch_id": "a", "error": "why"})
        store.add(row("a"))
        assert (list(store.cells), store.failures) == (["a"], {})


def test_rows_of_another_machine_are_refused_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    other = replace(MACHINE, processor="Other")
    with MeasureStore(path, TASK) as store:
        store.add(row("a", host="elsewhere"))  # another host of the same kind is welcome
        with pytest.raises(MeasurementError, match=r"there .*Other"):
            store.add(row("b", host="there", machine=other.identity()))
    with MeasureStore(path, TASK) as store:
        assert list(store.cells) == ["a"]


def test_a_store_is_of_one_task(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    other = task_of(replace(SETTINGS, batch_size=2), MACHINE)
    MeasureStore(path, other).__exit__(None, None, None)  # without a row it is of no task
    with MeasureStore(path, TASK) as store:
        store.add(row("a"))
    with pytest.raises(StoreError, match=r"settings\.batch_size \(1 .* 2 now\)"):
        MeasureStore(path, other)
    assert store_name(TASK) != store_name(other)
    assert store_name(TASK) == store_name(task_of(SETTINGS, replace(MACHINE, host="elsewhere")))


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with MeasureStore(path, TASK) as store:
        store.add(row("a"))
    text = path.read_text()
    path.write_text(text + '{"event":"what","arch_id":"b"}\n' + text.splitlines()[1] + "\n")
    with pytest.raises(StoreError, match=r"line 3\b.*'what'"):
        MeasureStore(path, TASK)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("latency_ms", -1.5, "latency_ms: "),
        ("latency_ms", "1.5", "latency_ms: .*valid number"),
        ("latency_ms", float("nan"), "float"),
        ("latency_ms", None, "latency_ms: "),
        ("arch_id", 7, "arch_id: "),
        ("blocks_ms", [1.0, "x"], r"blocks_ms\.1: "),
        ("std_ms", [1], "std_ms: "),
        ("host", {}, "host: "),
        ("machine", {"processor": "another"}, "another machine"),
    ],
)
@pytest.mark.parametrize("is_last", [True, False])
def test_damaged_values_are_named(
    tmp_path: Path, key: str, value: object, says: str, is_last: bool
) -> None:
    path = tmp_path / "m.jsonl"
    with MeasureStore(path, TASK) as store:
        store.add(row("a"))
    good = path.read_text().splitlines()
    bad = json.dumps(row("b") | {key: value})
    path.write_text("\n".join([*good, bad] if is_last else [good[0], bad, good[1]]) + "\n")
    with pytest.raises(StoreError, match=rf"line {3 if is_last else 2}: .*{says}"):
        MeasureStore(path, TASK)


def test_a_store_of_the_versions_before_the_runner_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    settings = TASK["settings"]
    old = {key: value for key, value in settings.items() if key != "runner"}
    header = {"event": "task", "version": 1, "fingerprint": TASK | {"settings": old}}
    content = json.dumps(header) + "\n"
    path.write_text(content)
    with pytest.raises(StoreError, match=r"m\.jsonl.*earlier version"):
        MeasureStore(path, TASK)
    assert path.read_text() == content
