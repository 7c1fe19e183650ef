from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import ObjectiveError, OracleError, UnknownNameError
from brpnas.search import Measurement
from brpnas.search.fronts import Objectives, Scale, denoised, pareto_front, search_front
from brpnas.search.history import History
from tests.search.toy import history_of, record
from tests.seeds import first_of

TWO = Objectives.parse(["accuracy", "-latency_ms"])


def table(
    history: History,
    latency: dict[str, float],
    estimates: dict[str, float] | None = None,
    **more: dict[str, float],
) -> pd.DataFrame:
    metrics = {"latency_ms": latency, **more}
    predicted = {
        name: np.array([values[each.arch_id] for each in history])
        for name, values in metrics.items()
    }
    return history.to_frame(predicted, np.arange(len(history)), estimates=estimates)


class TestDenoised:
    def test_without_scores_the_answers_stay(self) -> None:
        assert denoised([0.9, 0.8], [1, 3]).tolist() == [0.9, 0.8]

    def test_the_estimate_counts_as_one_more_answer(self) -> None:
        # By score, 0.9 and 0.8 are in the wrong order: their common level is 0.85, or 0.825 if the
        # second has three answers.
        assert denoised([0.9, 0.8], [1, 1], [0.0, 1.0]).tolist() == pytest.approx([0.875, 0.825])
        weighed = denoised([0.9, 0.8], [1, 3], [0.0, 1.0])
        assert weighed.tolist() == pytest.approx([(0.9 + 0.825) / 2, (2.4 + 0.825) / 4])

    def test_equal_scores_share_a_level(self) -> None:
        assert denoised([0.9, 0.8], [1, 1], [1.0, 1.0]).tolist() == pytest.approx([0.875, 0.825])

    @pytest.mark.parametrize("seed", first_of(range(5)))
    def test_is_closer_to_the_truth_than_the_answers(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        true = np.sort(rng.uniform(0.9, 0.94, 100))
        answers = true + rng.normal(0, 0.003, 100)
        scores = true + rng.normal(0, 0.002, 100)
        found = denoised(answers, np.ones(100), scores)
        assert np.abs(found - true).mean() < 0.9 * np.abs(answers - true).mean()


class TestFront:
    latency = {"aaaa": 1.0, "bbbb": 2.0, "cccc": 3.0, "dddd": 4.0}  # noqa: RUF012
    history = history_of(("aaaa", 0.5), ("bbbb", 0.8), ("cccc", 0.7), ("dddd", 0.9))

    def test_members_are_not_dominated_and_most_accurate_first(self) -> None:
        front = search_front(table(self.history, self.latency), TWO)
        assert front.members["arch_id"].tolist() == ["dddd", "bbbb", "aaaa"]
        assert front.members["latency_ms"].tolist() == [4.0, 2.0, 1.0]
        assert front.members["answers"].tolist() == [1, 1, 1]
        assert front.members["first_query"].tolist() == [3, 1, 0]

    def test_the_knee_is_farthest_from_the_line_through_the_extremes(self) -> None:
        front = search_front(table(self.history, self.latency), TWO)
        assert front.knee == "bbbb"
        assert front.members["knee"].tolist() == [False, True, False]
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", front.reason)]
        assert numbers == [10, 2, 4, 30, 2, 1]  # points lost, ms instead of ms; points gained, ms

    def test_accuracies_are_denoised_by_the_estimates(self) -> None:
        estimates = {"aaaa": 0.0, "bbbb": 1.0, "cccc": 2.0, "dddd": 3.0}
        front = search_front(table(self.history, self.latency, estimates), TWO)
        found = dict(zip(front.members["arch_id"], front.members["accuracy"], strict=True))
        assert found["bbbb"] == pytest.approx((0.8 + 0.75) / 2)
        assert front.members.set_index("arch_id").loc["bbbb", "answer"] == 0.8

    def test_measured_costs_replace_predictions(self) -> None:
        known = {"latency_ms": {"cccc": 1.5}}
        front = search_front(table(self.history, self.latency), TWO, known)
        assert front.members["arch_id"].tolist() == ["dddd", "bbbb", "cccc", "aaaa"]
        measured = History(list(self.history))
        measured.note([Measurement(0, "cccc", within=True, values={"latency_ms": 1.75})])
        front = search_front(table(measured, self.latency), TWO, known)
        assert front.members.set_index("arch_id").loc["cccc", "latency_ms"] == 1.75

    def test_infeasible_and_failed_are_no_members(self) -> None:
        history = History(
            [
                record(0, "aaaa", 0.5),
                record(1, "bbbb", 0.8, feasible=False),
                record(2, "cccc"),
                record(3, "dddd", 0.9, round=1),
            ]
        )
        front = search_front(table(history, self.latency), TWO)
        assert front.members["arch_id"].tolist() == ["dddd", "aaaa"]

    def test_hypervolume_by_round_ends_with_the_front(self) -> None:
        history = History(
            [
                record(i, name, accuracy, round=i // 2)
                for i, (name, accuracy) in enumerate(
                    [("cccc", 0.7), ("aaaa", 0.5), ("bbbb", 0.8), ("dddd", 0.9)]
                )
            ]
        )
        front = search_front(table(history, self.latency), TWO)
        assert front.rounds["queries"].tolist() == [2, 4]
        points = TWO.points(front.members["accuracy"], front.members[["latency_ms"]])
        assert front.hypervolume == pytest.approx(Scale.of(points).hypervolume(points))
        assert 0 < front.rounds["hypervolume"][0] < front.hypervolume

    def test_three_objectives(self) -> None:
        objectives = Objectives.parse(["-params_m", "accuracy", "-latency_ms"])
        params = {"aaaa": 9.0, "bbbb": 9.0, "cccc": 1.0, "dddd": 9.0}
        front = search_front(table(self.history, self.latency, params_m=params), objectives)
        assert front.members["arch_id"].tolist() == ["dddd", "bbbb", "cccc", "aaaa"]
        points = objectives.points(
            front.members["accuracy"], front.members[["params_m", "latency_ms"]]
        )
        assert pareto_front(points).all()
        found = front.to_json()
        assert found["reference"] == pytest.approx(
            {"params_m": 9.8, "accuracy": 0.46, "latency_ms": 4.3}
        )
        assert found["hypervolume_by_round"][-1] == found["hypervolume"]

    def test_one_member_is_its_own_knee(self) -> None:
        front = search_front(table(history_of(("aaaa", 0.5)), self.latency), TWO)
        assert (front.knee, len(front.members)) == ("aaaa", 1)
        assert front.reason

    def test_equal_members_are_both_on_the_front_with_one_knee(self) -> None:
        latency = {"aaaa": 1.0, "bbbb": 1.0}
        front = search_front(table(history_of(("aaaa", 0.5), ("bbbb", 0.5)), latency), TWO)
        assert len(front.members) == 2
        assert front.members["knee"].sum() == 1

    def test_members_to_export(self) -> None:
        front = search_front(table(self.history, self.latency), TWO)
        assert front.select() == ["dddd", "bbbb", "aaaa"]
        assert front.select(["aaaa", "dddd"]) == ["dddd", "aaaa"]
        with pytest.raises(UnknownNameError, match="'cccc'"):
            front.select(["aaaa", "cccc"])

    def test_nothing_to_choose_from(self) -> None:
        with pytest.raises(OracleError):
            search_front(table(history_of(("aaaa", None)), self.latency), TWO)

    def test_a_cost_without_a_column(self) -> None:
        objectives = Objectives.parse(["accuracy", "-energy_mj"])
        with pytest.raises(ObjectiveError, match="energy_mj"):
            search_front(table(self.history, self.latency), objectives)
