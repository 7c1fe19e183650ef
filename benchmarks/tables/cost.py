"""Seconds and memory."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.tables.markdown import Result, markdown

__all__ = ["devices", "rankers", "ranking", "seconds", "start", "workers"]


def seconds(result: Result) -> str:
    """Seconds of each step."""
    rows = [
        [name, f"{median:.3f}", f"{low:.3f} to {high:.3f}"]
        for name, (low, median, high) in result["seconds"].items()
    ]
    return markdown(["step", "median, s", "range"], rows)


def start(result: Result) -> str:
    """Seconds until the first node of a run, or the end of a command."""
    rows = [
        [kind, f"`{name}`" if name != "bare" else "bare Kedro", f"{clock:.2f}", f"{processor:.2f}"]
        + [_ratio(result["ratios"][kind].get(f"{name} / {o}")) for o in ("bare", f"{name}, before")]
        for kind, seconds in result["seconds"].items()
        for name, (clock, processor) in seconds.items()
        if not name.endswith("before")
    ]
    header = ["", "command", "clock, s", "processor, s", "against bare Kedro", "against before"]
    return markdown(header, rows)


def _ratio(pair: Sequence[float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.2f} / {pair[1]:.2f}"


def ranking(result: Result) -> str:
    """Cost of ranking by number of cells."""
    return _by_size(result["ranking"], "cells ranked", "threads")


def rankers(result: Result) -> str:
    """Cost of training a ranker by number of cells."""
    return _by_size(result["training"], "training cells", "ranker")


def devices(result: Result) -> str:
    """Cost of the prior by number of known devices."""
    return _by_size(result["devices"], "known devices")


def _by_size(rows: Sequence[Result], head: str, *keys: str) -> str:
    cells = [
        [
            f"{row['size']:,}",
            *(str(row[key]) for key in keys),
            f"{row['seconds']:.2f}",
            f"{row['slowest']:.2f}",
            f"{row['peak_mb']:,}",
        ]
        for row in rows
    ]
    return markdown([head, *keys, "seconds", "slowest", "peak, MiB"], cells)


def workers(result: Result) -> str:
    """Speed-up by number of processes."""
    rows = [
        [row["part"], str(row["workers"]), f"{row['seconds']:.1f}", f"{row['speed_up']:.2f}",
         f"{row['efficiency']:.2f}"]
        for row in result["workers"]
    ]  # fmt: skip
    return markdown(["work", "processes", "seconds", "speed-up", "efficiency"], rows)
