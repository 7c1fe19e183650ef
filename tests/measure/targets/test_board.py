"""Boards of processes that were killed leave nothing behind."""

from __future__ import annotations

import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.measure.targets.board import _text, require_board, sweep

ROOT = Path(__file__).parents[3]
MAKE = """
import sys, time
from tests.measure.targets.board import Board
board = Board()
print(board.folder, board.space, board.user, board._sshd.pid, flush=True)
time.sleep(600)
"""


def spaces() -> list[str]:
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines()]


def users() -> set[str]:
    return {entry.pw_name for entry in pwd.getpwall()}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_owner(number: signal.Signals) -> None:
    require_board()
    owner = subprocess.Popen(
        [sys.executable, "-c", MAKE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        folder, space, user, sshd = owner.stdout.readline().split()
        sweep()
        assert Path(folder).is_dir(), "its owner lives"
        assert space in spaces()
        assert user in users()
        owner.send_signal(number)
    assert owner.returncode == -number
    end = time.monotonic() + 10
    while _text(f"/proc/{sshd}/cmdline"):  # empty for a zombie
        assert time.monotonic() < end, "sshd lives on"
        time.sleep(0.02)
    sweep()
    assert not Path(folder).exists()
    assert space not in spaces()
    assert user not in users()
