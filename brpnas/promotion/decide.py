"""The decision whether a challenger becomes champion.

The rules, in this order. An unfit model is refused, and so is one judged on fewer rows than the
champion. Without a champion, a fit one is promoted; otherwise it must win significantly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from brpnas.errors import SchemaError
from brpnas.promotion.bootstrap import Difference, Statistic, paired_bootstrap
from brpnas.promotion.decision import Decision, Verdict
from brpnas.promotion.evaluated import EvaluatedModel, flaws
from brpnas.promotion.gates import Gates, Kind, figures, judge

__all__ = ["decide"]


def _statistic(kind: Kind) -> Statistic:
    return "spearman" if kind == "accuracy" else "log_error"


def decide(
    challenger: EvaluatedModel,
    champion: EvaluatedModel | None,
    kind: Kind,
    gates: Gates | None = None,
    *,
    objections: Sequence[str] = (),
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Decision:
    """Decide whether a challenger becomes champion.

    Args:
        challenger: The new model, evaluated on its test rows.
        champion: The current champion, evaluated on the same rows; None if there is none.
        kind: Target of both.
        gates: Requirements on the challenger alone.
        objections: Further reasons to refuse the challenger, in sentences.
        resamples: Resamples of the paired bootstrap.
        confidence: Confidence of its interval, see `paired_bootstrap`.
        seed: Decides the resamples.

    Raises:
        SchemaError: If the champion was not evaluated on exactly the challenger's rows.
    """
    gates = gates or Gates()
    if champion is not None:
        _check_same_rows(challenger, champion)
    settings: dict[str, Any] = {
        "rows": len(challenger.rows),
        "statistic": _statistic(kind),
        "difference": None,
        "interval": None,
        "confidence": confidence,
        "resamples": resamples,
        "seed": seed,
        "parity": challenger.parity,
        "tolerance": challenger.tolerance,
        "gates": gates.as_dict(),
    }

    def decided(verdict: Verdict, reasons: list[str]) -> Decision:
        name = None if champion is None else champion.name
        return Decision(
            verdict, tuple(reasons), challenger.name, name, kind, settings, tuple(notes)
        )

    notes: list[str] = []
    against = [*objections, *flaws(challenger, kind)]
    if not _has_flawed_rows(challenger, kind):
        found = figures(challenger.rows, kind, challenger.coverage)
        settings["challenger"] = found
        failed, notes = judge(found, len(challenger.rows), gates, kind)
        against += failed
    if champion is not None:
        against += _fewer_rows(challenger, champion)
    if against:
        return decided("refused", against)
    if champion is None:
        return decided("promoted", ["There is no champion, and it passes every gate."])
    if _has_flawed_rows(champion, kind):
        return decided("refused", [_broken(champion)])
    settings["champion"] = figures(champion.rows, kind, champion.coverage)
    difference = _compare(challenger, champion, kind, resamples, confidence, seed)
    settings |= {"difference": difference.value, "interval": (difference.low, difference.high)}
    return decided("promoted" if difference.is_win else "kept", [_why(difference, confidence)])


def _check_same_rows(challenger: EvaluatedModel, champion: EvaluatedModel) -> None:
    if list(challenger.rows["arch_id"]) != list(champion.rows["arch_id"]):
        raise SchemaError(
            f"{champion.name} was not evaluated on the test rows of {challenger.name}: let both "
            "predict the same architectures in the same order."
        )


def _has_flawed_rows(model: EvaluatedModel, kind: Kind) -> bool:
    """Whether metrics of its rows are undefined."""
    values: pd.DataFrame = model.rows[["true", "predicted"]]
    if not len(values) or not np.isfinite(values.to_numpy(np.float64)).all():
        return True
    return bool(kind != "accuracy" and (values.to_numpy() <= 0).any())


def _fewer_rows(challenger: EvaluatedModel, champion: EvaluatedModel) -> list[str]:
    asked = champion.judged_on
    missing = asked - set(challenger.rows["arch_id"])
    if not missing:
        return []
    return [
        f"It has fewer test rows than {champion.name}: its {len(challenger.rows)} lack "
        f"{len(missing)} of the other's {len(asked)} test architectures."
    ]


def _broken(champion: EvaluatedModel) -> str:
    return (
        f"The predictions of the champion, {champion.name}, are unusable on these rows: roll it "
        "back first."
    )


def _compare(
    challenger: EvaluatedModel,
    champion: EvaluatedModel,
    kind: Kind,
    resamples: int,
    confidence: float,
    seed: int,
) -> Difference:
    return paired_bootstrap(
        challenger.rows["true"],
        champion.rows["predicted"],
        challenger.rows["predicted"],
        _statistic(kind),
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )


def _why(difference: Difference, confidence: float) -> str:
    interval = (
        f"the difference is {difference.value:.4g}, its {confidence:.0%} interval "
        f"{difference.low:.4g} to {difference.high:.4g}"
    )
    if difference.is_win:
        return f"It wins significantly on the same rows: {interval}."
    if difference.value == 0:
        return f"It is as good as the champion, a tie: {interval}."
    if difference.high < 0:
        return f"It loses to the champion: {interval}."
    return f"It does not win significantly: {interval}, not all above 0."
