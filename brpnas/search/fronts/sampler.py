"""Iterative data selection along a front: BRP-NAS with several objectives.

Use `FrontSampler` for accuracy and one or two costs, `brpnas.search.samplers.BRPSampler` for
accuracy alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np

from brpnas.errors import ConfigurationError
from brpnas.search.fronts.objectives import FloatArray, Known, Objectives
from brpnas.search.fronts.pareto import pareto_front
from brpnas.search.fronts.values import known_values
from brpnas.search.history import History
from brpnas.search.pools.base import BoolArray, CandidatePool, IntArray, Shortlist, is_allowed
from brpnas.search.samplers.brp import _DRAWN, BRPSampler, Ranker, _outcomes, _size
from brpnas.search.seeding import generator

__all__ = ["FrontSampler", "Spread"]

Spread = Literal["layers", "limits"]

_ROUND = 20
"""Queries of a round at least: true fronts of NAS-Bench-201 have 13 to 52 members."""
_ROUNDS = 5
"""A smaller budget has as many rounds at most, so that the ranker learns between them."""
_OPTIMISM = 1.0
"""Deviations of a predicted cost by which it may be lower, when measurements are chosen."""


class FrontSampler(BRPSampler):
    """`BRPSampler` whose queries are spread along the front of predicted accuracy and costs.

    The ranker orders the candidates by accuracy, predictions and measurements give their costs.
    Of isomorphic architectures the cheapest is queried: its accuracy is the same.

    With ``spread="layers"`` a round takes the candidates that no other open candidate dominates by
    rank and costs, then those that only the former dominate, and so on (the layers of non-dominated
    sorting). Of the last layer it takes as many as are left, far from one another in cost. With
    ``spread="limits"`` each query draws a random limit of each cost, from the range of the first
    layer, and takes the best-ranked within. There is no random exploration: layers differ in cost,
    which explores enough, and ``exploit_fraction`` has no effect.

    A round needs enough queries to cover the front: at least 20, or a fifth of a smaller budget.
    More ``rounds`` than that allows are not made.

    With ``flops_prior``, round 0 is spread in the same way over eight times as many random
    architectures, and multiply-adds take the place of the rank.

    Args:
        make_ranker: Makes an untrained ranker.
        objectives: The objectives, with at least one cost.
        known: Measured values, which replace predictions.
        spread: How a round is spread along the front.
        **parameters: Parameters of `BRPSampler`. ``choose_by`` is ``ranker`` by default: the front
            then holds accuracies denoised by the ranker, see `denoised`.

    Raises:
        ConfigurationError: If a parameter is out of range or there is no cost.
    """

    name = "brp"

    def __init__(
        self,
        make_ranker: Callable[[], Ranker],
        *,
        objectives: Objectives,
        known: Known | None = None,
        spread: Spread = "layers",
        **parameters: Any,
    ) -> None:
        super().__init__(make_ranker, **{"choose_by": "ranker", **parameters})
        if not objectives.several:
            raise ConfigurationError(
                "A FrontSampler needs a cost among its objectives: use BRPSampler for accuracy "
                "alone."
            )
        if spread not in get_args(Spread):
            raise ConfigurationError(
                f"Queries are spread by {' or '.join(map(repr, get_args(Spread)))}, not by "
                f"{spread!r}."
            )
        self.objectives, self.known, self.spread = objectives, known or {}, spread
        self._optimism = 0.0
        self._members: tuple[object, list[str], IntArray] | None = None

    def worth_measuring(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """The proposals if each unmeasured cost were lower by a deviation of its prediction."""
        optimist = copy.copy(self)
        optimist._optimism = _OPTIMISM
        return optimist.ask(pool, history, budget)

    def _round_size(self, history: History, budget: int) -> int:
        least = min(_ROUND, max(1, budget // _ROUNDS))
        return max(least, super()._round_size(history, budget))

    def _propose(
        self,
        pool: CandidatePool,
        history: History,
        size: int,
        candidates: Shortlist,
        ranked: IntArray,
    ) -> list[str]:
        names = candidates.names(np.arange(len(candidates)))
        merit = np.empty(len(names))
        merit[ranked] = -np.arange(len(names))
        refused_in, is_passed = _outcomes(names, history)
        is_left = candidates.is_open & (refused_in > history.next_round)
        if self._is_used_up(pool, history):
            is_left &= candidates.is_within | is_passed
        return self._along_front(pool, history, names, merit, is_left, size)

    def _unlearnt(self, pool: CandidatePool, history: History, size: int) -> list[str]:
        """Random architectures; with a prior, spread along the front of multiply-adds."""
        if not self.flops_prior:
            return pool.fresh(history, size)
        drawn = pool.fresh(history, _DRAWN * size)
        is_left = np.ones(len(drawn), np.bool_)
        return self._along_front(pool, history, drawn, _size(pool, drawn), is_left, size)

    def _along_front(
        self,
        pool: CandidatePool,
        history: History,
        names: Sequence[str],
        merit: FloatArray,
        is_left: BoolArray,
        size: int,
    ) -> list[str]:
        """Proposals for a round, from the open candidates."""
        names, costs = self._cheapest(pool, history, names)
        left = np.flatnonzero(is_left)
        rng = generator(pool.seed, "front", len(history))
        points = self.objectives.points(merit[left], costs[left])
        if self.spread == "limits":
            taken = _within_limits(merit[left], costs[left], size, rng)
        else:
            taken = _by_layers(points, costs[left], size, rng)
        return [names[place] for place in left[taken].tolist()]

    def _cheapest(
        self, pool: CandidatePool, history: History, names: Sequence[str]
    ) -> tuple[list[str], FloatArray]:
        """The cheapest architecture of the function of each, and its costs ``[N, M - 1]``.

        Of several costs the sum counts, each relative to its range. Those that may not be proposed
        are last, see `is_allowed`.
        """
        flat, groups = self._isomorphic(pool, names)
        known = known_values(self.known, history)
        predicted = pool.predictions(flat)
        for name, spread in pool.deviations(flat).items() if self._optimism else ():
            predicted[name] = predicted[name] * np.exp(-self._optimism * np.nan_to_num(spread))
        costs = self.objectives.values(flat, predicted, known)
        total = (costs / np.maximum(np.ptp(costs, axis=0), 1e-300)).sum(axis=1)
        is_barred = np.array([not is_allowed(pool, name, history) for name in flat])
        order = np.lexsort((total, is_barred, groups))
        first = order[np.unique(groups[order], return_index=True)[1]]
        return [flat[place] for place in first.tolist()], costs[first]

    def _isomorphic(self, pool: CandidatePool, names: Sequence[str]) -> tuple[list[str], IntArray]:
        """The architectures of the functions, and the place of the function of each.

        Cached: a listed pool has the same ones in every round.
        """
        known = (pool, list(names))
        if self._members is None or self._members[0] != known:
            members = [[name, *pool.isomorphic(name)] for name in names]
            groups = np.repeat(np.arange(len(members)), [len(each) for each in members])
            self._members = known, [name for each in members for name in each], groups
        return self._members[1:]

    def describe(self) -> dict[str, object]:
        """Parameters of the sampler and its objectives, without the ranker's own."""
        return {
            **super().describe(),
            **self.objectives.describe(self.known),
            "spread": self.spread,
        }


