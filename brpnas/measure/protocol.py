"""Timing of one network: warm-up, blocks of runs, interquartile means.

`time_runs` is the protocol of LatBench (Dudziak et al., NeurIPS 2020, arXiv 2007.08668): the
interquartile mean over blocks of the interquartile mean over the runs of a block.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from brpnas.errors import ConfigurationError

__all__ = ["Protocol", "Timing", "interquartile_mean", "time_runs"]

_NS_PER_MS = 1e6


@dataclass(frozen=True)
class Protocol:
    """Numbers of runs.

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
    """Latency of a network and its spread.

    Args:
        latency_ms: Interquartile mean of the blocks.
        std_ms: Standard deviation between blocks (divisor: blocks - 1); None for a single block.
        blocks_ms: Interquartile mean of the runs of each block.
    """

    latency_ms: float
    std_ms: float | None
    blocks_ms: tuple[float, ...]


def interquartile_mean(values: Sequence[float]) -> float:
    """Mean without the smallest and the largest quarter of the values.

    A quarter is rounded down to a whole number: fewer than four values have their plain mean.

    Raises:
        ConfigurationError: If there is no value.

    Examples:
        >>> interquartile_mean([1.0, 2.0, 4.0, 100.0])
        3.0
    """
    if not values:
        raise ConfigurationError("An interquartile mean needs at least one value.")
    cut = len(values) // 4
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def time_runs(
    run: Callable[[], object],
    protocol: Protocol,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> Timing:
    """Time a callable by the protocol, without garbage collection.

    Args:
        run: Does the work once and returns at its end.
        protocol: Numbers of runs.
        clock: Nanoseconds since any fixed moment.
    """
    with _no_garbage_collection():
        for _ in range(protocol.warmup):
            run()
        blocks = tuple(
            interquartile_mean([_once(run, clock) / _NS_PER_MS for _ in range(protocol.runs)])
            for _ in range(protocol.repeats)
        )
    std = statistics.stdev(blocks) if len(blocks) > 1 else None
    return Timing(interquartile_mean(blocks), std, blocks)


def _once(run: Callable[[], object], clock: Callable[[], int]) -> int:
    start = clock()
    run()
    return clock() - start


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
