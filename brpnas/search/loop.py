"""The search loop: ask the sampler, measure what it asks, plan, query the oracle, store, tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from brpnas.errors import BudgetError, InfeasibleError, OracleError
from brpnas.search.asking import Asking, check_end
from brpnas.search.check import LatencyCheck
from brpnas.search.events import EventLog
from brpnas.search.history import History, Plan, Record
from brpnas.search.oracle import Answer, Oracle, Question
from brpnas.search.result import SearchResult, chosen
from brpnas.search.samplers.base import Sampler
from brpnas.search.task import SearchTask

__all__ = ["run_search", "task_fingerprint"]


def task_fingerprint(
    context: SearchTask, sampler: Sampler, oracle: Oracle, check: LatencyCheck | None = None
) -> dict[str, object]:
    """What makes a search the same search, for `SearchStore`; not its budget.

    A ranker's own parameters are not known here: add them under a key of your own.
    """
    task = {**context.describe(), "sampler": sampler.describe(), "oracle": oracle.describe()}
    return task if check is None else {**task, "check": check.describe()}


def run_search(
    context: SearchTask,
    sampler: Sampler,
    oracle: Oracle,
    budget: int,
    *,
    check: LatencyCheck | None = None,
    store: EventLog | None = None,
    progress: bool = True,
) -> SearchResult:
    """Run a search, or the rest of it, to the end of its budget.

    What the store holds is not asked or measured again: a round that was interrupted goes on where
    it was, and a store that already holds the budget is only read. A query that fails is recorded
    and counts. With a check the search ends early, with a warning, if too few architectures pass.

    Args:
        context: The task.
        sampler: What decides which architectures to query.
        oracle: What answers.
        check: Measures what is about to be asked; what it refuses is not asked and does not count,
            unless the sampler `asks_beyond`. Without one, who is feasible in the context is.
        budget: Queries in total, earlier runs on the same store included. If the store holds more
            answers than that, all of them are returned.
        store: A `SearchStore` to resume from and to write to; in memory if left out.
        progress: Show a progress bar.

    Returns:
        The whole history, earlier runs included.

    Raises:
        BudgetError: If the budget is not positive or exceeds the distinct feasible functions.
        InfeasibleError: If the check refuses every architecture.
        MeasurementError: If one measurement of the check after another fails.
        OracleError: If the oracle ends a round without answering all of it.
    """
    _check_budget(budget, context)
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

        asking = Asking(context, sampler, check, log, show)
        while len(history) < total:
            number = history.next_round
            history.note(log.measured_until(number + 1 if number < len(log.plans) else number))
            if number == len(log.plans):
                asked = asking.ask(history, total)
                if check is not None and not asked:
                    check_end(history)
                    break
                log.add_plan(_next_plan(context, sampler, history, asked, total))
            plan = log.plans[number]
            _answer_round(context, oracle, plan, history, log, total, bar)
            queries = range(plan.first_query, plan.first_query + len(plan.arch_ids))
            history.extend(log.answers[query] for query in queries if query in log.answers)
    predicted = context.predictions([record.arch_id for record in history])
    estimates = sampler.estimates(context, history)
    leaders = {plan.first_query - 1: plan.leader for plan in log.plans if plan.leader}
    table = history.to_frame(
        predicted, np.arange(len(history)), estimates=estimates, leaders=leaders
    )
    if estimates:
        table.loc[table.index[-1], "leader"] = chosen(table)
    measured = list(history.measurements)
    return SearchResult(history, table, history.measured_frame(context.predictions(measured)))


def _check_budget(budget: int, context: SearchTask) -> None:
    if not 0 < budget <= context.capacity:
        raise BudgetError(
            f"A budget of {budget} queries does not fit: give at least 1 and at most "
            f"{context.capacity}, the number of distinct functions in {context.space.name} that "
            "satisfy the constraints."
        )


def _next_plan(
    context: SearchTask, sampler: Sampler, history: History, asked: Sequence[str], total: int
) -> Plan:
    functions: set[str] = set()
    repeatable = set(history.queried)
    beyond = sampler.asks_beyond(context, history, total)
    for arch_id in asked:
        if not beyond and not context.is_feasible(arch_id):
            raise InfeasibleError(
                f"Sampler {sampler.name!r} asked for {arch_id!r}, which is not feasible: a sampler "
                "must check SearchTask.is_open."
            )
        function = context.isomorphism_id(arch_id)
        if function in functions or (arch_id not in repeatable and history.knows(function)):
            raise BudgetError(
                f"Sampler {sampler.name!r} asked for {arch_id!r}, whose function is already "
                "queried: a sampler must check SearchTask.is_open."
            )
        functions.add(function)
    if not asked:
        raise BudgetError(
            f"Sampler {sampler.name!r} asked for nothing after {len(history)} of {total} queries."
        )
    leader = _leader(sampler.estimates(context, history), history)
    return Plan(history.next_round, sampler.name, len(history), tuple(asked), leader)


def _leader(estimates: Mapping[str, float] | None, history: History) -> str | None:
    means = history.choosable()
    return min(estimates, key=lambda a: (-estimates[a], -means[a], a)) if estimates else None


def _answer_round(
    context: SearchTask,
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
        feasible = context.is_feasible(question.arch_id) and not history.refuses(question.arch_id)
        log.add_answer(_record(context, plan, question, outcome, asked_at, feasible=feasible))
        bar.update()
        asked_at = _now()
    _check_answered(oracle, questions, log)


def _record(
    context: SearchTask,
    plan: Plan,
    question: Question,
    outcome: Answer | OracleError,
    asked_at: str,
    *,
    feasible: bool,
) -> Record:
    common = (question.query, plan.round, plan.sampler, question.arch_id)
    function = context.isomorphism_id(question.arch_id)
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