def _by_layers(
    points: FloatArray, costs: FloatArray, size: int, rng: np.random.Generator
) -> list[int]:
    """Places of the first layers of points; the last one thinned out."""
    taken: list[int] = []
    left = np.arange(len(points))
    while len(taken) < size and len(left):
        is_front = pareto_front(points[left])
        layer, left = left[is_front], left[~is_front]
        if len(layer) > size - len(taken):
            layer = layer[_far_apart(costs[layer], size - len(taken), rng)]
        taken += layer.tolist()
    return taken


def _far_apart(costs: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """Places of ``count`` rows, from a random one on always the farthest from those before."""
    scaled = costs / np.maximum(np.ptp(costs, axis=0), 1e-300)
    places = [int(rng.integers(len(scaled)))]
    distance = np.full(len(scaled), np.inf)
    while len(places) < count:
        distance = np.minimum(distance, np.abs(scaled - scaled[places[-1]]).max(axis=1))
        distance[places[-1]] = -1.0
        places.append(int(distance.argmax()))
    return np.array(places, np.int64)


def _within_limits(
    merit: FloatArray, costs: FloatArray, size: int, rng: np.random.Generator
) -> list[int]:
    """Places of the best by merit within random limits, one after another."""
    front = costs[pareto_front(np.column_stack([merit, -costs]))]
    taken: list[int] = []
    is_left = np.ones(len(merit), np.bool_)
    while len(taken) < size and is_left.any():
        limit = front.min(axis=0) + rng.random(costs.shape[1]) * np.ptp(front, axis=0)
        within = np.flatnonzero(is_left & (costs <= limit).all(axis=1))
        if not len(within):  # the limits exclude each other, or all within are taken
            within = np.flatnonzero(is_left)
        taken.append(int(within[merit[within].argmax()]))
        is_left[taken[-1]] = False
    return taken
