"""The sum over blocks, the drift of a machine, and the means of the benchmark on FBNet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import fbnet
from brpnas.datasets import fbnet_devices
from brpnas.spaces import get_space


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch):
    """300 random architectures instead of the published ones."""
    space = get_space("fbnet")
    found = space.graphs(space.sample(np.random.default_rng(0), 300))
    monkeypatch.setattr(fbnet, "_graphs", lambda: found)
    fbnet._counts.cache_clear()
    fbnet._pairs.cache_clear()
    yield found
    fbnet._counts.cache_clear()
    fbnet._pairs.cache_clear()


def logs_of(graphs) -> np.ndarray:
    """A machine without noise: each kind of block multiplies the latency."""
    cost = np.random.default_rng(1).normal(size=graphs.view("raw").num_ops)
    ops = graphs.view("pruned").ops
    return np.where(ops > 3, cost[ops], 0).sum(axis=1)


def test_a_sum_over_blocks_is_learnt_and_extrapolates(graphs) -> None:
    logs = logs_of(graphs)
    found = fbnet._sum_of_blocks(np.arange(200), logs)
    np.testing.assert_allclose(found[:200], logs[:200], atol=1e-8)
    np.testing.assert_allclose(found[200:], logs[200:], atol=1e-6)


def test_drift_is_what_neighbours_share(graphs, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    steady = logs_of(graphs) + 0.1 * rng.normal(size=300)
    drifting = logs_of(graphs) + 0.1 * np.repeat(rng.normal(size=10), 30)
    limits = {}
    for name, logs in (("steady", steady), ("drifting", drifting)):
        monkeypatch.setattr(fbnet, "_latency", lambda _, logs=logs: np.exp(logs))
        limits[name] = fbnet._limits(name)
    assert abs(limits["steady"]["drift"]) < 0.2
    assert limits["drifting"]["drift"] > 0.5
    assert limits["drifting"]["explained"] > limits["steady"]["explained"] + 0.2
    assert limits["drifting"]["steady"] > limits["drifting"]["left_out"]
    assert all(0.9 < found["all_rows"] <= 1 for found in limits.values())


def test_means_leave_out_the_rounded_phones() -> None:
    limits = {device: {"drift": 0.5, "all_rows": len(device) / 100} for device in fbnet_devices()}
    rows = pd.DataFrame(
        [
            {"device": device, "seed": seed, "model": "gcn",
             "spearman": 0.0 if device in fbnet.WHOLE else 0.9 + seed / 100, "within_10": 1.0}
            for device in fbnet_devices()
            for seed in range(3)
        ]
    )  # fmt: skip
    assert set(fbnet.WHOLE) < set(fbnet_devices())
    found = fbnet._mean(rows, limits)
    assert found["gcn"] == {"spearman": [0.91, 0.01], "within_10": [1.0, 0.0]}
    exact = [len(device) / 100 for device in fbnet_devices() if device not in fbnet.WHOLE]
    assert found["all_rows"] == pytest.approx(np.mean(exact), abs=1e-4)


@pytest.mark.data
@pytest.mark.slow
def test_a_fit_beats_chance_on_the_published_rows(mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRPNAS_MIRROR", str(mirror))
    values = fbnet.settings("train") | {"epochs": 10, "members": 1, "view": "pruned"}
    task = {"device": "fbnet-titan_rtx_1", "seed": 0, "settings": values}
    found = fbnet.fit_once(task)
    assert found["gcn"]["spearman"] > 0.3
    assert found["sum"]["spearman"] > 0.99
