"""The whole way of a new user: own pictures, own board, interruptions, hostile files.

Each part works in a fresh copy of the tracked files, in a separate git repository, with this
environment's packages and the commands of the README.

- *cases*: the situations of ``../shared/cases``, if that folder exists.
- *pictures*: a folder of PNG files to a network within a limit: one file edited, two commands. The
  delivered ONNX file is then tested from its metadata alone: its accuracy on the test pictures and
  its latency (one thread, interquartile mean, measured twice) against the report.
- *sizes*: a search at another network size than its latencies; counts trainings before the refusal.
- *board*: ten measured rows in a CSV to a search under the board's limit, checked on latencies
  unseen by the search. The board resembles a device known to the prior.
- *interrupts*: the first command, interrupted at random moments; later commands that fail.
- *hostile*: damaged and hostile files, each read in a process with limits of memory and time.

Results of parts are kept: the same command resumes while the code is unchanged. ``commit`` names
the code.
"""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.data import ROOT
from benchmarks.road.board import ten_rows
from benchmarks.road.cases import run_cases
from benchmarks.road.interrupts import interrupt_first
from benchmarks.road.pictures import own_pictures
from benchmarks.road.sizes import sizes_that_differ
from benchmarks.tasks import Task, run_tasks
from tests.hostile import reading

__all__ = ["run"]

SEEDS = 1, 1
_KILLS, _QUICK_KILLS = 50, 4
_CODE = ("benchmarks/project.py", "benchmarks/road", "tests/hostile")


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of every part, one command at a time, as a user would."""
    parts = ["pictures", "sizes", "board", "hostile", "interrupts", *([] if quick else ["cases"])]
    done = run_tasks(
        "road",
        functools.partial(_walk, quick=quick),
        [{"part": part} for part in parts],
        {"quick": quick},
        1,
        code=(*_CODE, "brpnas", "pipelines"),
    )
    figures = {str(each.task["part"]): each.result for each in done}
    return {"seeds": seeds, **figures}


def _walk(task: Task, *, quick: bool) -> dict[str, Any] | None:
    parts: dict[str, Callable[[Path], dict[str, Any] | None]] = {
        "pictures": lambda folder: own_pictures(folder, quick),
        "sizes": sizes_that_differ,
        "board": lambda folder: ten_rows(folder, quick),
        "hostile": lambda _: reading.run(quick),
        "interrupts": lambda folder: interrupt_first(folder, _QUICK_KILLS if quick else _KILLS),
        "cases": lambda _: run_cases(),
    }
    with tempfile.TemporaryDirectory() as folder:
        figures = parts[task["part"]](Path(folder))
    return None if figures is None else {**figures, "commit": _commit()}


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
