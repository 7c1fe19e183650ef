"""The truth, the summary and the tables of searches for a front."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import constrained, front
from benchmarks.anchors import ANCHORS
from benchmarks.tables import front_cases, front_devices

LATENCY = {
    "a": np.array([1.0, 2.0, 4.0, 3.0, np.nan]),
    "b": np.array([5.0, 5.0, 1.0, 9.0, 1.0]),
}
TEST = np.array([0.5, 0.8, 0.9, 0.7, 0.99])


class Graphs:
    arch_ids = tuple("uvxyz")


@pytest.fixture(autouse=True)
def five_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five cells on two devices: the third dominates on "b", the last has no latency on "a"."""
    monkeypatch.setattr(front, "latency", LATENCY.__getitem__)
    monkeypatch.setattr(constrained, "_latency", LATENCY.__getitem__)
    monkeypatch.setattr(front.bench(), "test", lambda dataset: TEST)
    monkeypatch.setitem(front.bench().__dict__, "graphs", Graphs())
    front._truth.cache_clear()


def test_the_true_front_is_of_known_cells() -> None:
    truth = front.Truth("cifar10", ["a"])
    assert truth.is_known.tolist() == [True, True, True, True, False]
    assert sorted(map(tuple, truth.front)) == [(0.5, -1.0), (0.8, -2.0), (0.9, -4.0)]
    assert truth.shares(np.array([0, 1, 2])) == (1.0, 1.0)
    # In ranges: (0, 1), (.75, 2/3), (1, 0), over a reference of -.1 in both.
    whole = 0.1 * 1.1 + 0.75 * (2 / 3 + 0.1) + 0.25 * 0.1
    assert truth.shares(np.array([1]))[0] == pytest.approx(0.85 * (2 / 3 + 0.1) / whole)


def test_a_second_device_is_another_cost() -> None:
    objectives = front.objectives_on(["a", "b"])
    assert objectives.costs == ("latency_ms", "latency_ms@b")
    truth = front.Truth("cifar10", ["a", "b"])
    assert truth.points.shape == (5, 3)
    assert truth.shares(np.array([0, 1, 2]))[0] == 1.0


def fits() -> dict[str, dict[str, Any]]:
    return {"a 0": {"predicted": [1.0, 5.0, 4.0, 1.5, 1.0], "train": [0], "valid": [2]}}


def test_costs_are_measured_where_the_predictor_was_fitted() -> None:
    predicted, known = front.costs_of(fits(), ["a"], 0)
    assert predicted["latency_ms"].tolist() == [1.0, 5.0, 4.0, 1.5, 1.0]
    assert known == {"latency_ms": {"u": 1.0, "x": 4.0}}


def test_costs_of_a_search_are_looked_up() -> None:
    task = {"devices": ["a"], "seed": 0, "source": "table", "measurements": 7}
    fitted = {"a 0": fits()["a 0"] | {"deviations": [0.1] * 5}}
    found = front.limits_of(fitted, task)
    assert (found.constraints, found.measured_costs, found.measurements) == ((), ["latency_ms"], 7)
    assert found.looked_up == {"latency_ms": {"u": 1.0, "v": 2.0, "x": 4.0, "y": 3.0}}
    assert found.known == {"latency_ms": {"u": 1.0, "x": 4.0}}
    assert not front.limits_of(fitted, task | {"source": "predicted"}).measures


def test_the_ceiling_loses_what_prediction_hides() -> None:
    # The second cell is predicted slower than the third, which is better: it is not reported.
    found = front.ceiling(fits(), "cifar10", ["a"], 0)
    assert found == front.Truth("cifar10", ["a"]).shares(np.array([0, 2, 3]))[0]
    assert found < 1


def rows() -> pd.DataFrame:
    """Eight seeds on two devices: brp is better on the first alone."""
    found = [
        {
            "dataset": "cifar10", "devices": [device], "case": device, "sampler": sampler,
            "seed": seed, "share": share + 0.001 * seed, "space": 0.99, "queried": 0.98,
            "members": 10, "measurements": 40,
            "answers": [0.3, 0.2], "denoised": [0.2, 0.1] if seed else None,
        }
        for device, shares in (
            ("a", {"brp": 0.97, "nsga2": 0.9, "random": 0.7}),
            ("b", {"brp": 0.95, "nsga2": 0.96, "random": 0.6}),
        )
        for sampler, share in shares.items()
        for seed in range(8)
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_figures_count_the_devices_ahead_of_both() -> None:
    ceilings = {("cifar10", "a"): [0.99, 0.0], ("cifar10", "b"): [0.97, 0.0]}
    found = front.figures(rows(), ceilings)
    (case,) = found["cases"]
    total = case["all"]
    assert (case["objectives"], total["devices"]) == (2, 2)
    assert (total["ahead"], total["ahead_of_nsga2"], total["ahead_of_random"]) == (1, 1, 2)
    assert total["samplers"]["brp"]["share"] == pytest.approx(0.9635)
    assert total["samplers"]["brp"]["worst"] == pytest.approx(0.9535)
    assert (total["ceiling"], total["worst_ceiling"]) == (0.98, 0.97)
    assert case["devices"]["b"]["p"]["nsga2"] == 1.0
    assert found["noise"]["denoised"] == {"error": 0.2, "above": 0.1}
    table = front_cases(found)
    assert "65.3 / 60.4" in table
    assert "1 of 2" in table
    assert total["samplers"]["brp"]["measurements"] == 40
    assert total["samplers"]["brp"]["worst_queried"] == 0.98
    assert "97.0" in front_devices(case)
    reached = {a.what: a.reached({"front": found}) for a in ANCHORS if "Front of" in a.group}
    judged = {what: value for what, value in reached.items() if value is not None}
    assert list(judged.values()) == [False, True, True, True, False]


def test_noise_is_against_the_other_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = pd.DataFrame({777: [0.9, 0.8], 888: [0.91, np.nan]}, index=["u", "v"])
    monkeypatch.setattr(front.bench(), "valid_runs", lambda dataset: wide)
    members = pd.DataFrame({"arch_id": ["u", "v"], "answer": [0.9, 0.8], "accuracy": [0.905, 0.8]})
    history = pd.DataFrame({"arch_id": ["u", "v"], "seed": pd.Series([777, 777], dtype="Int64")})
    found = front.noise("cifar10", members, history)
    assert found["answers"] == pytest.approx([1.0, -1.0])
    assert found["denoised"] == pytest.approx([0.5, -0.5])
