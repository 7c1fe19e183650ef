from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import ObjectiveError
from brpnas.search import Limits, ListedPool
from brpnas.search.fronts import Objective, Objectives
from tests.search.toy import ToySpace, make_pool, make_sampled_pool


@pytest.mark.parametrize("text", ["accuracy", "-latency_ms", "-latency_ms@my-phone", "-params_m"])
def test_text_survives_parsing(text: str) -> None:
    assert str(Objective.parse(f" {text} ")) == text
    assert Objective.parse(text).name == text.removeprefix("-")


def test_order_is_kept_and_the_device_of_the_task_is_left_out() -> None:
    texts = ["-energy_mj@edge-box", "accuracy", "-latency_ms@my-phone"]
    objectives = Objectives.parse(texts, device="my-phone")
    assert list(map(str, objectives)) == ["-energy_mj@edge-box", "accuracy", "-latency_ms"]
    assert objectives.costs == ("energy_mj@edge-box", "latency_ms")
    points = objectives.points([0.5, 0.6], [[1.0, 2.0], [3.0, 4.0]])
    assert points.tolist() == [[-1.0, 0.5, -2.0], [-3.0, 0.6, -4.0]]


def test_accuracy_alone_is_the_default() -> None:
    assert Objectives.parse(["accuracy"]) == Objectives()
    assert not Objectives().several
    assert Objectives().costs == ()


@pytest.mark.parametrize(
    ("texts", "culprit"),
    [
        (["accuracy", "-latency"], "-latency"),
        (["accuracy", "-latencyms"], "latency_ms"),
        (["acuracy"], "'accuracy'"),
        (["accuracy", ""], "''"),
        (["accuracy", "-"], "'-'"),
        (["accuracy", "-params_m@my-phone"], "params_m"),
        (["accuracy", "-latency_ms@"], "latency_ms@"),
        (["-accuracy", "-latency_ms"], "-accuracy"),
        (["accuracy", "latency_ms"], "'-latency_ms'"),
        (["accuracy", "accuracy"], "twice"),
        (["accuracy", "-latency_ms", "-latency_ms"], "twice"),
        (["accuracy", "-latency_ms", "-latency_ms@phone"], "-latency_ms@phone"),
        (["-latency_ms"], "'accuracy'"),
        ([], "'accuracy'"),
        (["accuracy", "-latency_ms", "-params_m", "-flops_m"], "params_m <= 2"),
    ],
)
def test_what_is_no_objective_is_refused(texts: list[str], culprit: str) -> None:
    with pytest.raises(ObjectiveError) as error:
        Objectives.parse(texts, device="phone")
    assert culprit in str(error.value)
    assert "\n" not in str(error.value)


class TestValues:
    objectives = Objectives.parse(["accuracy", "-params_m", "-latency_ms"])

    def test_measured_values_replace_predictions(self) -> None:
        predicted = {"latency_ms": np.array([1.0, 2.0]), "params_m": np.array([0.1, 0.2])}
        found = self.objectives.values(["a", "b"], predicted, {"latency_ms": {"b": 7.0}})
        assert found.tolist() == [[0.1, 1.0], [0.2, 7.0]]

    def test_a_cost_without_predictions_is_refused(self) -> None:
        with pytest.raises(ObjectiveError, match=r"'-params_m'.*latency_ms"):
            self.objectives.values(["a"], {"latency_ms": np.ones(1)})


class TestCheck:
    objectives = Objectives.parse(["accuracy", "-latency_ms"])

    def test_a_pool_with_different_costs_passes(self) -> None:
        self.objectives.check(make_pool())
        self.objectives.check(make_sampled_pool())

    def test_a_constant_cost_is_refused(self) -> None:
        words = ToySpace().enumerate()
        predicted = {"latency_ms": np.full(len(words), 2.5)}
        pool = ListedPool.create(ToySpace(), ToySpace().graphs(), seed=0, predicted=predicted)
        with pytest.raises(ObjectiveError, match=r"'-latency_ms' is 2\.5 ms"):
            self.objectives.check(pool)
        self.objectives.check(pool, {"latency_ms": {pool.arch_ids[pool.representatives[3]]: 9.0}})

    def test_a_cost_constant_over_the_feasible_is_refused(self) -> None:
        limits = Limits.parse(["latency_ms <= 3", "latency_ms >= 3"])
        with pytest.raises(ObjectiveError, match="'-latency_ms' is 3 ms"):
            self.objectives.check(make_pool(limits=limits))

    def test_an_unknown_cost_is_refused_with_an_example(self) -> None:
        words = ToySpace().enumerate()
        latency = np.arange(len(words), dtype=float)
        latency[words.index("abcd")] = np.nan
        pool = ListedPool.create(
            ToySpace(), ToySpace().graphs(), seed=1, predicted={"latency_ms": latency}
        )
        if "abcd" not in pool.names(pool.representatives):
            pool.__dict__["representatives"][0] = words.index("abcd")
        with pytest.raises(ObjectiveError, match=r"1 of .*'abcd'"):
            self.objectives.check(pool)
