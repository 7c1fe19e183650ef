"""Hostile and damaged files of every kind: code run, tracebacks, memory and time.

The files and their reading are in `tests.hostile`; ``--quick`` gives a reader 20 seconds instead of
60. The benchmark ``road`` reports the same figures.
"""

from __future__ import annotations

from typing import Any

from tests.hostile import reading

__all__ = ["run"]

SEEDS = 1, 1


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures and faults; the files are read one after another."""
    return reading.run(quick)
