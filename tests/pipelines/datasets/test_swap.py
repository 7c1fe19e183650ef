"""Replacing in one step: files after a kill, and left-overs after the next save."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.datasets import swap
from pipelines.datasets.atomic import atomically
from pipelines.datasets.swap import clear_away, fresh_path, replace


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "a").write_text(content)
    return path


def names(path: Path) -> list[str]:
    return sorted(inner.name for inner in path.iterdir())


@pytest.fixture(params=[True, False], ids=["exchange", "two steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to replace a folder; the one-step way is the one of this machine."""
    if not request.param:
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    return bool(request.param)


def test_this_file_system_exchanges_folders(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", "1"), folder(tmp_path / "other", "2")
    assert swap._exchange(one, other)
    assert ((one / "a").read_text(), (other / "a").read_text()) == ("2", "1")
    assert not swap._exchange(one, tmp_path / "none")


def test_a_folder_takes_the_place_of_another(tmp_path: Path, way: bool) -> None:
    target = folder(tmp_path / "board", "old")
    fresh = folder(fresh_path(target), "new")
    replace(fresh, target)
    assert (target / "a").read_text() == "new"
    swap.remove(fresh)
    assert names(tmp_path) == ["board"]


def test_a_failure_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    target = folder(tmp_path / "board", "old")
    fresh = folder(fresh_path(target), "new")

    def refuse(*_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        replace(fresh, target)
    assert (target / "a").read_text() == "old"


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_exchanged(one: Path, other: Path, exchange: Callable[..., bool] = swap._exchange) -> None:
    exchange(one, other)
    _die()


def _save_and_die(target: Path, **changed: Callable[..., object]) -> None:
    """Save in a process of its own, with other functions of `swap`; one of them kills it."""
    process = os.fork()
    if process == 0:
        try:
            for name, function in changed.items():
                setattr(swap, name, function)
            with atomically(target) as fresh:
                fresh.mkdir()
                (fresh / "a").write_text("new")
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("changed", "there"),
    [
        ({"_flush": _die}, "old"),
        ({"flush": _die}, "old"),
        ({"_exchange": _die_exchanged}, "new"),
    ],
)
def test_a_kill_leaves_the_old_or_the_new_folder(
    tmp_path: Path, changed: dict[str, Callable[..., object]], there: str
) -> None:
    target = folder(tmp_path / "board", "old")
    _save_and_die(target, **changed)
    assert (target / "a").read_text() == there
    assert len(names(tmp_path)) == 2
    clear_away(target)
    assert (target / "a").read_text() == there
    assert names(tmp_path) == ["board"]


def test_a_kill_between_two_steps_is_mended_by_the_next_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder(tmp_path / "board", "old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _die)
        _save_and_die(target, _exchange=lambda one, other: False)
    assert not target.exists()
    clear_away(target)
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["board"]


def test_what_living_processes_and_other_machines_use_stays(tmp_path: Path) -> None:
    target = tmp_path / "board"
    ours = fresh_path(target)
    other = fresh_path(target).name.split("-", 1)[1]
    elsewhere = tmp_path / f".{'0' * 8}-{other}"
    foreign = [
        tmp_path / ".hidden.board",
        tmp_path / ".x.new.board",
        fresh_path(tmp_path / "a.board"),
    ]
    for path in (ours, elsewhere, *foreign):
        path.touch()
    before = names(tmp_path)
    clear_away(target)
    assert names(tmp_path) == before


def test_content_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[str] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        forced.append(f"{name}:{target.exists()}")
        real(descriptor)

    target = tmp_path / "board"
    fresh = folder(fresh_path(target), "new")
    monkeypatch.setattr(os, "fsync", noted)
    replace(fresh, target)
    assert forced == ["a:False", f"{fresh.name}:False", f"{tmp_path.name}:True"]
