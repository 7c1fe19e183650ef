from __future__ import annotations

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.special

from brpnas.errors import ConfigurationError
from brpnas.search.stopping import EarlyStopping, Forecast, LearningCurve, StoppingRule

EPOCHS = 6


def curve_to(final: float, noise: float = 0.0, seed: int = 0) -> tuple[float, ...]:
    """A curve whose logit rises evenly to the final accuracy."""
    rng = np.random.default_rng(seed)
    steps = np.linspace(-3, 0, EPOCHS) + noise * rng.normal(size=EPOCHS) * np.linspace(1, 0, EPOCHS)
    return tuple(scipy.special.expit(scipy.special.logit(final) + steps).tolist())


def finished(final: float, score: float | None = None, **noise: float) -> LearningCurve:
    return LearningCurve(curve_to(final, **noise), final, score)  # type: ignore[arg-type]


FINALS = np.linspace(0.5, 0.95, 10)
CURVES = [finished(final, noise=0.1, seed=n) for n, final in enumerate(FINALS)]  # type: ignore[arg-type]


def learn(curves: Sequence[LearningCurve] = CURVES, **choices: object) -> StoppingRule:
    score = choices.pop("score", None)
    rule = EarlyStopping(**choices).learn(curves, FINALS.tolist(), score)  # type: ignore[arg-type]
    assert rule is not None
    return rule


def test_a_hopeless_training_stops_and_a_good_one_goes_on() -> None:
    rule = learn()
    assert rule.bar == pytest.approx(np.sort(FINALS)[-3])
    assert rule.stops(curve_to(0.3)[:2])
    for epoch in range(1, EPOCHS + 1):
        assert not rule.stops(curve_to(0.97)[:epoch])
    assert not rule.stops(curve_to(0.3)), "after the last epoch there is nothing to stop"
    assert not rule.stops(())


def test_forecasts_are_those_of_a_ridge_regression_on_logits() -> None:
    """Against the closed form in the original units, without the library's standardisation."""
    rule = learn()
    for epoch in (1, 4):
        level = np.array(
            [scipy.special.logit(c.accuracies[max(0, epoch - 2) : epoch]).mean() for c in CURVES]
        )
        target = scipy.special.logit(FINALS)
        penalty = 0.1 * len(level) * level.var()
        centred = level - level.mean()
        slope = (centred @ target) / (centred @ centred + penalty)
        constant = target.mean() - slope * level.mean()
        found = rule.forecasts[epoch - 1]
        assert (found.slope, found.constant) == (pytest.approx(slope), pytest.approx(constant))


def test_the_margin_is_a_quantile_of_left_out_errors() -> None:
    """Each error by a regression that never saw the curve, with the same scale and penalty."""
    rule = learn(confidence=0.8)
    level = scipy.special.logit([c.accuracies[0] for c in CURVES])
    target, errors = scipy.special.logit(FINALS), []
    design = np.column_stack([np.ones(10), (level - level.mean()) / level.std()])
    penalty = np.diag([0.0, 1.0])
    for n in range(10):
        kept = np.arange(10) != n
        gram = design[kept].T @ design[kept] + penalty
        found = np.linalg.solve(gram, design[kept].T @ target[kept])
        errors.append(target[n] - design[n] @ found)
    assert rule.forecasts[0].margin == pytest.approx(np.quantile(errors, 0.8))


def test_more_confidence_and_a_lower_bar_stop_less() -> None:
    curve = curve_to(0.78)[:3]
    assert learn(confidence=0.5, best=1).stops(curve)
    assert not learn(confidence=0.95, best=8).stops(curve)


def test_stopped_curves_and_too_few_teach_nothing() -> None:
    stopped = [LearningCurve(curve_to(0.9)[:2], None)] * 5
    assert learn([*CURVES, *stopped]) == learn()
    assert EarlyStopping().learn(CURVES[:7], FINALS.tolist()) is None
    assert EarlyStopping().learn([*CURVES[:7], *stopped], FINALS.tolist()) is None
    assert EarlyStopping().learn(CURVES, [0.9, 0.8]) is None, "no bar without three answers"


class TestScores:
    """Here the ranker knows the answer, and the curves say little."""

    curves = tuple(
        LearningCurve(
            (*np.random.default_rng(n).uniform(0.3, 0.5, EPOCHS - 1), final), final, final
        )
        for n, final in enumerate(FINALS)
    )

    def test_a_good_score_keeps_a_training_going(self) -> None:
        curve = (0.4,)
        assert learn(self.curves, score=0.5).stops(curve)
        assert not learn(self.curves, score=0.95).stops(curve)

    def test_they_need_enough_finished_trainings_with_one(self) -> None:
        mixed = [c._replace(score=None) if n < 3 else c for n, c in enumerate(self.curves)]
        assert learn(mixed, score=0.95) == learn(mixed)
        assert learn(self.curves, score=0.95) != learn(self.curves)


def test_a_forecast_needs_half_of_the_epochs() -> None:
    rule = learn()
    curve = curve_to(0.7)
    assert rule.forecast(curve[:2]) is None
    found = rule.forecast(curve[:3])
    assert found == pytest.approx(scipy.special.expit(rule.forecasts[2].of(curve[:3])))
    assert abs(found - 0.7) < 0.1


def test_accuracies_of_0_and_1_are_no_trouble() -> None:
    rule = learn([*CURVES, LearningCurve((0.0,) * 5 + (1.0,), 1.0)])
    assert all(np.isfinite(forecast).all() for forecast in rule.forecasts)
    assert rule.stops((0.0,)) in (True, False)


def test_rules_travel() -> None:
    rule = learn()
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert Forecast(0.0, 1.0, 0.5).of([0.5]) == 0.0


@pytest.mark.parametrize(
    "wrong",
    [{"best": 0}, {"least_curves": 4}, {"best": 9}, {"confidence": 1.0}, {"confidence": 0.4}],
)
def test_settings_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        EarlyStopping(**wrong)  # type: ignore[arg-type]
