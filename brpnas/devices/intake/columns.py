"""Columns of a file of latencies, and their common names."""

from __future__ import annotations

from brpnas.tables import CELL, Column

__all__ = ["COLUMNS", "REQUIRED"]

_TIMES = (
    *("latency", "lat", "time", "runtime", "inference", "inferencetime", "duration", "mean"),
    *("meanlatency", "latencymean", "avglatency", "latencyavg", "median", "medianlatency"),
)
_UNITS = {
    "": "",
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), ""),
    **dict.fromkeys(("s", "sec", "secs", "seconds"), "Multiply it by 1,000"),
    **dict.fromkeys(("us", "usec", "micros", "microseconds"), "Divide it by 1,000"),
    **dict.fromkeys(("ns", "nsec", "nanoseconds"), "Divide it by 1,000,000"),
}
_LATENCIES = {f"{time}{unit}": remedy for time in _TIMES for unit, remedy in _UNITS.items()} | {
    unit: remedy for unit, remedy in _UNITS.items() if unit
}

COLUMNS = (
    CELL,
    Column("latency_ms", "number", required=True, aliases=_LATENCIES, unit="milliseconds"),
    Column("std_ms", "number"),
    Column("repeats", "number"),
    Column("device"),
    Column("network_size"),
    Column("precision"),
    Column("file"),  # of the network, in the index of `brpnas export`
)
"""All known columns; others are reported and not read."""
REQUIRED = tuple(column.name for column in COLUMNS if column.required)
