"""The values compared with a limit, and the summary of searches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import constrained
from benchmarks.constrained import limits_within


@pytest.fixture(autouse=True)
def cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells by number: the space itself is not needed."""
    monkeypatch.setattr(constrained, "_cells", lambda count: tuple(map(str, range(count))))


def fit(predicted: list[float], train: list[int], valid: list[int]) -> dict[str, Any]:
    deviations = [0.1] * len(predicted)
    return {"predicted": predicted, "deviations": deviations, "train": train, "valid": valid}


def test_the_limits_are_those_of_the_stage_search(monkeypatch: pytest.MonkeyPatch) -> None:
    true = np.array([1.0, 2.0, 3.0, np.nan])
    monkeypatch.setattr(constrained, "_latency", lambda device: true)
    fitted = {"d": fit([1.1, 1.0, 3.5, 5.0], [0], [1])}
    predicted = limits_within(fitted, 0.5, "predicted", 0.9)
    assert not predicted.measures
    assert predicted.metrics == ("latency_ms",)
    assert predicted.errors["latency_ms"].tolist() == pytest.approx([math.log(2) / 0.1])
    assert predicted.constraints[0].bound == 2.0, "the median"
    assert predicted.known["latency_ms"] == {"0": 1.0, "1": 2.0}
    assert not limits_within(fitted, 0.5, "predicted", 0.0).errors
    measured = limits_within(fitted, 0.5, "measured", 0.9)
    assert measured.sources == {"latency_ms": "table"}
    assert measured.measurements == 100
    assert measured.looked_up["latency_ms"] == {"0": 1.0, "1": 2.0, "2": 3.0}
    both = limits_within({**fitted, "e": fitted["d"]}, 0.5, constrained.TWO, 0.9)
    assert both.metrics == ("latency_ms", "latency_ms@e")


def test_a_search_of_two_limits_has_the_next_device_but_no_twin() -> None:
    task = {"device": "desktop-cpu-core-i7-7820x-fp32", "limit_by": constrained.TWO}
    first, second = constrained._devices(task)
    assert first == task["device"]
    assert second not in {first, constrained.TWIN}
    assert constrained._devices({**task, "limit_by": "measured"}) == [first]
    last = constrained._devices({**task, "device": constrained.latbench_devices()[-1]})
    assert last[1] == first


def test_a_latency_that_no_prediction_comes_near_is_implausible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        constrained, "_latency", lambda device: np.array([0.9, 2.0, 9.0, np.nan, 0.9])
    )
    fits = {
        f"{device} {seed}": {"predicted": [factor * value for value in (2.0, 2.0, 2.0, 2.0, 1.0)]}
        for device, factors in (("a", (1.0, 1.0, 0.1)), ("ab", (50.0, 50.0, 50.0)))
        for seed, factor in enumerate(factors)
    }
    assert constrained.implausible("a", fits).tolist() == [True, False, False, False, False]


def test_what_prediction_puts_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of limit 2, cell 0 is truly within it and predicted over it, cell 3 the other way round.
    true = np.array([1.2, 2.0, 1.5, 3.0, 4.0])
    test = np.array([0.9, 0.7, 0.6, 0.8, 0.95])
    monkeypatch.setattr(constrained, "_latency", lambda device: true)
    monkeypatch.setattr(constrained.bench(), "test", lambda dataset: test)
    monkeypatch.setattr(constrained, "LIMITS", {"middle": 0.5})
    monkeypatch.setattr(constrained, "CONFIDENCES", (0.0, 0.99))

    def found(of_0: float, of_3: float) -> list[tuple[float, ...]]:
        fitted = fit([of_0, 1.9, 1.0, of_3, 4.0], [1], [2])
        fits = {"a 0": fitted}
        doubtful = pd.DataFrame({"a": constrained.implausible("a", fits)})
        rows = constrained.out_of_reach(fits, doubtful, "cifar10")
        assert [row["confidence"] for row in rows] == [0.0, 0.99]
        return [(row["points"], row["plausible"], row["over"]) for row in rows]

    assert found(2.1, 1.0) == [(20, 20, 0.3333)] * 2
    # The only error is a factor of 1.5, of the true over the predicted validation row.
    assert found(2.1, 1.5) == [(20, 20, 0.3333), (20, 20, 0.0)]
    assert found(1.9, 1.0) == [(0, 0, 0.25), (20, 20, 0.3333)]
    # Less than half of what is predicted is not believed, so that nothing believed is out of reach.
    assert found(2.5, 1.0) == [(20, 0, 0.3333)] * 2


def test_searches_run_seed_by_seed_and_without_the_twin() -> None:
    devices = constrained._distinct()
    assert len(devices) == 12
    assert constrained.TWIN not in devices
    tasks = constrained.searches(
        constrained.CASES, devices, ["tight", "loose"], 3, 40, {"rounds": 4}
    )
    seeds = [task["seed"] for task in tasks]
    assert seeds == sorted(seeds)
    assert len(tasks) == 3 * len(constrained.CASES) * 12 * 2
    assert {(t["limit_by"], t["config"]["reevaluations"]) for t in tasks} == {
        ("measured", 6),
        ("predicted", 0),
        (constrained.TWO, 0),
    }
    assert {(t["dataset"], t["limit_by"], t["confidence"]) for t in tasks if t["seed"] == 0} == {
        case[:3] for case in constrained.CASES
    }


def test_figures_are_means_and_the_most_measurements_of_a_search() -> None:
    rows = pd.DataFrame(
        [
            {"dataset": "d", "limit_by": "measured", "confidence": 0.9,
             "device": device,
             "limit": "tight", "seed": seed,
             "within": device == "a", "over": -0.1, "queried_within": 1.0, "regret": 0.01 * seed,
             "by_answers": 0.02, "unseen": 0.0, "verified": 0.02, "measured": 1,
             "latency": 0.0, "measurements": 100 * seed, "refused": seed}
            for device in ("a", "b")
            for seed in (1, 3)
        ]
    )  # fmt: skip
    noise = {"d": {"a": {"tight": 0.4}, "b": {"tight": 0.2}}}
    (case,) = constrained._figures(rows, noise)
    assert case["all"]["within"] == 0.5
    assert case["all"]["regret"] == [2.0, pytest.approx(1.414)]
    assert case["all"]["first_seed"] == 1.0
    assert case["all"]["noise"] == 0.3
    assert (case["all"]["measurements"], case["all"]["most_measurements"]) == (200.0, 300)
    assert case["devices"]["b"]["tight"]["within"] == 0.0
