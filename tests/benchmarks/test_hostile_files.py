"""Hostile files: a few of each kind are tried, and the runner notices what it is to notice."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import hostile_files
from benchmarks.hostile import Folder, Hostile
from benchmarks.hostile.pickles import make_pickles


def test_pickles_are_refused(tmp_path: Path) -> None:
    results = hostile_files.try_files(make_pickles(tmp_path), tmp_path)
    assert len(results) > 20
    assert not [result for result in results if result["fault"]]


@pytest.mark.slow
def test_all_files_are_refused() -> None:
    figures = hostile_files.run(quick=True)
    assert figures["tried"] >= 70
    assert figures["faults"] == []
    assert len(figures["kinds"]) >= 14


def _programs(path: Path) -> None:
    os.system("true")


def _marked(path: Path) -> None:
    path.with_suffix(".ran").touch()


def _large(path: Path) -> None:
    content = bytearray(b"x") * (hostile_files.LIMIT_BYTES + 2**28)
    assert content[-1]


def _fails(path: Path) -> None:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda path: None, ""),
        (_programs, "code run"),
        (_marked, "code run"),
        (_fails, "traceback"),
        (lambda path: os.kill(os.getpid(), 9), "traceback"),
        (lambda path: time.sleep(60), "time"),
        (_large, "memory"),
    ],
)
def test_the_runner_notices(tmp_path: Path, read: Any, fault: str) -> None:
    folder = Folder(tmp_path, "x", ".x")
    folder.add("a", b"", "x")
    (file,) = folder.made
    assert isinstance(file, Hostile)
    limit = 2.0 if fault == "time" else 60.0
    assert hostile_files._tried(file, read, limit)["fault"] == fault
