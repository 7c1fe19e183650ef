"""The front of a search: its members, the suggested knee, and the hypervolume per round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import isotonic_regression

from brpnas.datasets.metrics import METRICS
from brpnas.errors import UnknownNameError
from brpnas.search.fronts.objectives import ACCURACY, FloatArray, Known, Objectives
from brpnas.search.fronts.pareto import pareto_front
from brpnas.search.fronts.scale import Scale
from brpnas.search.result import chosen

__all__ = ["Front", "denoised", "search_front"]


@dataclass(frozen=True, eq=False)
class Front:
    """The front of the answered architectures of a search.

    Attributes:
        objectives: Objectives of the search.
        members: One row per member, most accurate first: ``arch_id``, ``accuracy`` (denoised, see
            `denoised`), ``answer`` (mean of its answers), ``answers`` (their number),
            ``first_query``, one column per cost, and ``knee``.
        rounds: One row per round: ``round``, ``queries`` up to its end, ``hypervolume`` of the
            architectures answered up to its end, with their final accuracies, on the scale of the
            final front.
        scale: Scale of the hypervolume, from the final front.
        reason: Why the knee is suggested, in words.
    """

    objectives: Objectives
    members: pd.DataFrame
    rounds: pd.DataFrame
    scale: Scale
    reason: str

    @property
    def knee(self) -> str:
        """The suggested member."""
        return str(self.members.loc[self.members["knee"], "arch_id"].iloc[0])

    @property
    def hypervolume(self) -> float:
        """Hypervolume at the end of the search."""
        return float(self.rounds["hypervolume"].iloc[-1])

    def select(self, arch_ids: Iterable[str] | None = None) -> list[str]:
        """Members to export: those named, or all of them, most accurate first.

        Raises:
            UnknownNameError: If one is not on the front.
        """
        members = self.members["arch_id"].tolist()
        if arch_ids is None:
            return members
        named = set(arch_ids)
        for name in sorted(named - set(members)):
            raise UnknownNameError("member of the front", name, members)
        return [name for name in members if name in named]

    def to_json(self) -> dict[str, Any]:
        """Knee, its reason, the hypervolume per round, and the scale (JSON types)."""
        names = [objective.name for objective in self.objectives]
        signs = [-1.0 if objective.cost else 1.0 for objective in self.objectives]
        reference = zip(names, signs, self.scale.reference, strict=True)
        return {
            "objectives": list(map(str, self.objectives)),
            "members": len(self.members),
            "knee": self.knee,
            "reason": self.reason,
            "hypervolume": self.hypervolume,
            "hypervolume_by_round": self.rounds["hypervolume"].tolist(),
            "reference": {name: sign * value for name, sign, value in reference},
        }


def denoised(
    answers: npt.ArrayLike, counts: npt.ArrayLike, scores: npt.ArrayLike | None = None
) -> FloatArray:
    """Accuracies of ``N`` architectures without part of the noise of their trainings, ``[N]``.

    The scores of a ranker that learnt from all answers are mapped to accuracies by isotonic
    regression on the answers. The result counts as one more answer of each architecture. Answers
    alone would fill the front with lucky trainings.

    Args:
        answers: Mean answer of each.
        counts: Number of its answers.
        scores: Score of each by the ranker; without it the mean answers are returned.

    Examples:
        >>> denoised([0.9, 0.96, 0.92], [1, 1, 1], [1.0, 2.0, 3.0]).round(3).tolist()
        [0.9, 0.95, 0.93]
    """
    means, numbers = np.asarray(answers, np.float64), np.asarray(counts, np.float64)
    if scores is None:
        return means.copy()
    _, place = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    weights = np.bincount(place, numbers)
    levels = np.bincount(place, numbers * means) / weights
    fitted = isotonic_regression(levels, weights=weights).x[place]
    return np.asarray((numbers * means + fitted) / (numbers + 1), np.float64)


def search_front(
    history: pd.DataFrame, objectives: Objectives, known: Known | None = None
) -> Front:
    """The front of the answered feasible architectures.

    Costs are measured values where there are any, of the search or known before, and predictions
    elsewhere.

    Args:
        history: Table of a search (`History.to_frame`).
        objectives: Objectives of the search.
        known: Values measured before the search.

    Raises:
        OracleError: If no feasible architecture has an answer.
        ObjectiveError: If a cost has no column of predictions.
    """
    chosen(history)  # refuses a history without anything to choose from
    counted = history[(history["status"] == "ok") & history["feasible"]]
    table = counted.drop_duplicates("arch_id").set_index("arch_id")
    by_name = counted.groupby("arch_id")[ACCURACY]
    answers = pd.DataFrame({"answer": by_name.mean(), "answers": by_name.size()})
    answers = answers.loc[table.index]
    scores = table["estimate"] if table["estimate"].notna().all() else None
    accuracy = denoised(answers["answer"], answers["answers"], scores)
    costs = _costs(table, objectives, known or {})
    points = objectives.points(accuracy, costs)
    scale = Scale.of(points)
    mask = pareto_front(points)
    members = pd.DataFrame(
        {
            "arch_id": table.index,
            ACCURACY: accuracy,
            "answer": answers["answer"].to_numpy(),
            "answers": answers["answers"].to_numpy(),
            "first_query": table["query"].to_numpy(),
            **dict(zip(objectives.costs, costs.T, strict=True)),
            # The largest sum of normalised objectives is farthest from the plane of the extremes.
            "knee": np.where(mask, scale.normalised(points).sum(axis=1), -np.inf),
        }
    )[mask]
    order = [ACCURACY, *objectives.costs, "first_query"]
    members = members.sort_values(order, ascending=[False, *[True] * (len(order) - 1)])
    members = members.reset_index(drop=True)
    members["knee"] = members.index == members["knee"].idxmax()
    rounds = _by_round(history, table["round"].to_numpy(np.int64), points, scale)
    return Front(objectives, members, rounds, scale, _reason(members, objectives))


def _costs(table: pd.DataFrame, objectives: Objectives, known: Known) -> FloatArray:
    """Costs of the rows of a history, measured if possible, ``[N, M - 1]``."""
    predicted, measured = {}, dict(known)
    for name in objectives.costs:
        if f"predicted_{name}" in table:
            predicted[name] = table[f"predicted_{name}"].to_numpy(np.float64)
        if name in table:
            values = table[name].dropna().astype(float)
            found = dict(zip(values.index.astype(str), values.tolist(), strict=True))
            measured[name] = {**known.get(name, {}), **found}
    return objectives.values(table.index.tolist(), predicted, measured)


def _by_round(
    history: pd.DataFrame, rounds: npt.NDArray[np.int64], points: FloatArray, scale: Scale
) -> pd.DataFrame:
    queries = history.groupby("round").size().cumsum()
    volumes = [scale.hypervolume(points[rounds <= number]) for number in queries.index]
    return pd.DataFrame(
        {
            "round": queries.index.to_numpy(np.int64),
            "queries": queries.to_numpy(np.int64),
            "hypervolume": np.array(volumes, np.float64),
        }
    )


def _reason(members: pd.DataFrame, objectives: Objectives) -> str:
    """The trade of the knee against the extremes, in words."""
    if len(members) == 1:
        return "It is the only member of the front: no other is better in any objective."
    row = int(members["knee"].to_numpy().argmax())
    accuracy = 100 * members[ACCURACY].to_numpy()
    costs = {name: members[name].to_numpy() for name in objectives.costs}
    parts = []
    if row:
        saved = [_change(name, values[row], values[0]) for name, values in costs.items()]
        lost = f"{accuracy[0] - accuracy[row]:.2f} points below the most accurate member"
        parts.append(f"{lost}, with {' and '.join(saved)}")
    for name, values in costs.items():
        least = int(values.argmin())
        if least != row:
            gained = f"{accuracy[row] - accuracy[least]:.2f} points above the member with the least"
            parts.append(f"{gained} {name}, with {_change(name, values[row], values[least])}")
    return (
        "It has the largest sum of objectives relative to the range of the front: "
        f"{'; '.join(parts)}."
    )


def _change(name: str, value: float, other: float) -> str:
    unit = METRICS[name.partition("@")[0]].unit
    return f"{name} of {value:.4g} {unit} instead of {other:.4g} {unit}"
