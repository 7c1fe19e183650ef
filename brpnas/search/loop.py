"""The search loop: propose, measure, plan, query the oracle, store, tell.

In rounds, the next plan is made after the last answer of a round. With evaluations in flight, it is
made as soon as all planned queries are submitted and there is room for another.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from brpnas.errors import BudgetError, ConfigurationError, InfeasibleError, OracleError
from brpnas.search.events import EventLog
from brpnas.search.filter import MetricFilter
from brpnas.search.history import History, Plan, Record
from brpnas.search.oracles import Answer, Evaluations, Oracle, Question
from brpnas.search.pools.base import CandidatePool, is_accepted
from brpnas.search.progress import Progress
from brpnas.search.proposals import Proposals, check_end, check_found
from brpnas.search.result import SearchResult, chosen
from brpnas.search.samplers.base import Sampler
from brpnas.search.stopping import EarlyStopping, LearningCurve, StoppingRule

__all__ = ["run_search", "search_fingerprint"]


def search_fingerprint(
    pool: CandidatePool,
    sampler: Sampler,
    oracle: Oracle,
    metric_filter: MetricFilter | None = None,
    *,
    parallel: int | None = None,
) -> dict[str, object]:
    """Fingerprint of a search for `SearchStore`, without its budget.

    The ranker's own parameters are not included: add them under a new key. A search without rounds
    is another search, but its number of evaluations in flight may change.
    """
    task = {**pool.describe(), "sampler": sampler.describe(), "oracle": oracle.describe()}
    if parallel is not None:
        task["rounds"] = False
    return task if metric_filter is None else {**task, "filter": metric_filter.describe()}


def run_search(  # noqa: PLR0913 - the parts of a search
    pool: CandidatePool,
    sampler: Sampler,
    oracle: Oracle,
    budget: int,
    *,
    metric_filter: MetricFilter | None = None,
    store: EventLog | None = None,
    progress: bool = True,
    parallel: int | None = None,
    stopping: EarlyStopping | None = None,
) -> SearchResult:
    """Run a search, or the rest of it, to the end of its budget.

    Stored answers and measurements are not repeated: an interrupted run continues with the planned
    queries, and a store with the whole budget is only read. A failed query is recorded and counts.
    With a filter the search ends early, with a warning, if too few architectures pass.

    With ``parallel``, rounds overlap: the sampler proposes the next one when all queries of the
    earlier ones are submitted. Queries in flight count as queried, and the ranker learns from the
    others. An oracle that answers at once makes the same search of a seed; with real workers the
    order of the answers decides too.

    Args:
        pool: The candidate pool.
        sampler: Proposes the architectures to query.
        oracle: Answers queries.
        metric_filter: Measures uncertain proposals; a refused one is not queried and does not
            count, unless the sampler `samples_infeasible`. At the end it measures the choice, if
            it is uncertain. Needed if the limits measure.
        budget: Queries in total, earlier runs on the same store included. If the store holds more
            answers, all of them are returned.
        store: A `SearchStore` to resume from and to write to; in memory if left out.
        progress: Show a progress bar.
        parallel: Evaluations in flight; None for rounds, each of them answered before the next.
        stopping: Stops trainings early; None for never. It needs an oracle with learning curves.

    Returns:
        The whole history, earlier runs included.

    Raises:
        BudgetError: If the budget is not positive or exceeds the distinct feasible functions.
        ConfigurationError: If the limits measure and there is no filter, or ``parallel`` is not
            positive.
        InfeasibleError: If the filter refuses every architecture.
        MeasurementError: If too many measurements in a row fail.
        OracleError: If the oracle leaves queries unanswered.
    """
    _check_budget(budget, pool)
    if pool.limits.measures and metric_filter is None:
        raise ConfigurationError(
            f"The limits have measured values of {', '.join(pool.limits.sources)}: give a "
            "`metric_filter`, or limits with the source 'predicted'."
        )
    if parallel is not None and parallel < 1:
        raise ConfigurationError(f"parallel must be 1 or more, or None, not {parallel}.")
    log = EventLog() if store is None else store
    total = max(budget, len(log.answers))
    oracle.resume([record.arch_id for record in log.answers.values()])
    with (
        oracle.start() as evaluations,
        Progress(sampler.name, total, list(log.answers.values()), shown=progress) as display,
    ):
        proposals = Proposals(pool, sampler, metric_filter, log, display.measured)
        queries = _Queries(proposals, evaluations, total, parallel, stopping)
        while queries.fill():
            display.in_flight(queries.in_flight)
            display.answered(queries.take())
        history = queries.history()
        if len(history) < total:
            check_end(history)
        table = _table(pool, sampler, history, log)
        while history.choosable() and not proposals.check_choice(history, chosen(table)):
            table = _table(pool, sampler, history, log)
    if metric_filter is not None:
        check_found(history)
    measured = list(history.measurements)
    return SearchResult(history, table, history.measured_frame(pool.predictions(measured)))


def _table(pool: CandidatePool, sampler: Sampler, history: History, log: EventLog) -> pd.DataFrame:
    """The table of the queries; the last row names the leader if the sampler has estimates."""
    predicted = pool.predictions([record.arch_id for record in history])
    estimates = sampler.estimates(pool, history)
    leaders = {plan.first_query - 1: plan.leader for plan in log.plans if plan.leader}
    table = history.to_frame(
        predicted, np.arange(len(history)), estimates=estimates, leaders=leaders
    )
    if estimates:
        table.loc[table.index[-1], "leader"] = chosen(table)
    return table


def _check_budget(budget: int, pool: CandidatePool) -> None:
    if not 0 < budget <= pool.capacity:
        raise BudgetError(
            f"A budget of {budget} queries does not fit: give at least 1 and at most "
            f"{pool.capacity}, the number of distinct functions in {pool.space.name} that "
            "satisfy the constraints."
        )


def _next_plan(
    pool: CandidatePool, sampler: Sampler, history: History, asked: Sequence[str], total: int
) -> Plan:
    functions: set[str] = set()
    queried, pending = set(history.queried), history.pending
    takes_infeasible = sampler.samples_infeasible(pool, history, total)
    for arch_id in asked:
        if not takes_infeasible and not pool.is_feasible(arch_id):
            raise InfeasibleError(
                f"Sampler {sampler.name!r} asked for {arch_id!r}, which is not feasible: a sampler "
                "must check `is_open`."
            )
        function = pool.isomorphism_id(arch_id)
        is_known = history.knows(function) and arch_id not in queried
        if function in functions or is_known or arch_id in pending:
            raise BudgetError(
                f"Sampler {sampler.name!r} asked for {arch_id!r}, whose function is already "
                "queried: a sampler must check `is_open`."
            )
        functions.add(function)
    if not asked:
        raise BudgetError(
            f"Sampler {sampler.name!r} asked for nothing after {len(history)} of {total} queries."
        )
    leader = _leader(sampler.estimates(pool, history), history)
    return Plan(history.next_round, sampler.name, len(history), tuple(asked), leader)


def _leader(estimates: Mapping[str, float] | None, history: History) -> str | None:
    means = history.choosable()
    return min(estimates, key=lambda a: (-estimates[a], -means[a], a)) if estimates else None


class _Queries:
    """The queries of a search: planned, in flight, answered.

    Args:
        proposals: Proposes the architectures of a round.
        evaluations: Answer the queries.
        total: Answers to have at the end.
        parallel: Queries in flight; None for a whole round.
        stopping: Stops trainings early; None for never.
    """

    def __init__(
        self,
        proposals: Proposals,
        evaluations: Evaluations,
        total: int,
        parallel: int | None,
        stopping: EarlyStopping | None,
    ) -> None:
        self._proposals, self._evaluations, self._stopping = proposals, evaluations, stopping
        self._scores: tuple[int, dict[str, float]] = -1, {}
        self._pool, self._log = proposals.pool, proposals.log
        self._total, self._parallel = total, parallel
        self._planned = deque(self._log.open_queries)
        self._in_flight: dict[int, tuple[Plan, str, float | None]] = {}
        self._measurements = History()
        self._measurements.note(self._log.measured_until(len(self._log.plans)))

    def fill(self) -> bool:
        """Submit queries while there is room, planned ones first; whether any is in flight."""
        while self._has_room() and (self._planned or self._plan()):
            self._submit(*self._planned.popleft())
        return bool(self._in_flight)

    def _has_room(self) -> bool:
        if len(self._log.answers) + len(self._in_flight) >= self._total:
            return False
        if self._parallel is None:
            return bool(self._planned) or not self._in_flight
        return len(self._in_flight) < self._parallel

    def _plan(self) -> bool:
        """Plan the next round; whether there is one."""
        history, proposals, total = self.history(), self._proposals, self._total
        asked = proposals.next_round(history, total)
        self._measurements.note(history.measurements.values())
        if not asked and (self._in_flight or proposals.metric_filter is not None):
            return False
        plan = _next_plan(self._pool, proposals.sampler, history, asked, total)
        self._log.add_plan(plan)
        if self._stopping is not None:
            self._scores = plan.round, proposals.sampler.scores(self._pool, history)
        self._planned.extend(
            (plan, query, arch_id)
            for query, arch_id in enumerate(plan.arch_ids, start=plan.first_query)
        )
        return True

    def history(self) -> History:
        """All answers and the queries in flight, with the measurements of all plans."""
        pending = {
            query: self._pending(plan, query, plan.arch_ids[query - plan.first_query])
            for query, (plan, *_) in self._in_flight.items()
        }
        known = {**pending, **self._log.answers}
        history = History([known[query] for query in sorted(known)])
        history.note(self._measurements.measurements.values())
        return history

    def _pending(self, plan: Plan, query: int, arch_id: str) -> Record:
        function, feasible = self._pool.isomorphism_id(arch_id), self._is_accepted(arch_id)
        named = (query, plan.round, plan.sampler, arch_id, function)
        return Record(*named, "pending", feasible=feasible)

    def _is_accepted(self, arch_id: str) -> bool:
        return is_accepted(self._pool, arch_id, self._measurements)

    def _submit(self, plan: Plan, query: int, arch_id: str) -> None:
        answers = self._log.answers.values()
        seeds = {r.seed for r in answers if r.arch_id == arch_id and r.seed is not None}
        score = self._score(plan, arch_id)
        rule = self._rule(plan, arch_id, score)
        self._in_flight[query] = plan, _now(), score
        self._evaluations.submit(Question(query, arch_id, frozenset(seeds), rule))

    def _rule(self, plan: Plan, arch_id: str, score: float | None) -> StoppingRule | None:
        """The rule for a training, from the answers before its round; none for a second seed."""
        if self._stopping is None:
            return None
        before = self._before(plan)
        answers = before.choosable()
        if arch_id in answers:
            return None
        curves = [
            LearningCurve(record.curve, record.accuracy, record.score)
            for record in before
            if record.curve is not None
        ]
        return self._stopping.learn(curves, list(answers.values()), score)

    def _before(self, plan: Plan) -> History:
        """The answers of earlier rounds: an interrupted round continues with the same rules."""
        answers = self._log.answers
        history = History([answers[q] for q in sorted(answers) if answers[q].round < plan.round])
        history.note(self._measurements.measurements.values())
        return history

    def _score(self, plan: Plan, arch_id: str) -> float | None:
        """Score by the ranker before the round of a query."""
        if self._stopping is None:
            return None
        if self._scores[0] != plan.round:
            sampler = self._proposals.sampler
            self._scores = plan.round, sampler.scores(self._pool, self._before(plan))
        return self._scores[1].get(arch_id)

    @property
    def in_flight(self) -> int:
        """Number of submitted queries without an answer."""
        return len(self._in_flight)

    def take(self) -> Record:
        """Wait for the next answer, store it and return it."""
        question, outcome = self._evaluations.next_answer()
        plan, asked_at, score = self._in_flight.pop(question.query)
        feasible = self._is_accepted(question.arch_id)
        record = _record(self._pool, plan, question, outcome, asked_at, feasible=feasible)
        record = replace(record, score=score)
        self._log.add_answer(record)
        return record


def _record(
    pool: CandidatePool,
    plan: Plan,
    question: Question,
    outcome: Answer | OracleError,
    asked_at: str,
    *,
    feasible: bool,
) -> Record:
    common = (question.query, plan.round, plan.sampler, question.arch_id)
    function = pool.isomorphism_id(question.arch_id)
    if isinstance(outcome, Answer) and not math.isfinite(outcome.accuracy):
        outcome = OracleError(f"The oracle answered {outcome.accuracy}, which is no accuracy.")
    if isinstance(outcome, OracleError):
        return Record(
            *common,
            function,
            "failed",
            feasible=feasible,
            message=str(outcome),
            asked_at=asked_at,
        )
    forecast = None
    if outcome.stopped and question.rule is not None and outcome.curve is not None:
        forecast = question.rule.forecast(outcome.curve)
    return Record(
        *common,
        function,
        "stopped" if outcome.stopped else "ok",
        accuracy=None if outcome.stopped else float(outcome.accuracy),
        seed=outcome.seed,
        cost_s=outcome.cost_s,
        feasible=feasible,
        asked_at=asked_at,
        curve=outcome.curve,
        forecast=forecast,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
