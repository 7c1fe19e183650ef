"""Accuracy that quantisation to int8 costs, by runtime."""

from __future__ import annotations

from typing import Any

from benchmarks.deployed import quantised_winner
from brpnas.measure.runtimes import RUNTIMES

__all__ = ["winner"]


def winner(*, quick: bool) -> dict[str, Any]:
    """Accuracy and size before and after quantisation, by runtime with int8; quick, of one.

    The latencies of `benchmarks.deployed.quantised_winner` are left out: other tests may run.
    """
    names = [name for name, kind in RUNTIMES.items() if "int8" in kind.precisions]
    return {name: _accuracy(name) for name in names[: 1 if quick else None]}


def _accuracy(name: str) -> dict[str, Any]:
    return {key: value for key, value in quantised_winner(name).items() if key != "latency_ms"}
