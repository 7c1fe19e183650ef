"""Columns of the file of a device, and their common names."""

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

_ENERGIES = {
    f"{energy}{unit}": remedy
    for energy in ("energy", "meanenergy", "energymean", "avgenergy", "energyperrun")
    for unit, remedy in {
        "": "",
        **dict.fromkeys(("mj", "millijoules"), ""),
        **dict.fromkeys(("j", "joules"), "Multiply it by 1,000"),
        **dict.fromkeys(("uj", "microjoules"), "Divide it by 1,000"),
        **dict.fromkeys(("wh",), "Multiply it by 3,600,000"),
    }.items()
}
_MEMORIES = {
    f"{memory}{unit}": remedy
    for memory in ("memory", "mem", "ram", "peakmemory", "peakmem", "peakram", "maxmemory", "rss")
    for unit, remedy in {
        "": "",
        "mib": "",
        **dict.fromkeys(("b", "bytes"), "Divide it by 1,048,576"),
        **dict.fromkeys(("kb", "kib"), "Divide it by 1,024"),
        "mb": "Divide it by 1.048576 if a MB is a million bytes",
        **dict.fromkeys(("gb", "gib"), "Multiply it by 1,024"),
    }.items()
}

COLUMNS = (
    CELL,
    Column("latency_ms", "number", required=True, aliases=_LATENCIES, unit="milliseconds"),
    Column("energy_mj", "number", aliases=_ENERGIES, unit="millijoules"),
    Column("peak_memory_mib", "number", aliases=_MEMORIES, unit="MiB"),
    Column("std_ms", "number"),
    Column("repeats", "number"),
    Column("device"),
    Column("network_size"),
    Column("precision"),
    Column("file"),  # of the network, in the index of `brpnas export`
)
"""All known columns; others are reported and not read."""
REQUIRED = tuple(column.name for column in COLUMNS if column.required)
