"""Numbers of runs, and the figures of a timed network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from brpnas.errors import ConfigurationError

__all__ = ["Protocol", "Timing"]


@dataclass(frozen=True)
class Protocol:
    """Numbers of runs, see `brpnas.measure.runner.time_runs`.

    Args:
        warmup: Uncounted runs before the first block.
        runs: Runs per block.
        repeats: Number of blocks.

    Raises:
        ConfigurationError: If ``runs`` or ``repeats`` is not positive, or ``warmup`` negative.
    """

    warmup: int = 10
    runs: int = 20
    repeats: int = 10

    def __post_init__(self) -> None:
        if min(self.runs, self.repeats) < 1 or self.warmup < 0:
            raise ConfigurationError(
                f"{self}: runs and repeats must be 1 or more, warmup 0 or more."
            )


@dataclass(frozen=True)
class Timing:
    """Figures of a network.

    Args:
        latency_ms: Interquartile mean of the blocks.
        std_ms: Standard deviation between blocks (divisor: blocks - 1); None for a single block.
        blocks_ms: Interquartile mean of the runs of each block.
        difference: Largest difference from torch, relative to the largest logit; None if unknown.
        energy_mj: Energy per run; None if the machine has no counter.
        peak_memory_mib: Peak memory of the process that ran it, with Python and the runtime.
        file_kib: Size of its files.
    """

    latency_ms: float
    std_ms: float | None
    blocks_ms: tuple[float, ...]
    difference: float | None = None
    energy_mj: float | None = None
    peak_memory_mib: float | None = None
    file_kib: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The figures in a row of the runner."""
        figures = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**figures | {"blocks_ms": tuple(row["blocks_ms"])})
