from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import early
from brpnas.search import Question, StoppingRule
from brpnas.search.stopping import Forecast, LearningCurve

CURVES = [LearningCurve((a, a + 0.1, a + 0.2), a + 0.3) for a in np.linspace(0.1, 0.6, 11).tolist()]
ANSWERS = [curve.answer or 0.0 for curve in CURVES]


def test_the_oracle_trains_by_the_table_until_the_rule_stops() -> None:
    cell = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|"
    oracle = early.CurveOracle(0)
    whole = oracle.answer(Question(3, cell))
    assert whole.curve is not None
    assert (len(whole.curve), whole.accuracy, whole.stopped) == (8, whole.curve[-1], False)
    rule = StoppingRule(0.5, (Forecast(9.0, 0.0, 0.0), *[Forecast(-9.0, 0.0, 0.0)] * 6))
    part = oracle.answer(Question(3, cell, rule=rule))
    assert part.stopped
    assert (part.curve, part.accuracy) == (whole.curve[:2], whole.curve[1])
    assert part.cost_s == pytest.approx((whole.cost_s or 0.0) / 4)


@pytest.mark.parametrize(("rule", "bars"), [("median", (0.35, 0.4)), ("halving", (0.35, 0.45))])
def test_published_rules_stop_below_their_medians(rule: str, bars: tuple[float, ...]) -> None:
    kind = early.RULES[rule]
    assert kind is not None
    found = kind().learn(CURVES, ANSWERS)
    assert found is not None
    for epoch, bar in enumerate(bars, start=1):
        assert found.stops([0.0] * (epoch - 1) + [bar - 0.01])
        assert not found.stops([0.0] * (epoch - 1) + [bar + 0.01])
    stopped = [LearningCurve((0.9,), None)] * 20
    other = kind().learn([*CURVES, *stopped], ANSWERS)
    assert other is not None
    assert other.stops([0.8]), "stopped ones count as far as they came"


def test_differences_are_of_the_same_search() -> None:
    rows = pd.DataFrame(
        [
            {"limit": "none", "seed": seed, "rule": rule, "test": 0.9 + 0.01 * seed + gain,
             "epochs": share, "seconds": 1.0, "stopped": 0}
            for seed in range(4)
            for rule, gain, share in (("full", 0.0, 1.0), ("forecast", -0.001 * (seed % 2), 0.3))
        ]
    )  # fmt: skip
    found = early._figures(rows)
    assert found["forecast"]["difference"][0] == pytest.approx(-0.05)
    assert found["forecast"]["epochs"] == [0.3, 0.0]
    assert 0 < found["forecast"]["p_worse"] < 0.15
    assert "difference" not in found["full"]
