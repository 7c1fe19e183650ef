"""Waiting for other processes, with a timeout."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

PATIENCE_S = 60.0


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:.0f} s"
        time.sleep(0.01)


def ended(pid: int | None) -> bool:
    """Whether a process is gone, or is dead and waits to be asked for."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
