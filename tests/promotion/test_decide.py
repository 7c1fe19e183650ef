"""The rules: promoted challengers, and all refused ones."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import SchemaError
from brpnas.promotion import Decision, Gates, decide
from tests.promotion.toys import evaluated, rows

GOOD, BAD = rows(0.05, seed=3), rows(0.2, seed=1)
CHAMPION = evaluated(BAD, "version 1")
GATES = Gates(min_spearman=0.9, min_within_10=0.5, min_test_rows=30)


def promoted(*arguments, **named) -> Decision:
    found = decide(*arguments, **named)
    assert found.promote == (found.verdict == "promoted")
    return found


class TestPromotes:
    def test_a_significant_win(self):
        found = promoted(evaluated(GOOD), CHAMPION, "latency", GATES)
        assert found.promote
        assert "wins significantly" in found.reasons[0]
        assert found.figures["interval"][0] > 0

    def test_into_an_empty_place(self):
        found = promoted(evaluated(GOOD), None, "latency", GATES)
        assert found.promote
        assert found.champion is None
        assert found.figures["difference"] is None

    def test_on_more_rows_than_the_champion_was_judged_on(self):
        champion = evaluated(BAD, "version 1", judged=BAD["arch_id"][:50])
        assert promoted(evaluated(GOOD), champion, "latency", GATES).promote

    def test_scores_by_their_order_alone(self):
        scores = GOOD.assign(predicted=1000 * np.log(GOOD["predicted"]) - 5e4)
        champion = evaluated(BAD, "version 1")
        found = promoted(evaluated(scores), champion, "accuracy", Gates(min_spearman=0.5))
        assert found.promote
        assert found.figures["statistic"] == "spearman"


class TestKeeps:
    def test_on_a_tie(self):
        found = promoted(evaluated(BAD), CHAMPION, "latency")
        assert found.verdict == "kept"
        assert "tie" in found.reasons[0]

    def test_the_same_order_is_a_tie_of_scores(self):
        scores = BAD.assign(predicted=BAD["predicted"] * 3 + 1)
        assert promoted(evaluated(scores), CHAMPION, "accuracy").verdict == "kept"

    def test_on_a_loss(self):
        found = promoted(evaluated(BAD), evaluated(GOOD, "version 1"), "latency")
        assert found.verdict == "kept"
        assert "loses" in found.reasons[0]

    def test_on_a_win_that_may_be_luck(self):
        challenger = BAD.copy()
        challenger.loc[0, "predicted"] = challenger.loc[0, "true"]  # one row better
        found = promoted(evaluated(challenger), CHAMPION, "latency")
        assert found.figures["difference"] > 0
        assert found.verdict == "kept"
        low, high = found.figures["interval"]
        assert low <= 0 < high
        assert f"{low:.4g} to {high:.4g}" in found.reasons[0]


class TestRefuses:
    @pytest.mark.parametrize("champion", [None, CHAMPION])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
    def test_predictions_that_are_no_latency(self, bad, champion):
        table = GOOD.copy()
        table.loc[7, "predicted"] = bad
        assert promoted(evaluated(table), champion, "latency").verdict == "refused"

    @pytest.mark.parametrize("champion", [None, CHAMPION])
    @pytest.mark.parametrize("parity", [None, np.nan, 1e-4])
    def test_a_failed_or_unknown_parity(self, parity, champion):
        found = promoted(evaluated(GOOD, parity=parity), champion, "latency")
        assert found.verdict == "refused"

    @pytest.mark.parametrize("champion", [None, CHAMPION])
    @pytest.mark.parametrize(
        "gates", [Gates(min_spearman=0.9999), Gates(min_within_10=0.999), Gates(min_test_rows=201)]
    )
    def test_a_failed_gate(self, gates, champion):
        found = promoted(evaluated(GOOD), champion, "latency", gates)
        assert found.verdict == "refused"
        assert found.figures["difference"] is None

    def test_intervals_that_are_off(self):
        table = GOOD.assign(lower=GOOD["true"] * 0.9, upper=GOOD["true"] * 1.1)
        gates = Gates(max_calibration_error=0.05)
        assert promoted(evaluated(table, coverage=0.9), None, "latency", gates).verdict == "refused"
        assert promoted(evaluated(table, coverage=0.98), None, "latency", gates).promote

    def test_fewer_rows_than_the_champion_was_judged_on(self):
        few = GOOD.head(150)
        champion = evaluated(BAD.head(150), "version 1", judged=BAD["arch_id"])
        found = promoted(evaluated(few), champion, "latency")
        assert found.verdict == "refused"
        assert "150 lack 50 " in found.reasons[0]

    def test_other_rows_even_if_more(self):
        champion = evaluated(BAD, "version 1", judged=["elsewhere"])
        assert promoted(evaluated(GOOD), champion, "latency").verdict == "refused"

    def test_what_the_caller_objects_to(self):
        found = promoted(evaluated(GOOD), None, "latency", objections=["It was rolled back."])
        assert found.verdict == "refused"
        assert found.reasons == ("It was rolled back.",)

    def test_to_compare_with_a_broken_champion(self):
        broken = BAD.copy()
        broken.loc[0, "predicted"] = np.nan
        found = promoted(evaluated(GOOD), evaluated(broken, "version 1"), "latency")
        assert found.verdict == "refused"
        assert "version 1" in found.reasons[0]

    def test_constant_scores_even_into_an_empty_place(self):
        assert (
            promoted(evaluated(GOOD.assign(predicted=1.0)), None, "accuracy").verdict == "refused"
        )

    def test_with_every_reason(self):
        table = GOOD.head(20).copy()
        champion = evaluated(BAD.head(20), "version 1", judged=BAD["arch_id"])
        found = promoted(evaluated(table, parity=None), champion, "latency", GATES)
        assert len(found.reasons) == 3  # parity, rows of the gate, rows of the champion


def test_both_must_have_answered_the_same_rows():
    shuffled = BAD.sample(frac=1, random_state=0)
    with pytest.raises(SchemaError, match="version 1"):
        decide(evaluated(GOOD), evaluated(shuffled, "version 1"), "latency")


def test_settings_reach_the_bootstrap():
    wide = decide(evaluated(GOOD), CHAMPION, "latency", resamples=300, confidence=0.999, seed=4)
    narrow = decide(evaluated(GOOD), CHAMPION, "latency", resamples=300, confidence=0.5, seed=4)
    spans = [high - low for low, high in (d.figures["interval"] for d in (wide, narrow))]
    assert spans[0] > 2 * spans[1]
    assert (wide.figures["resamples"], wide.figures["seed"]) == (300, 4)
