"""The journal: appended records return; it holds one task, and one process holds it."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brpnas.errors import StoreError
from brpnas.journal import Journal


def read(path: Path, task: dict[str, object] | None = None) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    Journal(path, task or {"a": 1}, events.append, "notebook").close()
    return events


def write(path: Path, *events: dict[str, object]) -> None:
    with Journal(path, {"a": 1}, lambda event: None, "notebook") as journal:
        for event in events:
            journal.append(event)


def test_events_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "j.jsonl"
    write(path, {"x": 1}, {"x": 2})
    write(path, {"x": 3})
    assert read(path) == [{"x": 1}, {"x": 2}, {"x": 3}]
    assert json.loads(path.read_text().splitlines()[0])["fingerprint"] == {"a": 1}


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_torn_last_line_is_dropped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    path = tmp_path / "j.jsonl"
    write(path, {"x": 1}, {"x": 2})
    path.write_bytes(path.read_bytes()[: -cut - 1])
    with caplog.at_level(logging.WARNING):
        assert read(path) == [{"x": 1}]
    assert "last line" in caplog.text
    write(path, {"x": 9})
    assert read(path) == [{"x": 1}, {"x": 9}]


def test_a_file_without_events_is_of_no_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "j.jsonl"
    write(path)
    assert read(path, {"a": [2]}) == []
    assert [json.loads(line)["fingerprint"] for line in path.open()] == [{"a": [2]}]
    assert not caplog.text


def test_another_task_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, {"x": 1})
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"notebook .*j\.jsonl .*\ba \(1 .* 2 "):
        read(path, {"a": 2})
    assert path.read_bytes() == before


def test_a_damaged_line_in_the_middle_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, {"x": 1}, {"x": 2})
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "garbage", lines[2]]) + "\n")
    with pytest.raises(StoreError, match="line 2"):
        read(path)


def test_what_the_reader_rejects_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, {"x": 1})

    def picky(event: dict[str, object]) -> None:
        raise KeyError("y")

    with pytest.raises(StoreError, match=r"line 2.*'y'"):
        Journal(path, {"a": 1}, picky, "notebook")


def test_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "j.jsonl", {"x": float("nan")})


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    """What could not be flushed is still in the buffer when the file is closed."""
    path = tmp_path / "j.jsonl"
    write(path, {"x": 1})
    limited = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from brpnas.errors import StoreError\n"
        "from brpnas.journal import Journal\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n"
        "    with Journal(Path(sys.argv[1]), {'a': 1}, lambda event: None) as journal:\n"
        "        size = Path(sys.argv[1]).stat().st_size\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "        journal.append({'x': 2})\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", limited, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert str(path) in done.stdout, done.stderr
    assert os.strerror(errno.EFBIG) in done.stdout
    assert read(path) == [{"x": 1}]


def test_a_second_handle_of_the_same_process_conflicts_and_gives_nothing_up(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path, {"a": 1}, lambda event: None, "notebook") as journal:
        for _ in range(2):  # the first attempt must not have given up the lock
            with pytest.raises(StoreError, match=f"Another process.* notebook {path}"):
                read(path)
        journal.append({"x": 1})
    assert read(path) == [{"x": 1}]
    assert [file.name for file in tmp_path.iterdir()] == ["j.jsonl"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("brpnas.journal.fcntl.flock", refuse)
    with pytest.raises(StoreError, match=rf"a\.jsonl: {os.strerror(number)}") as caught:
        Journal(tmp_path / "a.jsonl", {}, print)
    assert "Another process" not in str(caught.value)


def test_the_lock_ends_with_its_process_though_a_forked_worker_lives_on(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    code = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from brpnas.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), {'a': 1}, lambda event: None)\n"
        "journal.append({'x': 1})\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.close(1), os.close(2)\n"
        "    time.sleep(60)\n"
        "print(child, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    try:
        assert read(path) == [{"x": 1}]
    finally:
        os.kill(int(done.stdout), signal.SIGKILL)


@pytest.mark.parametrize("where", ["folder", "file/j.jsonl"])
def test_a_path_that_is_none_is_a_clear_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"notebook {tmp_path / where}"):
        read(tmp_path / where)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"x":NaN}', "line 2.*JSON"),
        ('{"x":1e999}', "line 2.*JSON"),
        ("[1]", "line 2.* event"),
        ("[" * 100_000, "line 2.* event"),
    ],
)
def test_a_damaged_line_is_refused_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "j.jsonl"
    write(path, {"x": 1})
    path.write_text(path.read_text().replace('{"x":1}', f'{line}\n{{"x":1}}'))
    with pytest.raises(StoreError, match=says):
        read(path)


def test_a_task_that_is_nested_too_deep(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    deep = '{"a":' * 900 + "1" + "}" * 900
    path.write_text(f'{{"event":"task","version":1,"fingerprint":{deep}}}\n{{"x":1}}\n')
    with pytest.raises(StoreError, match=r"line 1|another task") as caught:
        read(path)
    assert len(str(caught.value)) < 1500
