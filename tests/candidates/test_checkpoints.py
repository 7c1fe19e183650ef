"""Checkpoints of trainings: written by elapsed time, read by the next try, removed at the end."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.candidates import ImageData, ImageSource, JobResult, train_architecture
from brpnas.candidates.checkpoints import Checkpoints
from brpnas.candidates.fitting import Fitting
from tests.candidates.small import CONV, POOL, small

TASK = {"arch_id": CONV, "seed": 0}


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def data() -> ImageData:
    return ImageSource().load()


@pytest.fixture(scope="module")
def whole(data: ImageData) -> JobResult:
    return train_architecture(CONV, 0, data, small())


def stop_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the next trainings end before an epoch; the list is of the epochs that ran."""
    run, ran = Fitting.run_epoch, []

    def run_or_stop(fitting: Fitting) -> None:
        if fitting.epochs == epochs:
            raise StoppedError
        run(fitting)
        ran.append(fitting.epochs)

    monkeypatch.setattr(Fitting, "run_epoch", run_or_stop)
    return ran


def same(a: JobResult, b: JobResult) -> bool:
    return (a.valid, a.test, a.curve, a.train_loss) == (
        b.valid,
        b.test,
        b.curve,
        b.train_loss,
    ) and (all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights))


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("epochs", [1, 3, 4])
def test_a_stopped_training_goes_on_bit_by_bit(
    tmp_path: Path, data: ImageData, monkeypatch: pytest.MonkeyPatch, epochs: int, final: bool
) -> None:
    expected = train_architecture(CONV, 0, data, small(), final=final)
    checkpoint = Checkpoints(tmp_path, every_s=0).of(TASK)
    with monkeypatch.context() as patch:
        stop_after(epochs, patch)
        patch.setattr("brpnas.candidates.training.end_training", _stop)
        with pytest.raises(StoppedError):
            train_architecture(CONV, 0, data, small(), final=final, checkpoint=checkpoint)
    ran = stop_after(99, monkeypatch)
    again = train_architecture(CONV, 0, data, small(), final=final, checkpoint=checkpoint)
    assert same(again, expected)
    assert ran == list(range(epochs + 1, 5))
    assert len(again.curve) == (0 if final else 4)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
    checkpoint.remove()


def _stop(*_: Any) -> None:
    raise StoppedError


def test_a_short_training_writes_none(tmp_path: Path, data: ImageData) -> None:
    train_architecture(CONV, 0, data, small(), checkpoint=Checkpoints(tmp_path / "c").of(TASK))
    assert not (tmp_path / "c").exists()


def test_the_time_between_two_is_kept(
    tmp_path: Path, data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, saved, state = iter(range(0, 1000, 4)), [], Fitting.state
    monkeypatch.setattr("brpnas.candidates.checkpoints.time.monotonic", lambda: float(next(clock)))

    def noted(fitting: Fitting) -> Any:
        saved.append(fitting.epochs)
        return state(fitting)

    monkeypatch.setattr(Fitting, "state", noted)
    checkpoint = Checkpoints(tmp_path, every_s=12).of(TASK)
    train_architecture(CONV, 0, data, small(epochs=8), checkpoint=checkpoint)
    assert saved == [3, 6], "4 s an epoch, and 4 s for the writing"


@pytest.mark.parametrize("damage", ["truncated", "text", "another task", "another network"])
def test_a_damaged_one_is_a_warning_and_the_training_starts_over(
    tmp_path: Path,
    data: ImageData,
    whole: JobResult,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    checkpoint = Checkpoints(tmp_path, every_s=0).of(TASK)
    arch_id = POOL if damage == "another network" else CONV
    train_architecture(arch_id, 0, data, small(), checkpoint=checkpoint)
    content = checkpoint.path.read_bytes()
    if damage == "truncated":
        checkpoint.path.write_bytes(content[:-10])
    elif damage == "text":
        checkpoint.path.write_text("not a checkpoint")
    elif damage == "another task":
        other = Checkpoints(tmp_path).of({**TASK, "seed": 1})
        checkpoint.path.rename(other.path)
        checkpoint = other
    ran = stop_after(99, monkeypatch)
    with caplog.at_level(logging.WARNING):
        assert same(train_architecture(CONV, 0, data, small(), checkpoint=checkpoint), whole)
    assert ran == [1, 2, 3, 4]
    assert str(checkpoint.path) in caplog.text


def test_a_folder_that_takes_no_file_costs_no_training(
    tmp_path: Path, data: ImageData, whole: JobResult, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    checkpoint = Checkpoints(tmp_path / "file", every_s=0).of(TASK)
    with caplog.at_level(logging.WARNING):
        assert same(train_architecture(CONV, 0, data, small(), checkpoint=checkpoint), whole)
    assert str(checkpoint.path) in caplog.text


def test_each_training_has_its_own(tmp_path: Path) -> None:
    folder = Checkpoints(tmp_path)
    tasks = [TASK, {**TASK, "seed": 1}, {**TASK, "arch_id": POOL}]
    paths = [folder.of(task).path for task in tasks]
    assert len(set(paths)) == 3
    assert folder.of(dict(reversed(TASK.items()))).path == paths[0]


@pytest.mark.slow
def test_killed_in_a_training(tmp_path: Path, data: ImageData, repository: Path) -> None:
    """Killed by SIGKILL five times, after at least one more checkpoint each time."""
    command = [sys.executable, "-m", "tests.candidates.killed_epochs", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    (checkpoint, ended), kills = (tmp_path / "it.checkpoint", tmp_path / "ended"), 0
    while not ended.exists() and kills < 5:
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        with subprocess.Popen(command, cwd=repository, env=environment) as process:
            while process.poll() is None and (
                not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before
            ):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        kills += process.returncode == -signal.SIGKILL
    assert kills == 5
    subprocess.run(command, cwd=repository, env=environment, check=True)
    from tests.candidates.killed_epochs import SETTINGS  # noqa: PLC0415

    again = train_architecture(CONV, 0, data, SETTINGS)
    told = np.load(ended)
    assert told["curve"].tolist() == list(again.curve)
    assert all(np.array_equal(told[name], value) for name, value in again.weights.items())
    assert int(told["ran"]) < SETTINGS.epochs - 4, "the last try ran the rest only"
