from __future__ import annotations

import math
import re

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.promotion import Gates
from brpnas.promotion.gates import figures, judge
from tests.promotion.toys import rows


def with_interval(share: float, count: int = 100):
    """Rows; this share of them is within its interval."""
    table = rows(0.0, count)
    inside = np.arange(count) < round(share * count)
    lower = np.where(inside, 0.9, 1.1) * table["true"]
    return table.assign(lower=lower, upper=table["true"] * 1.2)


class TestFigures:
    def test_of_latency(self):
        found = figures(rows(0.1), "latency")
        assert 0.08 * 0.6 < found["log_error"] < 0.12
        assert 0 < found["within_1"] < found["within_5"] < found["within_10"] < 1
        assert "coverage" not in found

    def test_of_scores_know_no_relative_error(self):
        table = rows(0.1)
        table["predicted"] -= 100
        assert set(figures(table, "accuracy")) == {"spearman", "kendall"}

    @pytest.mark.parametrize(("share", "error"), [(0.9, 0.0), (1.0, 0.1), (0.5, 0.4)])
    def test_calibration_error_is_the_distance_from_the_nominal(self, share, error):
        found = figures(with_interval(share), "latency", 0.9)
        assert found["coverage"] == share
        assert found["calibration_error"] == pytest.approx(error)

    @pytest.mark.parametrize("how", ["missing", "nan", "reversed", "infinite"])
    def test_broken_intervals_have_no_coverage(self, how):
        table = with_interval(0.9)
        if how == "missing":
            table = table.drop(columns="upper")
        else:
            values = {"nan": np.nan, "reversed": table["lower"][0] - 1, "infinite": np.inf}
            table.loc[0, "upper"] = values[how]
        assert math.isnan(figures(table, "latency", 0.9)["calibration_error"])


FOUND = {"spearman": 0.95, "within_10": 0.8, "coverage": 0.7, "calibration_error": 0.2}


class TestJudge:
    @pytest.mark.parametrize(
        ("gate", "passes", "fails", "why"),
        [
            ("min_spearman", 0.95, 0.951, r"Spearman .* 0\.95, .* 0\.951"),
            ("min_within_10", 0.8, 0.81, "±10 %"),
            ("min_test_rows", 50, 51, r"\b50 test rows, .* 51\b"),
            ("max_calibration_error", 0.2, 0.19, "hold 70.0%"),
        ],
    )
    def test_each_gate(self, gate, passes, fails, why):
        assert judge(FOUND, 50, Gates(**{gate: passes}), "latency") == ([], [])
        (sentence,), notes = judge(FOUND, 50, Gates(**{gate: fails}), "latency")
        assert re.search(why, sentence)
        assert notes == []

    def test_all_failures_are_told(self):
        gates = Gates(1.0, 1.0, 1000, 0.0)
        assert len(judge(FOUND, 50, gates, "latency")[0]) == 4

    def test_no_gate_is_no_limit(self):
        assert judge(FOUND, 0, Gates(), "latency") == ([], [])

    def test_gates_that_do_not_apply_are_noted(self):
        found = {"spearman": 0.95}
        failed, notes = judge(found, 50, Gates(0.9, 0.9, 10, 0.1), "accuracy")
        assert failed == []
        assert [("±10 %" in n, "calibration" in n) for n in notes] == [(True, False), (False, True)]

    def test_broken_intervals_fail_the_gate(self):
        found = FOUND | {"coverage": math.nan, "calibration_error": math.nan}
        (sentence,), _ = judge(found, 50, Gates(max_calibration_error=1.0), "latency")
        assert "intervals" in sentence

    @pytest.mark.parametrize("gates", [Gates(), Gates(min_spearman=0.0)])
    def test_predictions_without_order_fail_even_without_a_gate(self, gates):
        (sentence,), _ = judge({"spearman": math.nan, "within_10": 1.0}, 50, gates, "latency")
        assert "same" in sentence


@pytest.mark.parametrize("wrong", [-0.1, math.nan])
def test_a_gate_is_a_number_of_0_or_more(wrong):
    with pytest.raises(ConfigurationError, match="min_spearman"):
        Gates(min_spearman=wrong)
