"""Catalogues in YAML and journals of JSON lines with hidden damage."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from brpnas.candidates.batch import training_fingerprint
from brpnas.search.history import Plan, Record
from tests.hostile import Folder, Hostile
from tests.hostile.entries import IMAGES, SEARCH, measure_task, training_config

__all__ = ["make_text"]

_LAUGHS = "a: &a [x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefghij", "bcdefghijk", strict=True)
)
_DEVICE = "- name: board\n  hardware: {hardware}\n"


def make_text(root: Path) -> list[Hostile]:
    """Make the files."""
    return _catalogues(root) + _searches(root) + _measurements(root) + _trainings(root)


def _catalogues(root: Path) -> list[Hostile]:
    folder = Folder(root, "catalogue", ".yml")
    marker = folder.marker("a Python object")
    files = {
        "a Python object": f"!!python/object/apply:os.system ['touch {marker}']",
        "a billion laughs": _LAUGHS,
        "laughs as a device": _LAUGHS + "- name: *k\n",
        "a list that holds itself": "&a [*a]",
        "deep lists": "[" * 100_000,
        "deep mappings": "".join(" " * depth + "a:\n" for depth in range(2000)),
        "a name that is a list": _DEVICE.format(hardware="x").replace("board", "[a, b]"),
        "keys that are missing": _DEVICE.format(hardware="x"),
        "text": "hello",
        "bytes": "\x00\x01",
        "a truth that is none": _DEVICE.format(hardware="!!bool x"),
        "a time that is none": _DEVICE.format(hardware="!!timestamp x"),
        "an empty number": _DEVICE.format(hardware="!!int ''"),
        "a number of many digits": "- name: " + "9" * 20_000,
    }
    for name, content in files.items():
        folder.add(name, content.encode(), "devices")
    folder.add("UTF-16", "- name: a".encode("utf-16"), "devices")
    return folder.made


def _lines(task: object, *events: dict[str, Any] | str) -> bytes:
    header = {"event": "task", "version": 1, "fingerprint": task}
    return "".join(
        (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in (header, *events)
    ).encode()


def _searches(root: Path) -> list[Hostile]:
    folder = Folder(root, "journal of a search", ".jsonl")
    plan = {"event": "plan", **asdict(Plan(0, "brp", 0, ("a", "b")))}
    answer = {"event": "answer", **asdict(Record(0, 0, "brp", "a", "f", "ok", accuracy=0.5))}
    last = answer | {"query": 1, "arch_id": "b"}
    changes = {
        "an accuracy of 7.5": {"accuracy": 7.5},
        "an accuracy that is text": {"accuracy": "0.5"},
        "an accuracy of NaN": {"accuracy": float("nan")},
        "an accuracy that is a list": {"accuracy": [1]},
        "a query that is text": {"query": "0"},
        "an unknown key": {"warp": 9},
        "a status that does not exist": {"status": "perhaps"},
    }
    for name, change in changes.items():
        folder.add(name, _lines(SEARCH, plan, answer | change, last), "search")
    folder.add("a deep line", _lines(SEARCH, plan, "[" * 100_000, answer), "search")
    folder.add(
        "a deep task",
        b'{"event":"task","version":1,"fingerprint":' + b'{"a":' * 400 + b"1" + b"}" * 401 + b"\n",
        "search",
    )
    folder.add("binary", bytes(range(256)) * 10, "search")
    folder.path("a folder").mkdir()
    folder.note("a folder", "search")
    return folder.made


def _measurements(root: Path) -> list[Hostile]:
    folder = Folder(root, "journal of measurements", ".jsonl")
    task: Any = measure_task()
    row = {"event": "cell", "arch_id": "a", "latency_ms": 1.0, "std_ms": None, "blocks_ms": [1.0]}
    row |= {"time": "x", "load": 0.0, "seconds": 1.0, "host": "x", "machine": task["machine"]}
    changes: dict[str, dict[str, Any]] = {
        "a latency that is text": {"latency_ms": "1"},
        "a negative latency": {"latency_ms": -1.0},
        "a kind that does not exist": {"event": "dance"},
        "a cell that is a list": {"arch_id": []},
        "another machine": {"machine": {}},
    }
    for name, change in changes.items():
        folder.add(name, _lines(task, row | change, row), "measure")
    return folder.made


def _trainings(root: Path) -> list[Hostile]:
    folder = Folder(root, "journal of trainings", ".jsonl")
    task = training_fingerprint(IMAGES.load(), training_config())
    row = {"arch_id": "a", "seed": 0, "status": "ok", "valid_accuracy": 0.5, "test_accuracy": 0.5}
    row |= {"train_time_s": 1.0, "message": ""}
    changes: dict[str, dict[str, Any]] = {
        "an accuracy of 50": {"valid_accuracy": 50.0},
        "an accuracy that is missing": {"test_accuracy": None},
        "a seed that is text": {"seed": "0"},
        "a cell that is a mapping": {"arch_id": {}},
    }
    for name, change in changes.items():
        folder.add(name, _lines(task, row | change, row), "training")
    return folder.made
