from __future__ import annotations

import gc

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import ConfigurationError
from brpnas.measure.protocol import Protocol, interquartile_mean, time_runs


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 20, 50])
def test_interquartile_mean_is_that_of_scipy(size: int) -> None:
    values = np.random.default_rng(size).lognormal(size=size).tolist()
    assert interquartile_mean(values) == pytest.approx(scipy.stats.trim_mean(values, 0.25))


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ConfigurationError):
        interquartile_mean([])


def test_protocol_against_a_slow_reference() -> None:
    """A clock that is read before and after every run, and whose readings are known."""
    protocol = Protocol(warmup=3, runs=8, repeats=6)
    durations = np.random.default_rng(0).integers(1_000_000, 9_000_000, (6, 8))
    now, calls = 0, 0

    def run() -> None:
        nonlocal now, calls
        if calls >= protocol.warmup:
            now += int(durations.flat[calls - protocol.warmup])
        calls += 1

    timing = time_runs(run, protocol, clock=lambda: now)
    blocks = [scipy.stats.trim_mean(block / 1e6, 0.25) for block in durations]
    assert calls == 3 + 8 * 6
    assert timing.blocks_ms == pytest.approx(blocks)
    assert timing.latency_ms == pytest.approx(scipy.stats.trim_mean(blocks, 0.25))
    assert timing.std_ms == pytest.approx(np.std(blocks, ddof=1))


def test_one_block_has_no_deviation() -> None:
    assert time_runs(lambda: None, Protocol(0, 1, 1)).std_ms is None


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_rests_and_is_left_as_it_was(enabled: bool) -> None:
    seen = []
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        time_runs(lambda: seen.append(gc.isenabled()), Protocol(1, 1, 1))
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [False, False]


@pytest.mark.parametrize("wrong", [{"warmup": -1}, {"runs": 0}, {"repeats": 0}])
def test_impossible_protocols(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Protocol(**wrong)
