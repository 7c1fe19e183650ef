"""Whether the winner satisfies each constraint, by predictions and by measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brpnas.datasets.metrics import COMPUTED
from brpnas.report.data import Chosen
from brpnas.report.format import as_float
from brpnas.search.constraints import Constraint

__all__ = [
    "ConstraintCheck",
    "check_constraints",
    "constraint_sentence",
    "upper_limits",
]

_PREDICTED = "predicted_"


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
    upper = Constraint.parse(check.constraint).is_upper
    broken = "exceeds the limit" if upper else "breaks the limit"
    holds = {True: "keeps the limit", False: broken, None: "not known"}[check.satisfied]
    by = " by prediction alone" if check.measured is None and check.predicted else ""
    return f"{check.constraint}: {f'{said}; ' if said else ''}{holds}{by}"


def check_constraints(
    constraints: Sequence[str], chosen: Chosen, device: str | None = None
) -> list[ConstraintCheck]:
    """Check the winner against each constraint.

    Args:
        constraints: Such as ``"latency_ms <= 5"``, on any device metrics.
        chosen: The winner; its computed costs count in both columns.
        device: Device of the task, whose metrics may be written with it.

    Raises:
        ConstraintError: If a constraint cannot be read.
    """
    predicted, measured = _figures(chosen)
    checks = []
    for text in constraints:
        constraint = Constraint.parse(text, device=device)
        before, after = _left_side(constraint, predicted), _left_side(constraint, measured)
        checks.append(
            ConstraintCheck(
                text,
                None if before is None else constraint.allows(before),
                None if after is None else constraint.allows(after),
                before,
                after,
            )
        )
    return checks


def upper_limits(constraints: Sequence[str], device: str | None = None) -> dict[str, float]:
    """Return the lowest upper limit of each metric, in the order of the constraints.

    Constraints on several metrics are skipped.

    Args:
        constraints: Such as ``"latency_ms <= 5"``.
        device: Device of the task, whose metrics may be written with it.

    Raises:
        ConstraintError: If a constraint cannot be read.

    Examples:
        >>> upper_limits(["latency_ms <= 5", "latency_ms + params_m <= 7", "2 * latency_ms <= 8"])
        {'latency_ms': 4.0}
    """
    limits: dict[str, float] = {}
    for constraint in (Constraint.parse(text, device=device) for text in constraints):
        (name, factor), *others = constraint.terms
        if not others and constraint.relation.startswith("<" if factor > 0 else ">"):
            bound = constraint.bound / factor
            limits[name] = min(bound, limits.get(name, bound))
    return limits


def _figures(chosen: Chosen) -> tuple[dict[str, object], dict[str, object]]:
    """Predicted and measured values by metric; computed costs are in both."""
    known = {**chosen.get("metrics", {}), **chosen}
    predicted, measured = {}, {}
    for name, value in known.items():
        metric = name.removeprefix(_PREDICTED)
        if metric in COMPUTED or metric != name:
            predicted[metric] = value
        if metric in COMPUTED or metric == name:
            measured[metric] = value
    return predicted, measured


def _left_side(constraint: Constraint, values: Mapping[str, object]) -> float | None:
    """Value of the left side; None if a metric is unknown."""
    found = {name: as_float(values.get(name)) for name in constraint.metrics}
    known = {name: value for name, value in found.items() if value is not None}
    return float(constraint.left_side(known)) if len(known) == len(found) else None
