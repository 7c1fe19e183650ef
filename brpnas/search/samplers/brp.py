"""Iterative data selection with a ranking predictor: BRP-NAS (Dudziak et al., NeurIPS 2020).

A predictor has `fit` and `score`, see `Ranker`; the published one compares pairs, see
`brpnas.predictors.PairwiseRanker`. `fit_ranker` trains it on a whole history, also after a search.
Before the first answers, a free prior can rank architectures: more multiply-adds, more accuracy.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.special

from brpnas.errors import ConfigurationError, OracleError
from brpnas.graphs import GraphBatch
from brpnas.search.history import History
from brpnas.search.pools.base import BoolArray, CandidatePool, IntArray, Shortlist, is_accepted
from brpnas.search.samplers.base import Sampler
from brpnas.search.seeding import generator, integer_seed

__all__ = ["BRPSampler", "ChooseBy", "Ranker", "fit_ranker"]

ChooseBy = Literal["answers", "ranker"]

_log = logging.getLogger(__name__)

_LEADERS = 3
"""Number of best answered architectures to mutate."""
_LOW = 10.0
"""Standardised score below all others, of one that is no number."""
_DRAWN = 8
"""Random architectures per query of the first round; the prior takes the largest."""
_MEASURED_FROM = 0.2
"""Share of the rounds without measurements: the ranker first learns what is worth one."""


class Ranker(Protocol):
    """A predictor for ordering architectures by accuracy."""

    def fit(self, graphs: GraphBatch, accuracy: npt.NDArray[np.float64], seed: int) -> object:
        """Train from nothing on graphs and their validation accuracies (fractions, ``[N]``)."""

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.floating[Any]]:
        """Score of each graph, shape ``[N]``; higher is better."""


@runtime_checkable
class _UncertainRanker(Ranker, Protocol):
    """A ranker that knows the uncertainty of its scores; without it a score counts as certain."""

    def deviations(self, graphs: GraphBatch) -> npt.NDArray[np.floating[Any]]:
        """Standard deviation of each score, shape ``[N]``."""


RankerT = TypeVar("RankerT", bound=Ranker)


def fit_ranker(
    make_ranker: Callable[[], RankerT], pool: CandidatePool, history: History
) -> RankerT:
    """Train a new ranker on every answered architecture of a history.

    The pool's seed and the length of the history decide its seed.

    Raises:
        OracleError: If fewer than two architectures have an answer.
    """
    means = history.means()
    if len(means) < 2:
        raise OracleError(
            f"A ranking predictor needs two answered architectures to compare; {len(means)} of "
            f"{len(history)} queries were answered."
        )
    ranker = make_ranker()
    ranker.fit(
        pool.graphs_of(list(means)),
        np.array(list(means.values()), np.float64),
        integer_seed(pool.seed, "ranker", len(history)),
    )
    return ranker


def _outcomes(names: Sequence[str], history: History) -> tuple[IntArray, BoolArray]:
    """Measurements of architectures.

    Returns:
        Round of its refusal, the largest integer if not refused; and whether it passed.
    """
    rounds = np.full(len(names), np.iinfo(np.int64).max)
    is_passed = np.zeros(len(names), np.bool_)
    for place, name in enumerate(names if history.measurements else ()):
        measurement = history.measurements.get(name)
        if measurement is not None and measurement.within:
            is_passed[place] = True
        elif measurement is not None:
            rounds[place] = measurement.round
    return rounds, is_passed


def _standardised(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Distance from the mean in standard deviations, ``[N]``; non-finite values are unchanged.

    All are 0 if the values are equal.
    """
    known = np.isfinite(values)
    found = np.array(values, np.float64)
    if known.any():
        found[known] -= found[known].mean()
        found[known] /= found[known].std() or 1.0
    return found


