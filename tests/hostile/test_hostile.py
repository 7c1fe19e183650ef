"""Hostile files: a few of each kind are tried, and the runner reports the planted faults."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from brpnas.errors import SchemaError
from tests.hostile import Folder, Hostile, reading
from tests.hostile.pickles import make_pickles
from tests.hostile.zeros import GIGABYTES_3, zip_of_zeros


@pytest.mark.slow
def test_pickles_are_refused(tmp_path: Path) -> None:
    results = reading.try_files(make_pickles(tmp_path), tmp_path)
    assert len(results) > 20
    assert not [result for result in results if result["fault"]]


@pytest.mark.slow
def test_all_files_are_refused() -> None:
    figures = reading.run(quick=True)
    assert figures["tried"] >= 70
    assert figures["faults"] == []
    assert len(figures["kinds"]) >= 14


def test_archives_hold_the_zeros_that_they_name() -> None:
    members = {"a": (b"start", 2**25), "b": (b"", 2**24), "c": (b"end", 0)}
    with zipfile.ZipFile(io.BytesIO(zip_of_zeros(members))) as archive:
        assert archive.testzip() is None
        for name, (start, zeros) in members.items():
            assert archive.read(name) == start + bytes(zeros)
    large = zip_of_zeros({"a": (b"x", GIGABYTES_3)})
    assert len(large) < 4e6
    with zipfile.ZipFile(io.BytesIO(large)) as archive:
        assert archive.getinfo("a").file_size == 1 + 3 * 2**30


def _programs(path: Path) -> None:
    os.system("true")


def _marked(path: Path) -> None:
    path.with_suffix(".ran").touch()


def _large(path: Path) -> None:
    content = bytearray(b"x") * (reading.LIMIT_BYTES + 2**28)
    assert content[-1]


def _asks(path: Path) -> None:
    try:
        bytearray(3 * reading._MORE)
    except MemoryError:
        raise SchemaError("It is refused.") from None


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
        (_asks, "memory"),
    ],
)
def test_the_runner_notices(
    tmp_path: Path, read: Any, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LIMIT_BYTES", 2**28)
    folder = Folder(tmp_path, "x", ".x")
    folder.add("a", b"", "x")
    (file,) = folder.made
    assert isinstance(file, Hostile)
    limit = 0.5 if fault == "time" else 60.0
    assert reading._tried(file, read, limit)["fault"] == fault
