"""Hostile and damaged files of every kind: code run, tracebacks, memory and time.

The files and their reading are in `tests.hostile`; ``--quick`` gives a reader 20 seconds instead of
60. The benchmark ``road`` reports the same figures.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.data import Benchmark
from tests.hostile import reading

__all__ = ["run"]


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Read all files; print the faults and return the figures."""
    del bench, seeds, workers  # the files are made here, and read one after another
    print(__doc__)
    figures = reading.run(quick)
    print(json.dumps(figures["faults"], indent=1))
    return figures
