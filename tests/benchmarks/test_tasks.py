"""Tasks of a benchmark run once and are saved at once; a changed input makes them run again."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import tasks as module
from benchmarks.tasks import code_hash, run_tasks, spent
from brpnas.errors import EngineError
from tests.seeds import first_of

TASKS = [{"n": n} for n in range(4)]


def square(log: Path, task: dict[str, Any]) -> dict[str, int]:
    with log.open("a") as file:
        file.write(f"{task['n']}\n")
    return {"square": task["n"] ** 2}


def fail_at_two(log: Path, task: dict[str, Any]) -> dict[str, int]:
    if task["n"] == 2 and not log.with_suffix(".mended").exists():
        raise ValueError("two")
    return square(log, task)


def hold(task: dict[str, Any]) -> int:
    return int(np.ones(task["mb"] * 2**17).sum() > 0)


def done_by(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("workers", first_of([1, 2]))
def test_results_are_in_the_order_of_the_tasks(tmp_path: Path, workers: int) -> None:
    function = functools.partial(square, tmp_path / "log")
    found = run_tasks("t", function, TASKS, {}, workers, code=(), folder=tmp_path)
    assert [done.task for done in found] == TASKS
    assert [done.result["square"] for done in found] == [0, 1, 4, 9]
    assert all(done.seconds >= 0 and done.peak_mb > 10 for done in found)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    function = functools.partial(square, log)
    first = run_tasks("t", function, TASKS[:2], {}, 1, code=(), folder=tmp_path)
    second = run_tasks("t", function, TASKS, {}, 1, code=(), folder=tmp_path)
    assert done_by(log) == [0, 1, 2, 3]
    assert second[:2] == first


@pytest.mark.parametrize(
    ("name", "settings", "code"),
    [("other", {}, ()), ("t", {"x": 1}, ()), ("t", {}, ("benchmarks/tasks.py",))],
)
def test_other_settings_name_or_code_begin_anew(
    tmp_path: Path, name: str, settings: dict[str, int], code: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    function = functools.partial(square, log)
    run_tasks("t", function, TASKS[:1], {}, 1, code=(), folder=tmp_path)
    run_tasks(name, function, TASKS[:1], settings, 1, code=code, folder=tmp_path)
    assert done_by(log) == [0, 0]


def test_a_failed_task_is_reported_after_the_others_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(EngineError, match=r"1 of 4 tasks.*\"n\": 2.*two"):
        run_tasks("t", functools.partial(fail_at_two, log), TASKS, {}, 1, code=(), folder=tmp_path)
    log.with_suffix(".mended").touch()
    function = functools.partial(fail_at_two, log)
    found = run_tasks("t", function, TASKS, {}, 1, code=(), folder=tmp_path)
    assert done_by(log) == [0, 1, 3, 2]
    assert [done.result["square"] for done in found] == [0, 1, 4, 9]


def test_a_killed_run_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    function = functools.partial(square, log)
    run_tasks("t", function, TASKS[:3], {}, 1, code=(), folder=tmp_path)
    (journal,) = tmp_path.glob("t-*.jsonl")
    journal.write_bytes(journal.read_bytes()[:-5])
    run_tasks("t", function, TASKS, {}, 1, code=(), folder=tmp_path)
    assert done_by(log) == [0, 1, 2, 2, 3]


@pytest.mark.slow
def test_memory_is_that_of_the_task_in_a_process_of_its_own(tmp_path: Path) -> None:
    small, large = run_tasks(
        "t", hold, [{"mb": 1}, {"mb": 300}], {}, code=(), fresh=True, folder=tmp_path
    )
    assert 250 < large.peak_mb - small.peak_mb < 700


def test_seconds_of_earlier_runs_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_spent", [])
    function = functools.partial(square, tmp_path / "log")
    first = run_tasks("t", function, TASKS, {}, 1, code=(), folder=tmp_path)
    again = run_tasks("t", function, TASKS, {}, 1, code=(), folder=tmp_path)
    assert spent() == pytest.approx(sum(done.seconds for done in (*first, *again)))


class TestCodeHash:
    @pytest.fixture(autouse=True)
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(module, "ROOT", tmp_path)
        (tmp_path / "p").mkdir()
        (tmp_path / "p" / "a.py").write_text(
            '"""Doc."""\n\ndef f():\n    """Doc."""\n    return 1\n'
        )
        (tmp_path / "p" / "b.txt").write_text("b")
        return tmp_path

    def test_comments_and_docstrings_do_not_count(self, root: Path) -> None:
        before = code_hash(["p"])
        text = '"""Other."""\n\n\ndef f():\n    """Other."""\n    # why\n    return 1\n'
        (root / "p" / "a.py").write_text(text)
        assert code_hash(["p"]) == before

    def test_code_and_its_place_count(self, root: Path) -> None:
        before = code_hash(["p/*.py"])
        (root / "p" / "a.py").write_text('"""Doc."""\n\ndef f():\n    """Doc."""\n    return 2\n')
        changed = code_hash(["p/*.py"])
        (root / "p" / "a.py").rename(root / "p" / "c.py")
        assert len({before, changed, code_hash(["p/*.py"]), code_hash(["p/b.txt"])}) == 4

    def test_a_function_counts_by_its_code(self) -> None:
        assert code_hash([square]) == code_hash([square])
        assert len({code_hash([square]), code_hash([hold]), code_hash([square, hold])}) == 3
        assert code_hash([square, hold]) == code_hash([hold, square])
