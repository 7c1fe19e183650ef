"""The whole road of a new user: own pictures, own board, interruptions, hostile files.

Each part works in a fresh copy of the tracked files, in a git repository of its own, with this
environment's packages and the commands of the README.

- *cases*: the situations of ``../shared/cases``; left out where that folder is not there.
- *pictures*: a folder of PNG files to a network within a limit: one file edited, two commands.
  Then the delivered ONNX file is judged by itself, from its metadata alone: its accuracy on the
  test pictures and its latency (one thread, interquartile mean, measured twice) against the report.
- *sizes*: a search at another network size than its latencies; trainings begun before it is
  refused.
- *board*: ten measured rows in a CSV to a search under the board's limit. The limit is checked on
  latencies that the search never saw.
- *interrupts*: the first command, interrupted at random moments; later commands that fail.
- *hostile*: damaged and hostile files, each read in a process with limits on memory and time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.data import Benchmark
from benchmarks.road.board import ten_rows
from benchmarks.road.cases import run_cases
from benchmarks.road.interrupts import interrupt_first
from benchmarks.road.pictures import own_pictures
from benchmarks.road.sizes import sizes_that_differ

__all__ = ["run"]

_KILLS, _QUICK_KILLS = 50, 4


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Walk every part of the road and return its figures."""
    from benchmarks import hostile_files  # noqa: PLC0415 - needs every reader

    del bench, workers  # everything is made here, as a user would
    print(__doc__)
    figures: dict[str, Any] = {"seeds": seeds or 1}
    if not quick:
        figures["cases"] = run_cases()
    parts = {
        "pictures": lambda place: own_pictures(place, quick),
        "sizes": sizes_that_differ,
        "board": lambda place: ten_rows(place, quick),
        "interrupts": lambda place: interrupt_first(place, _QUICK_KILLS if quick else _KILLS),
    }
    for name, part in parts.items():
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = part(Path(folder))
        print(f"{name}: {figures[name]}\n")
    figures["hostile"] = hostile_files.run(quick)
    return figures
