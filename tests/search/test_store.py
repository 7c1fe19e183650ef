from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brpnas.errors import StoreError
from brpnas.search.history import Plan
from brpnas.search.store import SearchStore
from tests.search.toy import record

TASK = {"seed": 0, "sampler": {"name": "brp", "rounds": 5}, "constraints": ["latency_ms <= 5"]}
PLAN = Plan(0, "brp", 0, ("aaaa", "aaab", "aaac"))
RECORDS = [
    record(0, "aaaa", 0.1 + 0.2, seed=777, cost_s=1.5, asked_at="2026-01-01T00:00:00+00:00"),
    record(1, "aaab", None, message="out of memory: é\n\u2028 'x'"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a plan and two answers of three."""
    path = tmp_path / "new folder" / "search.jsonl"
    with SearchStore(path, TASK) as store:
        store.add_plan(PLAN)
        for answer in RECORDS:
            store.add_answer(answer)
    return path


def test_what_was_stored_comes_back(path: Path) -> None:
    with SearchStore(path, TASK) as store:
        assert store.plans == [PLAN]
        assert list(store.answers.values()) == RECORDS


def test_it_is_one_json_object_per_line(path: Path) -> None:
    events = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    assert [event["event"] for event in events] == ["task", "plan", "answer", "answer"]
    assert events[0]["fingerprint"] == TASK


def test_each_event_is_on_disk_before_the_call_returns(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    sizes = []
    with SearchStore(path, TASK) as store:
        sizes.append(path.stat().st_size)
        store.add_plan(PLAN)
        sizes.append(path.stat().st_size)
        for answer in RECORDS:
            store.add_answer(answer)
            sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))
    assert sizes[0] > 0


def test_each_event_is_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "search.jsonl"
    forced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda fd: forced.append(os.fstat(fd).st_size))
    with SearchStore(path, TASK) as store:
        store.add_plan(PLAN)
        store.add_answer(RECORDS[0])
    lines = path.read_bytes().splitlines(keepends=True)
    assert forced == [len(b"".join(lines[:n])) for n in (1, 2, 3)]


def test_cut_anywhere_it_opens_and_goes_on(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    for size in {0, 1, *range(2, len(whole), 17), *ends, *(end + 1 for end in ends)}:
        torn = tmp_path / "torn.jsonl"
        torn.write_bytes(whole[:size])
        with SearchStore(torn, TASK) as store:
            if not store.plans:
                store.add_plan(PLAN)
            for answer in RECORDS:
                if answer.query not in store.answers:
                    store.add_answer(answer)
        assert torn.read_bytes() == whole, size


@pytest.mark.parametrize(
    "tail", [b'{"event":"ans', b"\0\0\0\0", b"\xff\xfe{", b"[]", b"not json\n"]
)
def test_torn_last_line_is_dropped_with_a_warning(
    path: Path, tail: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    with SearchStore(path, TASK) as store:
        assert len(store.answers) == 2
    assert path.read_bytes() == whole
    assert "last line" in caplog.text


def test_damage_before_the_last_line_names_the_line(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:20] + b"\n"
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"search\.jsonl .*line 3: "):
        SearchStore(path, TASK)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        {"event": "answer", "query": 0},
        {"event": "answer", "surprise": 1},
        {"event": "plan", "round": 1},
        {"event": "dance"},
        {},
    ],
)
def test_an_event_that_makes_no_sense_names_its_line(path: Path, line: dict[str, object]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(StoreError, match=r"search\.jsonl .*line 5: "):
        SearchStore(path, TASK)


def test_answers_that_contradict_the_plan_are_damage(path: Path) -> None:
    line = path.read_text().split("\n")[2]
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(StoreError, match=r"line 5: .*query 0\b"):
        SearchStore(path, TASK)


def test_another_task_names_what_differs(path: Path) -> None:
    other = {"seed": 1, "sampler": {"name": "brp", "rounds": 7}, "extra": {}}
    with pytest.raises(StoreError, match="another task") as error:
        SearchStore(path, other)
    text = str(error.value)
    assert re.search(r"; seed \(0 .* 1 now\)", text)
    assert re.search(r"; sampler\.rounds \(5 .* 7 now\)", text)
    assert re.search(r"constraints \(\['latency_ms <= 5'\] .*absent now\)", text)
    assert "sampler.name" not in text


def test_tuples_and_lists_are_the_same_task(path: Path) -> None:
    with SearchStore(path, {**TASK, "constraints": ("latency_ms <= 5",)}) as store:
        assert store.planned == 3


@pytest.mark.parametrize(
    "content", [b"hello", b"hello\n", b'{"a": 1}\n', b"arch_id,accuracy\n1,2\n"]
)
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{path} .*line 1\b"):
        SearchStore(path, TASK)
    assert path.read_bytes() == content


_OPEN = """
import sys
from pathlib import Path
from brpnas.search.store import SearchStore
SearchStore(Path(sys.argv[1]), {"seed": 0})
"""


def _open_elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _OPEN, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_processes_cannot_hold_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    with SearchStore(path, {"seed": 0}):
        blocked = _open_elsewhere(path)
    assert blocked.returncode == 1
    assert re.search(rf"StoreError: Another process .*{path}", blocked.stderr)
    assert _open_elsewhere(path).returncode == 0


def test_a_full_disk_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with SearchStore(path, TASK) as store, monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(StoreError, match=os.strerror(errno.ENOSPC)):
            store.add_answer(record(2, "aaac", 0.5))
    with SearchStore(path, TASK) as store:
        assert sorted(store.answers) == [0, 1]