def _size(pool: CandidatePool, arch_ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """Standardised logarithm of multiply-adds, shape ``[N]``; the average where unknown."""
    flops = pool.flops(arch_ids)
    sizes = _standardised(np.log(np.maximum(flops, 1.0)))
    return np.where(np.isfinite(sizes), sizes, 0.0)


@dataclass(frozen=True, eq=False)
class _Ranking:
    """The ``N`` candidates of a round.

    Attributes:
        candidates: Architectures, without their graphs.
        scores: Score of each, ``[N]``; higher is better.
        ranked: Their places, best first, ``[N]``.
        names: The architecture of each to propose.
        odds: Probability of each to satisfy the limits, ``[N]``.
        deviations: Standard deviation of each score, ``[N]``.
        best_score: Score of the best queried one, which is feasible; -inf without one.
    """

    candidates: Shortlist
    scores: npt.NDArray[np.floating[Any]]
    ranked: IntArray
    names: Sequence[str]
    odds: npt.NDArray[np.float64]
    deviations: npt.NDArray[np.floating[Any]]
    best_score: float

    def after(self, pool: CandidatePool, history: History) -> _Ranking:
        """The ranking after measurements: the likeliest isomorphic one replaces a refused one.

        The measured latencies of isomorphic architectures differ, so the next one may pass.
        """
        if not history.measurements:
            return self
        names, replaced = list(self.names), []
        for place, name in enumerate(self.names):
            if history.refuses(name):
                left = (n for n in pool.isomorphic(name) if not history.refuses(n))
                names[place] = next(left, name)
                replaced += [place] if names[place] != name else []
        if not replaced:
            return self
        found, odds = [names[place] for place in replaced], self.odds.copy()
        odds[replaced] = pool.limits.odds(found, pool.predictions(found), pool.deviations(found))
        return replace(self, names=names, odds=odds)

    def best(self, places: IntArray, is_clear: BoolArray, count: int) -> IntArray:
        """Uncertain candidates worth a measurement, then the best clearly within the limits.

        The former are ordered by their expected improvement on the best queried one, times their
        probability to satisfy the limits (Schonlau et al., IMS Lecture Notes 34, 1998).

        Args:
            places: Candidates left, best first.
            is_clear: Whether a candidate is clearly within or passed, ``[N]``.
            count: Number of candidates to take, at most.
        """
        clear = places[is_clear[places]][:count]
        unclear = places[~is_clear[places]]
        scores = self.scores[unclear]
        unclear, scores = unclear[np.isfinite(scores)], scores[np.isfinite(scores)]
        if not len(unclear):
            return clear
        least = max(self.best_score, float(scores.min()) - 1.0)
        gain = expected_improvement(scores - least, self.deviations[unclear])
        expected = self.odds[unclear] * gain
        order = np.argsort(-expected, kind="stable")
        worth = unclear[order[expected[order] > 0]]
        return np.concatenate([worth, clear])[:count]


def expected_improvement(
    gain: npt.NDArray[np.floating[Any]], deviation: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Mean of the positive part of normal gains, ``[N]`` (Mockus et al., 1978).

    Args:
        gain: Expected gains, ``[N]``.
        deviation: Their standard deviations, ``[N]``; 0 for certain ones.
    """
    spread = np.where(deviation > 0, deviation, 1.0)
    ratio = gain / spread
    density = np.exp(-0.5 * ratio**2) / math.sqrt(2 * math.pi)
    found = gain * scipy.special.ndtr(ratio) + spread * density
    return np.asarray(np.where(deviation > 0, found, np.maximum(gain, 0.0)))


class BRPSampler(Sampler):
    """Half exploitation, half exploration of an ever narrower top, predictor retrained each round.

    A budget of B queries is spent in I rounds of B/I, rounded down; later rounds take one more
    until the budget is spent. Round 0 is random, or chosen by the prior, see below; with
    ``infeasible_share`` the first rounds are random. Round i trains the ranker on all answers
    and ranks the candidates. Half of its queries (``exploit_fraction``) go to the best-ranked
    unqueried ones, the others to random ones from the top 1/2^i of the ranking.

    The candidates are all distinct feasible functions of a listed space, or a new random sample of
    an unlisted space in each round, see `brpnas.search.CandidatePool.shortlist`.

    With ``flops_prior`` p, round 0 draws eight random architectures per query and takes those with
    the most multiply-adds. With n answered architectures, candidates are ranked by the score of the
    ranker plus p / (n + p) times the logarithm of their multiply-adds. Both are standardised over
    all candidates. Multiply-adds are among the best training-free predictors of accuracy
    (Krishnakumar et al., NeurIPS 2022, arXiv 2210.03230). Abdelfattah et al. (ICLR 2021, arXiv
    2101.08134) introduced the start of a ranker by such a predictor. In a space without known
    multiply-adds the prior has no effect.

    If the budget is raised later, the remaining rounds grow; after the I rounds the rest goes to
    the best-ranked unqueried ones, in rounds of the size of the first.

    Args:
        make_ranker: Makes an untrained ranker.
        rounds: Number of rounds I.
        exploit_fraction: Share of the best-ranked in each round.
        neighbours: In an unlisted space, number of mutations of the three best answered, ranked
            with each round's sample. They may be among the best-ranked, but exploration draws from
            the sample alone. A listed space is ranked as a whole.
        flops_prior: Weight of the prior, in answers; 0 for none. The prior favours networks with
            more multiply-adds. It does not affect the final choice among the answered.
        infeasible_share: Share of the budget, in whole rounds at the start of a search with
            constraints, drawn from all answerable architectures, feasible or not. Tight constraints
            leave few architectures of some kinds; the ranker learns about these kinds from the
            others. Infeasible architectures count as queries and are never chosen.
        choose_by: Basis of the final choice: ``answers``, the mean of an architecture's own
            answers, as published; or ``ranker``, its score by the ranker trained on all answers.
            With one or two training seeds per architecture, the best answer of many is partly luck,
            and the ranker learns from all answers. With exact answers the ranker only blurs them.

    Raises:
        ConfigurationError: If a parameter is out of range.
    """

    name = "brp"

    def __init__(
        self,
        make_ranker: Callable[[], Ranker],
        *,
        rounds: int = 5,
        exploit_fraction: float = 0.5,
        neighbours: int = 0,
        flops_prior: float = 0.0,
        infeasible_share: float = 0.0,
        choose_by: ChooseBy = "answers",
    ) -> None:
        if rounds < 1 or not 0 <= exploit_fraction <= 1 or neighbours < 0:
            raise ConfigurationError(
                "BRP needs at least 1 round and an exploit_fraction from 0 to 1, not "
                f"{rounds} and {exploit_fraction}, and no negative number of neighbours."
            )
        if not 0 <= flops_prior < math.inf:
            raise ConfigurationError(
                f"The flops_prior of BRP must be 0 or a number of answers, and is {flops_prior}."
            )
        if not 0 <= infeasible_share < 1:
            raise ConfigurationError(
                "The infeasible_share of BRP must be at least 0 and less than 1, and is "
                f"{infeasible_share}."
            )
        if choose_by not in get_args(ChooseBy):
            raise ConfigurationError(
                f"BRP chooses by 'answers' or by its 'ranker', not by {choose_by!r}."
            )
        self.make_ranker, self.rounds, self.exploit_fraction = make_ranker, rounds, exploit_fraction
        self.neighbours, self.choose_by = neighbours, choose_by
        self.flops_prior, self.infeasible_share = flops_prior, infeasible_share
        self._trained: tuple[object, Ranker] | None = None
        self._ranked: tuple[object, _Ranking] | None = None

    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """Round 0 at random or by the prior, then the ranking; after the last round its best only.

        If it `samples_infeasible`, at random from all answerable architectures.
        """
        size = min(self._round_size(history, budget), budget - len(history))
        number = history.next_round
        if self.samples_infeasible(pool, history, budget):
            return pool.fresh(history, size, feasible=False)
        if number == 0 or len(history.means()) < 2:
            return self._unlearnt(pool, history, size)
        ranking = self._ranking(pool, history)
        if not len(ranking.candidates):
            return pool.fresh(history, size)
        names = self._propose(pool, history, size, ranking.candidates, ranking.ranked)
        # A round's whole sample may be refused; the rest of a sampled space is not.
        return names or pool.fresh(history, size)

    def _propose(
        self,
        pool: CandidatePool,
        history: History,
        size: int,
        candidates: Shortlist,
        ranked: IntArray,
    ) -> list[str]:
        """The best-ranked and random ones of the top, without refused ones.

        After the measurements of the round only those clearly within the limits or passed. Random
        ones are always of these; if they are too few, the best-ranked fill the round.

        Args:
            pool: The candidate pool.
            history: All queries up to now.
            size: Number of proposals.
            candidates: Architectures of the round.
            ranked: Their places, best first.
        """
        number = history.next_round
        unqueried = ranked[candidates.is_open[ranked]]
        exploited = size if number >= self.rounds else math.ceil(size * self.exploit_fraction)
        is_free = candidates.is_open.copy()
        is_free[unqueried[:exploited]] = False
        ranking = self._ranking(pool, history).after(pool, history)
        names = ranking.names
        refused_in, is_passed = _outcomes(names, history)
        is_clear = candidates.is_within | is_passed
        sample = ranked[
            (ranked < candidates.drawn) & (refused_in[ranked] >= number) & is_clear[ranked]
        ]
        top = sample[: math.ceil(len(sample) / 2**number)]
        rng = generator(pool.seed, "brp", len(history))
        # Drawn before this round's refusals are removed: a refusal changes no other draw.
        drawn = rng.permutation(top[is_free[top]])
        is_left = refused_in > number
        if self._is_used_up(pool, history):
            is_left &= is_clear
        left = unqueried[is_left[unqueried]]
        best = ranking.best(left, is_clear, exploited)
        is_left[best] = False
        explored = drawn[is_left[drawn]][: size - len(best)]
        is_left[explored] = False
        chosen = np.concatenate([best, explored])
        fill = unqueried[is_left[unqueried]][: size - len(chosen)]
        return [names[place] for place in [*chosen.tolist(), *fill.tolist()]]

    def _is_used_up(self, pool: CandidatePool, history: History) -> bool:
        """Whether a round has used its measurements: its share of those left at its start."""
        number = history.next_round
        if number < _MEASURED_FROM * self.rounds:
            return True
        spent = sum(each.round == number for each in history.measurements.values())
        left = pool.limits.left(history)
        return spent * max(1, self.rounds - number) >= spent + left

    def samples_infeasible(self, pool: CandidatePool, history: History, budget: int) -> bool:
        """While whole rounds of `infeasible_share` are left, in a search with constraints."""
        end = len(history) + self._round_size(history, budget)
        return pool.is_limited and end <= self.infeasible_share * budget + 1e-9

    def _round_size(self, history: History, budget: int) -> int:
        left = self.rounds - history.next_round
        if left > 0:
            return max(1, (budget - len(history)) // left)
        return sum(record.round == 0 for record in history)

    def _unlearnt(self, pool: CandidatePool, history: History, size: int) -> list[str]:
        """Random architectures; with a prior the largest of a larger draw.

        Architectures clearly within the limits are first: they need no measurement.
        """
        if not self.flops_prior:
            return pool.fresh(history, size)
        drawn = pool.fresh(history, _DRAWN * size)
        is_clear = np.array([is_accepted(pool, name, history) for name in drawn], np.bool_)
        order = np.lexsort((-_size(pool, drawn), ~is_clear))
        return [drawn[place] for place in order[:size].tolist()]

    def _mutants(self, pool: CandidatePool, history: History) -> list[str]:
        """Mutations of the leaders, the leaders in turn."""
        means = history.choosable()
        leaders = sorted(means, key=lambda arch: (-means[arch], arch))[:_LEADERS]
        rng = generator(pool.seed, "neighbours", len(history))
        parents = itertools.islice(itertools.cycle(leaders), self.neighbours)
        return list(dict.fromkeys(pool.space.mutate(parent, rng) for parent in parents))

    def _ranking(self, pool: CandidatePool, history: History) -> _Ranking:
        """The candidates of the round.

        Cached: a round with measurements needs it many times.
        """
        known = (pool, len(history), history.answers())
        if self._ranked is None or self._ranked[0] != known:
            candidates = pool.shortlist(history, self._mutants(pool, history))
            names = candidates.names(np.arange(len(candidates)))
            scores: npt.NDArray[np.floating[Any]] = np.zeros(0)
            deviations: npt.NDArray[np.floating[Any]] = np.zeros(len(candidates))
            if len(candidates):
                scores = self._scores(pool, history, candidates.graphs)
                ranker = self._trained[1] if self._trained else None
                if pool.limits.measures and isinstance(ranker, _UncertainRanker):
                    deviations = ranker.deviations(candidates.graphs)
                if self.flops_prior:
                    deviations = deviations / (scores[np.isfinite(scores)].std() or 1.0)
                    weight = self.flops_prior / (len(history.means()) + self.flops_prior)
                    scores = _standardised(scores) + weight * _size(pool, names)
            odds = np.ones(len(names))
            if pool.limits.measures:
                odds = pool.limits.odds(names, pool.predictions(names), pool.deviations(names))
            candidates = replace(candidates, graphs=candidates.graphs[:0])
            ranked = np.argsort(-scores, kind="stable")
            best = float(scores[~candidates.is_open].max(initial=-np.inf))
            self._ranked = (
                known,
                _Ranking(candidates, scores, ranked, names, odds, deviations, best),
            )
        return self._ranked[1]

    def scores(self, pool: CandidatePool, history: History) -> dict[str, float]:
        """Scores of the round's candidates by the ranker trained on the history, standardised."""
        if history.next_round == 0 or len(history.means()) < 2:
            return {}
        ranking = self._ranking(pool, history)
        names = ranking.candidates.names(np.arange(len(ranking.candidates)))
        found = np.nan_to_num(_standardised(ranking.scores), neginf=-_LOW)
        return dict(zip(names, found.tolist(), strict=True))

    def estimates(self, pool: CandidatePool, history: History) -> dict[str, float] | None:
        """Scores of the feasible answered architectures by the ranker trained on all answers.

        None if the answers decide.
        """
        names = list(history.choosable())
        if self.choose_by == "answers" or not names or len(history.means()) < 2:
            return None
        scores = self._scores(pool, history, pool.graphs_of(names))
        return dict(zip(names, scores.tolist(), strict=True))

    def _scores(
        self, pool: CandidatePool, history: History, graphs: GraphBatch
    ) -> npt.NDArray[np.floating[Any]]:
        """Scores by the ranker trained on the history; cached, since it is used twice."""
        known = (pool, len(history), history.answers())
        if self._trained is None or self._trained[0] != known:
            self._trained = known, fit_ranker(self.make_ranker, pool, history)
        scores = np.asarray(self._trained[1].score(graphs))
        lost = int((~np.isfinite(scores)).sum())
        if lost:
            _log.warning("the ranker gave %d of %d scores that are no number", lost, len(scores))
            scores = np.where(np.isfinite(scores), scores, -np.inf)
        return scores

    def describe(self) -> dict[str, object]:
        """Parameters of the sampler, without the ranker's own."""
        return {
            "name": self.name,
            "rounds": self.rounds,
            "exploit_fraction": self.exploit_fraction,
            **({"neighbours": self.neighbours, "leaders": _LEADERS} if self.neighbours else {}),
            **({"flops_prior": self.flops_prior} if self.flops_prior else {}),
            **({"infeasible_share": self.infeasible_share} if self.infeasible_share else {}),
            **({"choose_by": self.choose_by} if self.choose_by != "answers" else {}),
        }
