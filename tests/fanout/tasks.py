"""Functions for workers; the workers import them from here."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .waiting import until


def square(number: int) -> int:
    """Fail for some numbers; the worker should survive."""
    if number == 3:
        raise ValueError(f"no square of {number}")
    if number == 5:
        sys.exit("enough")
    return number * number


def mean_of(table: np.ndarray[Any, Any], row: int) -> float:
    """Read a row of a large argument."""
    return float(table[row].mean())


def noise(seed: int) -> bytes:
    """Random bits; only the seed determines them."""
    rng = np.random.default_rng(seed)
    return bytes((rng.normal(size=(20, 20)) @ rng.normal(size=(20, 20))).tobytes())


def die_once(folder: Path, number: int) -> int:
    """Kill the own process at the first attempt of every third number."""
    marker = folder / f"died-{number}"
    if number % 3 == 0 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def die_at_two(number: int) -> int:
    """Kill the own process whenever the number is 2."""
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number * number


def wait_for_file(folder: Path, number: int) -> int:
    """Log the worker and the number; end when the file ``go``, or the task's own, appears."""
    with (folder / f"pid-{number}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    until(lambda: (folder / "go").exists() or (folder / f"go-{number}").exists())
    return number * number


def fork_and_die(number: int) -> None:
    """Leave a child process behind for a few seconds, with all files open."""
    if os.fork() == 0:
        time.sleep(5)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def surroundings(number: int) -> tuple[int, str | None, int | None, bool]:
    """Process, threads by environment and by torch, and whether Ctrl-C would be heard."""
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    heard = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), threads, heard


def return_lambda(number: int) -> Any:
    """Return unpicklable values for odd numbers."""
    return (lambda: number) if number % 2 else number


@dataclass
class Unreadable:
    """Can be packed, and not unpacked."""

    number: int

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return int, ("not a number",)


def give_unreadable(number: int) -> Any:
    """Return values that fail to unpickle for odd numbers."""
    return Unreadable(number) if number % 2 else number
