"""Whether the winner keeps each constraint, by the predicted and by the measured latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brpnas.report.data import Chosen
from brpnas.report.format import as_float
from brpnas.search.constraints import Constraint

__all__ = ["Verdict", "judge", "latency_limit"]

_METRICS = ("latency_ms", "flops_m", "params_m")


@dataclass(frozen=True)
class Verdict:
    """One constraint: kept, broken, or None where a value that it needs is unknown."""

    constraint: str
    predicted: bool | None
    measured: bool | None


def judge(constraints: Sequence[str], chosen: Chosen) -> list[Verdict]:
    """Judge the winner by each constraint.

    Args:
        constraints: Such as ``"latency_ms <= 5"``, on ``latency_ms``, ``flops_m``, ``params_m``.
        chosen: The winner; parameters and multiply-adds count in both judgements.

    Raises:
        ConstraintError: If a constraint cannot be read.
    """
    shared: dict[str, object] = {
        "flops_m": chosen.get("flops_m"),
        "params_m": chosen.get("params_m"),
    }
    predicted = {**shared, "latency_ms": chosen.get("predicted_latency_ms")}
    measured = {**shared, "latency_ms": chosen.get("latency_ms")}
    return [Verdict(text, _kept(text, predicted), _kept(text, measured)) for text in constraints]


def latency_limit(constraints: Sequence[str]) -> float | None:
    """Return the lowest upper limit of the latency alone, in ms, or None if there is none.

    Constraints that mix several metrics have no single limit and are passed over.

    Raises:
        ConstraintError: If a constraint cannot be read.
    """
    limits = []
    for constraint in (Constraint.parse(text, metrics=_METRICS) for text in constraints):
        names = [name for name, _ in constraint.terms]
        factor = constraint.terms[0][1]
        if names == ["latency_ms"] and constraint.relation.startswith("<" if factor > 0 else ">"):
            limits.append(constraint.bound / factor)
    return min(limits, default=None)


def _kept(text: str, values: dict[str, object]) -> bool | None:
    constraint = Constraint.parse(text, metrics=_METRICS)
    known = {name: as_float(values[name]) for name, _ in constraint.terms}
    if None in known.values():
        return None
    return bool(constraint.satisfied({name: np.array(v) for name, v in known.items()}))
