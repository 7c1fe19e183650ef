"""The receiver as it runs on a board: a program on standard input, with a home of its own."""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from brpnas.measure.targets import receiver

ID = "a" * 64


def call(home: Path, command: str, data: bytes = b"", manifest: str = ID) -> dict[str, Any]:
    source = Path(receiver.__file__).read_bytes()
    boot = f"import sys;exec(sys.stdin.buffer.read({len(source)}))"
    done = subprocess.run(
        [sys.executable, "-c", boot, command, manifest],
        input=source + data,
        stdout=subprocess.PIPE,
        env={"HOME": str(home)},
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (2 if "error" in answer else 0)
    return answer


def packed(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def test_files_arrive_and_are_listed(tmp_path: Path) -> None:
    assert call(tmp_path, "have") == {"files": {}}
    assert call(tmp_path, "take", packed(a_bin=b"1", b_bin=b"2" * 100_000)) == {}
    folder = tmp_path / ".cache" / "brpnas" / ID
    assert folder.stat().st_mode & 0o777 == 0o700
    hashes = {path.name: receiver.sha256(path) for path in folder.iterdir()}
    assert set(hashes) == {"a.bin", "b.bin"}
    assert call(tmp_path, "have") == {"files": hashes}


def test_a_torn_archive_leaves_whole_files(tmp_path: Path) -> None:
    call(tmp_path, "have")
    whole = packed(a_bin=b"1", b_bin=os.urandom(100_000))
    assert "arrived damaged" in call(tmp_path, "take", whole[:50_000])["error"]
    assert set(call(tmp_path, "have")["files"]) <= {"a.bin"}


@pytest.mark.parametrize("name", ["../x", "/tmp/x", ".x", "a/b"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    call(tmp_path, "have")
    answer = call(tmp_path, "take", packed(**{name.replace(".", "_"): b"1"}))
    assert "plain file" in answer["error"]
    assert call(tmp_path, "have") == {"files": {}}


def test_old_folders_go_and_busy_ones_stay(tmp_path: Path) -> None:
    old, new, own = "b" * 64, "c" * 64, ID
    for name in (old, new, own):
        call(tmp_path, "have", manifest=name)
    root = tmp_path / ".cache" / "brpnas"
    os.utime(root / old, times=(0, time.time() - 8 * 24 * 3600))
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert call(tmp_path, "drop") == {"dropped": False}
    assert call(tmp_path, "drop") == {"dropped": True}
    assert {path.name for path in root.iterdir() if path.is_dir()} == {new}


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".cache").write_text("a file")
    assert str(tmp_path) in call(tmp_path, "have")["error"]
    assert "Unknown command" in call(tmp_path / "other", "look")["error"]
