"""Locks: exclusive between processes and handles, and gone with their process."""

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from brpnas.errors import LockedError
from brpnas.locks import locked

_fork = multiprocessing.get_context("fork")


def _count(path: Path, times: int) -> None:
    for _ in range(times):
        with locked(path, "counter"):
            number = int(path.read_text("utf-8"))
            time.sleep(0.001)
            path.write_text(str(number + 1), "utf-8")


def test_no_update_is_lost(tmp_path: Path) -> None:
    """Processes that read, wait and write under the lock never overwrite each other."""
    path = tmp_path / "counter"
    path.write_text("0", "utf-8")
    processes = [_fork.Process(target=_count, args=(path, 20)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert path.read_text("utf-8") == "60"


def test_second_handle_is_refused_and_does_not_release_the_first(tmp_path: Path) -> None:
    """A second handle of the same process fails, and its end gives nothing up."""
    path = tmp_path / "store"
    with locked(path, "store", 0):
        for _ in range(2):
            with pytest.raises(LockedError, match="store"), locked(path, "store", 0):
                pass
    with locked(path, "store", 0):
        pass


def _hold_with_child(path: Path, pipe: Connection) -> None:
    lock = locked(path, "store", 0)
    lock.__enter__()
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    pipe.send(child)
    time.sleep(60)


def test_lock_ends_with_its_process_though_a_forked_worker_lives_on(tmp_path: Path) -> None:
    """After kill -9 the next process gets the lock at once."""
    path = tmp_path / "store"
    ours, theirs = _fork.Pipe()
    holder = _fork.Process(target=_hold_with_child, args=(path, theirs))
    holder.start()
    child = ours.recv()
    try:
        with pytest.raises(LockedError), locked(path, "store", 0):
            pass
        holder.kill()
        holder.join()
        os.kill(child, 0)
        with locked(path, "store", 0):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_lock_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(LockedError, match="writable"), locked(tmp_path / "file" / "x", "store", 0):
        pass
