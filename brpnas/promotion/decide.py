"""The decision itself: `decide` says whether a challenger becomes champion.

The rules, in this order: a model that is unfit by itself is refused; so is one that was judged on
less than the champion was; a fit one takes an empty place; and it takes the champion's only by a
win that is significant.
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

_STATISTICS: dict[Kind, Statistic] = {"latency": "log_error", "accuracy": "spearman"}


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
        challenger: The new model, with its answers on its test rows.
        champion: The model in its place, with its answers on the same rows; None if there is none.
        kind: What both predict.
        gates: What the challenger must reach by itself.
        objections: What else speaks against the challenger, in sentences; it is refused then.
        resamples: How often the paired bootstrap draws.
        confidence: Share of the resampled differences that must be on the challenger's side of
            the interval's lower end, see `paired_bootstrap`.
        seed: Decides the draws.

    Returns:
        A decision; it promotes only if nothing speaks against it.

    Raises:
        SchemaError: If the champion did not answer exactly the challenger's rows.
    """
    gates = gates or Gates()
    if champion is not None:
        _check_same_rows(challenger, champion)
    settings: dict[str, Any] = {
        "rows": len(challenger.rows),
        "statistic": _STATISTICS[kind],
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
            f"{champion.name} did not answer the test rows of {challenger.name}, in their order: "
            "let both predict the same architectures."
        )


def _has_flawed_rows(model: EvaluatedModel, kind: Kind) -> bool:
    """Whether its rows hold what no metric can be taken of."""
    values: pd.DataFrame = model.rows[["true", "predicted"]]
    if not len(values) or not np.isfinite(values.to_numpy(np.float64)).all():
        return True
    return bool(kind == "latency" and (values.to_numpy() <= 0).any())


def _fewer_rows(challenger: EvaluatedModel, champion: EvaluatedModel) -> list[str]:
    asked = champion.judged_on
    missing = asked - set(challenger.rows["arch_id"])
    if not missing:
        return []
    return [
        f"It has fewer test rows than {champion.name}: {len(missing)} of the {len(asked)} "
        f"architectures that one was judged on are not among its {len(challenger.rows)}."
    ]


def _broken(champion: EvaluatedModel) -> str:
    return (
        f"The champion, {champion.name}, gives no usable answer on these rows, so there is nothing "
        "to compare with: roll it back first."
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
        _STATISTICS[kind],
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
    return f"It does not win significantly: {interval}, which is not all above 0."
