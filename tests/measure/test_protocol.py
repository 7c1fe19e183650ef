from __future__ import annotations

import gc

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import ConfigurationError
from brpnas.measure.protocol import Protocol, Timing
from brpnas.measure.runner import interquartile_mean, time_runs


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 20, 50])
def test_interquartile_mean_is_that_of_scipy(size: int) -> None:
    values = np.random.default_rng(size).lognormal(size=size).tolist()
    assert interquartile_mean(values) == pytest.approx(scipy.stats.trim_mean(values, 0.25))


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError, match="interquartile"):
        interquartile_mean([])


def test_runs_against_a_slow_reference() -> None:
    """A clock that is read before and after every run, and whose readings are known."""
    durations = np.random.default_rng(0).integers(1_000_000, 9_000_000, (6, 8))
    now, calls = 0, 0

    def run() -> None:
        nonlocal now, calls
        if calls >= 3:
            now += int(durations.flat[calls - 3])
        calls += 1

    timed = time_runs(run, 3, 8, 6, clock=lambda: now, energy=lambda: 10.0 * calls)
    blocks = [scipy.stats.trim_mean(block / 1e6, 0.25) for block in durations]
    assert calls == 3 + 8 * 6
    assert timed.blocks_ms == pytest.approx(blocks)
    assert timed.latency_ms == pytest.approx(scipy.stats.trim_mean(blocks, 0.25))
    assert timed.std_ms == pytest.approx(np.std(blocks, ddof=1))
    assert timed.energy_mj == 10.0, "that of a run, without warm-up"


def test_one_block_has_no_deviation_and_no_counter_no_energy() -> None:
    timed = time_runs(lambda: None, 0, 1, 1)
    assert (timed.std_ms, timed.energy_mj) == (None, None)


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_rests_and_is_left_as_it_was(enabled: bool) -> None:
    seen = []
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        time_runs(lambda: seen.append(gc.isenabled()), 1, 1, 1)
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [False, False]


@pytest.mark.parametrize("wrong", [{"warmup": -1}, {"runs": 0}, {"repeats": 0}])
def test_impossible_protocols(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Protocol(**wrong)


def test_figures_of_a_row() -> None:
    figures = {"latency_ms": 1.5, "std_ms": None, "difference": 0.0, "energy_mj": 3.0}
    figures |= {"peak_memory_mib": 50.0, "file_kib": 7.5}
    row = {**figures, "blocks_ms": [1.5], "event": "network", "name": "x"}
    assert Timing.of(row) == Timing(**figures, blocks_ms=(1.5,))
