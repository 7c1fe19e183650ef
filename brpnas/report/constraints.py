"""Whether the winner satisfies each constraint, by predicted and by measured latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brpnas.report.data import Chosen
from brpnas.report.format import as_float
from brpnas.search.constraints import Constraint

__all__ = [
    "ConstraintCheck",
    "check_constraints",
    "constraint_sentence",
    "latency_limit",
    "upper_limits",
]

_METRICS = ("latency_ms", "flops_m", "params_m")


@dataclass(frozen=True)
class ConstraintCheck:
    """One constraint: satisfied, broken, or None if unknown; with the left side's values."""

    constraint: str
    predicted: bool | None
    measured: bool | None
    predicted_value: float | None = field(default=None, compare=False)
    measured_value: float | None = field(default=None, compare=False)

    @property
    def satisfied(self) -> bool | None:
        """By measurement; without one, by prediction."""
        return self.predicted if self.measured is None else self.measured


def constraint_sentence(check: ConstraintCheck) -> str:
    """Compare the values with a limit in words.

    Examples:
        >>> constraint_sentence(ConstraintCheck("latency_ms <= 0.2", True, False, 0.19, 0.285))
        'latency_ms <= 0.2: measured 0.285, predicted 0.19; exceeds the limit'

    Raises:
        ConstraintError: If the constraint cannot be read.
    """
    values = {"measured": check.measured_value, "predicted": check.predicted_value}
    said = ", ".join(f"{by} {value:.4g}" for by, value in values.items() if value is not None)
    if check.measured_value == check.predicted_value is not None:
        said = f"{check.measured_value:.4g}"  # it depends on the network alone
    upper = Constraint.parse(check.constraint, _METRICS).relation.startswith("<")
    broken = "exceeds the limit" if upper else "breaks the limit"
    holds = {True: "keeps the limit", False: broken, None: "not known"}[check.satisfied]
    by = " by prediction alone" if check.measured is None and check.predicted else ""
    return f"{check.constraint}: {f'{said}; ' if said else ''}{holds}{by}"


def check_constraints(constraints: Sequence[str], chosen: Chosen) -> list[ConstraintCheck]:
    """Check the winner against each constraint.

    Args:
        constraints: Such as ``"latency_ms <= 5"``, on ``latency_ms``, ``flops_m``, ``params_m``.
        chosen: The winner; its parameters and multiply-adds count in both columns.

    Raises:
        ConstraintError: If a constraint cannot be read.
    """
    shared: dict[str, object] = {
        "flops_m": chosen.get("flops_m"),
        "params_m": chosen.get("params_m"),
    }
    predicted = {**shared, "latency_ms": chosen.get("predicted_latency_ms")}
    measured = {**shared, "latency_ms": chosen.get("latency_ms")}
    return [
        ConstraintCheck(
            text,
            _is_satisfied(text, predicted),
            _is_satisfied(text, measured),
            _value(text, predicted),
            _value(text, measured),
        )
        for text in constraints
    ]


def upper_limits(constraints: Sequence[str]) -> dict[str, float]:
    """Return the lowest upper limit of each metric, in the order of the constraints.

    Constraints on several metrics are skipped.

    Raises:
        ConstraintError: If a constraint cannot be read.

    Examples:
        >>> upper_limits(["latency_ms <= 5", "latency_ms + params_m <= 7", "2 * latency_ms <= 8"])
        {'latency_ms': 4.0}
    """
    limits: dict[str, float] = {}
    for constraint in (Constraint.parse(text, metrics=_METRICS) for text in constraints):
        (name, factor), *others = constraint.terms
        if not others and constraint.relation.startswith("<" if factor > 0 else ">"):
            bound = constraint.bound / factor
            limits[name] = min(bound, limits.get(name, bound))
    return limits


def latency_limit(constraints: Sequence[str]) -> float | None:
    """Return the lowest upper limit of the latency alone, in ms, or None.

    Raises:
        ConstraintError: If a constraint cannot be read.
    """
    return upper_limits(constraints).get("latency_ms")


def _is_satisfied(text: str, values: Mapping[str, object]) -> bool | None:
    constraint, known = _known(text, values)
    return None if known is None else bool(constraint.satisfied(known))


def _value(text: str, values: Mapping[str, object]) -> float | None:
    constraint, known = _known(text, values)
    return None if known is None else float(constraint.left_side(known))


def _known(text: str, values: Mapping[str, object]) -> tuple[Constraint, dict[str, float] | None]:
    """The constraint, and the values of its metrics if all of them are known."""
    constraint = Constraint.parse(text, metrics=_METRICS)
    found = {name: as_float(values[name]) for name, _ in constraint.terms}
    known = {name: value for name, value in found.items() if value is not None}
    return constraint, known if len(known) == len(found) else None
