"""The search loop: propose, measure, plan, query the oracle, store, tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from brpnas.errors import BudgetError, ConfigurationError, InfeasibleError, OracleError
from brpnas.search.events import EventLog
from brpnas.search.filter import MetricFilter
from brpnas.search.history import History, Plan, Record
from brpnas.search.oracles import Answer, Oracle, Question
from brpnas.search.pools.base import CandidatePool, is_accepted
from brpnas.search.proposals import Proposals, check_end, check_found
from brpnas.search.result import SearchResult, chosen
from brpnas.search.samplers.base import Sampler

__all__ = ["run_search", "search_fingerprint"]


def search_fingerprint(
    pool: CandidatePool,
    sampler: Sampler,
    oracle: Oracle,
    metric_filter: MetricFilter | None = None,
) -> dict[str, object]:
    """Fingerprint of a search for `SearchStore`, without its budget.

    The ranker's own parameters are not included: add them under a new key.
    """
    task = {**pool.describe(), "sampler": sampler.describe(), "oracle": oracle.describe()}
    return task if metric_filter is None else {**task, "filter": metric_filter.describe()}


def run_search(
    pool: CandidatePool,
    sampler: Sampler,
    oracle: Oracle,
    budget: int,
    *,
    metric_filter: MetricFilter | None = None,
    store: EventLog | None = None,
    progress: bool = True,
) -> SearchResult:
    """Run a search, or the rest of it, to the end of its budget.

    Stored answers and measurements are not repeated: an interrupted round continues, and a store
    with the whole budget is only read. A failed query is recorded and counts. With a filter the
    search ends early, with a warning, if too few architectures pass.

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

    Returns:
        The whole history, earlier runs included.

    Raises:
        BudgetError: If the budget is not positive or exceeds the distinct feasible functions.
        ConfigurationError: If the limits measure and there is no filter.
        InfeasibleError: If the filter refuses every architecture.
        MeasurementError: If too many measurements in a row fail.
        OracleError: If the oracle leaves queries of a round unanswered.
    """
    _check_budget(budget, pool)
    if pool.limits.measures and metric_filter is None:
        raise ConfigurationError(
            f"The limits have measured values of {', '.join(pool.limits.sources)}: give a "
            "`metric_filter`, or limits with the source 'predicted'."
        )
    log = EventLog() if store is None else store
    total = max(budget, len(log.answers))
    history = History()
    oracle.resume([record.arch_id for record in log.answers.values()])
    bar: tqdm[Any]
    with tqdm(
        total=total, initial=len(log.answers), desc=sampler.name, unit="query", disable=not progress
    ) as bar:

        def show(measured: int) -> None:
            bar.set_postfix(measured=measured, refresh=measured % 5 == 0)

        proposals = Proposals(pool, sampler, metric_filter, log, show)
        while len(history) < total:
            number = history.next_round
            history.note(log.measured_until(number + 1 if number < len(log.plans) else number))
            if number == len(log.plans):
                asked = proposals.next_round(history, total)
                if metric_filter is not None and not asked:
                    check_end(history)
                    break
                log.add_plan(_next_plan(pool, sampler, history, asked, total))
            plan = log.plans[number]
            _answer_round(pool, oracle, plan, history, log, total, bar)
            queries = range(plan.first_query, plan.first_query + len(plan.arch_ids))
            history.extend(log.answers[query] for query in queries if query in log.answers)
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
    queried = set(history.queried)
    takes_infeasible = sampler.samples_infeasible(pool, history, total)
    for arch_id in asked:
        if not takes_infeasible and not pool.is_feasible(arch_id):
            raise InfeasibleError(
                f"Sampler {sampler.name!r} asked for {arch_id!r}, which is not feasible: a sampler "
                "must check `is_open`."
            )
        function = pool.isomorphism_id(arch_id)
        if function in functions or (arch_id not in queried and history.knows(function)):
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


def _answer_round(
    pool: CandidatePool,
    oracle: Oracle,
    plan: Plan,
    history: History,
    log: EventLog,
    total: int,
    bar: tqdm[Any],
) -> None:
    questions = [
        Question(query, arch_id, history.revealed_seeds(arch_id))
        for query, arch_id in enumerate(plan.arch_ids, start=plan.first_query)
        if query not in log.answers and query < total
    ]
    asked_at = _now()
    for question, outcome in oracle.answers(questions) if questions else ():
        feasible = is_accepted(pool, question.arch_id, history)
        log.add_answer(_record(pool, plan, question, outcome, asked_at, feasible=feasible))
        bar.update()
        asked_at = _now()
    _check_answered(oracle, questions, log)


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
    return Record(
        *common,
        function,
        "ok",
        accuracy=float(outcome.accuracy),
        seed=outcome.seed,
        cost_s=outcome.cost_s,
        feasible=feasible,
        asked_at=asked_at,
    )


def _check_answered(oracle: Oracle, questions: Sequence[Question], log: EventLog) -> None:
    missing = [question for question in questions if question.query not in log.answers]
    if missing:
        raise OracleError(
            f"Oracle {oracle.name!r} left {len(missing)} of {len(questions)} queries unanswered, "
            f"the first of them {missing[0].arch_id!r}. Run again to ask them again."
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
