"""Constraints as strings: ``"latency_ms <= 5"``, ``"latency_ms + 0.5*params_m <= 7"``.

`Constraint.parse` reads a string once into linear terms; nothing is ever evaluated as code.
`feasible_mask` applies a list of constraints to the predicted metrics of a space.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConstraintError, InfeasibleError, did_you_mean
from brpnas.search._linear import parse_comparison

__all__ = ["Constraint", "feasible_mask"]

_COMPARE: dict[str, Callable[[Any, float], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Constraint:
    """A linear inequality over metrics, with all metrics on its left side.

    Attributes:
        text: The string it was read from.
        terms: Coefficient of each metric, in order of appearance; none is zero.
        relation: One of ``<=``, ``>=``, ``<``, ``>``.
        bound: The number on the right side.

    Example:
        >>> limit = Constraint.parse("5 >= latency_ms", metrics=("latency_ms",))
        >>> limit.terms, limit.relation, limit.bound
        ((('latency_ms', 1.0),), '<=', 5.0)
        >>> limit.satisfied({"latency_ms": np.array([4.0, 6.0])})
        array([ True, False])
    """

    text: str
    terms: tuple[tuple[str, float], ...]
    relation: str
    bound: float

    @classmethod
    def parse(cls, text: str, metrics: Iterable[str]) -> Constraint:
        """Read a constraint.

        Args:
            text: Sums of numbers, metrics and ``number*metric`` (or ``metric/number``) on both
                sides of one of ``<= >= < >``.
            metrics: Names that it may use.

        Raises:
            ConstraintError: If the string is malformed, or names an unknown metric or none.
        """
        terms, relation, bound = parse_comparison(text)
        known = sorted(metrics)
        for name in terms:
            if name not in known:
                raise ConstraintError(
                    f"Constraint {text!r} names an unknown metric {name!r}."
                    f"{did_you_mean(name, known)} Known: {', '.join(known)}."
                )
        return cls(text, tuple(terms.items()), relation, bound)

    def with_margin(self, metric: str, factor: float) -> Constraint:
        """The constraint on a metric of which a prediction counts so many times.

        Upper bounds with the metric on their left side are made stricter by a factor above 1, and
        looser by one below; others stay as they are.

        Example:
            >>> limit = Constraint.parse("latency_ms <= 5", metrics=("latency_ms",))
            >>> limit.with_margin("latency_ms", 1.25).terms
            (('latency_ms', 1.25),)
        """
        terms = dict(self.terms)
        if factor == 1 or terms.get(metric, 0.0) <= 0 or not self.relation.startswith("<"):
            return self
        terms[metric] *= factor
        text = f"{self.text} (with {factor:.4g} * {metric})"
        return Constraint(text, tuple(terms.items()), self.relation, self.bound)

    def left_side(self, values: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.float64]:
        """Value of the left side.

        Args:
            values: Each metric's values, all of one shape.

        Raises:
            ConstraintError: If a metric of the constraint is missing.
        """
        missing = [name for name, _ in self.terms if name not in values]
        if missing:
            raise ConstraintError(
                f"Constraint {self.text!r} needs {missing[0]!r}, which was not predicted."
                f"{did_you_mean(missing[0], values)} There are: {', '.join(sorted(values)) or '-'}."
            )
        total = np.zeros((), np.float64)
        for name, coefficient in self.terms:
            total = total + coefficient * np.asarray(values[name], np.float64)
        return total

    def satisfied(self, values: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.bool_]:
        """Whether the values satisfy the constraint; a missing value (NaN) never does.

        Args:
            values: Each metric's values, all of one shape.
        """
        return np.asarray(_COMPARE[self.relation](self.left_side(values), self.bound), np.bool_)

    def closest(self, values: Mapping[str, npt.ArrayLike]) -> float:
        """Left side of the architecture that comes closest: the smallest for an upper bound."""
        left = self.left_side(values)
        left = left[~np.isnan(left)]
        if not left.size:
            return float("nan")
        return float(left.min() if self.relation.startswith("<") else left.max())


def feasible_mask(
    constraints: Sequence[str | Constraint], metrics: Mapping[str, npt.ArrayLike], size: int
) -> npt.NDArray[np.bool_]:
    """Which architectures of a space satisfy all constraints.

    Args:
        constraints: Constraints or their strings; none of them means that all is feasible.
        metrics: Predicted metrics by name, each of shape ``[size]``.
        size: Number of architectures.

    Returns:
        Mask of shape ``[size]``, true somewhere.

    Raises:
        ConstraintError: If a string cannot be read or names a metric that is not there.
        InfeasibleError: If no architecture satisfies them.
    """
    parsed = [c if isinstance(c, Constraint) else Constraint.parse(c, metrics) for c in constraints]
    mask = np.ones(size, np.bool_)
    for constraint in parsed:
        satisfied = constraint.satisfied(metrics)
        if not satisfied.any():
            raise InfeasibleError(_excludes_all(constraint, metrics, size))
        mask &= satisfied
    if not mask.any():
        shares = ", ".join(
            f"{c.text!r} ({int(c.satisfied(metrics).sum())} satisfy it)" for c in parsed
        )
        raise InfeasibleError(
            f"No architecture among {size} satisfies all constraints together: {shares}. Each can "
            "be met alone: loosen the one that matters least."
        )
    return mask


def _excludes_all(constraint: Constraint, metrics: Mapping[str, npt.ArrayLike], size: int) -> str:
    extreme = "smallest" if constraint.relation.startswith("<") else "largest"
    names = ", ".join(name for name, _ in constraint.terms)
    return (
        f"No architecture among {size} satisfies {constraint.text!r}: the {extreme} predicted "
        f"value of its left side is {constraint.closest(metrics):.6g}, against a bound of "
        f"{constraint.bound:.6g}. Loosen the constraint, or check the units of {names}."
    )
