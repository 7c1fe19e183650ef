"""The proposals of a round: a sampler makes them, a filter measures the uncertain ones.

Part of the search loop (`brpnas.search.run_search`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from brpnas.errors import InfeasibleError, MeasurementError
from brpnas.search.events import EventLog
from brpnas.search.filter import MetricFilter
from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool, is_allowed
from brpnas.search.samplers.base import Sampler

__all__ = ["Proposals", "check_end", "check_found"]

_log = logging.getLogger(__name__)

_FAILURES = 10
"""Number of failed measurements in a row that ends the search."""
_PATIENCE = 2_000
"""Number of refusals in a row, in one round, that ends the search."""


class Proposals:
    """Asks a sampler until all of its proposals satisfy the limits.

    Proposals clearly within the limits need no measurement, unless a cost among the objectives is
    measured: then those that the sampler calls `worth_measuring` are, as far as the share of the
    round goes, and the sampler is asked again. Measurements are stored one by one. The
    log keeps the measurements of an interrupted run; the history gets whole batches only, so the
    sampler proposes the same after an interruption. Failed measurements of the interrupted round
    are repeated.

    Args:
        pool: The candidate pool.
        sampler: Proposes the architectures to query.
        metric_filter: Measures them; None for no measurement.
        log: Store of the measurements.
        on_measured: Called with the number of measurements after each of them.
    """

    def __init__(
        self,
        pool: CandidatePool,
        sampler: Sampler,
        metric_filter: MetricFilter | None,
        log: EventLog,
        on_measured: Callable[[int], object],
    ) -> None:
        self.pool, self.sampler, self.metric_filter, self.log = pool, sampler, metric_filter, log
        self.on_measured = on_measured
        self._failures = 0
        log.forget_failures()

    def next_round(self, history: History, total: int) -> list[str]:
        """Architectures of the next round; empty if none is left within the limits.

        Raises:
            InfeasibleError: If the sampler proposes a refused architecture.
            MeasurementError: If too many measurements in a row fail.
        """
        if self.metric_filter is None:
            return self._ask(history, total)
        if self.sampler.samples_infeasible(self.pool, history, total):
            return self._infeasible_samples(history, total)
        known = len(history.measurements)
        while True:
            before = len(history.measurements)
            found = self._passing(self._ask(history, total), history, total)
            if found is not None:
                return found
            if len(history.measurements) == before:
                raise InfeasibleError(
                    f"Sampler {self.sampler.name!r} proposed an architecture without a measurement "
                    "left, or one refused by its measurement: a sampler must check `is_allowed`."
                )
            if _refused_in_a_row(history, known) >= _PATIENCE:
                return []

    def _ask(self, history: History, total: int) -> list[str]:
        return self.sampler.ask(self.pool, history, total)[: total - len(history)]

    def check_choice(self, history: History, arch_id: str) -> bool:
        """Measure an architecture to be chosen, if it is uncertain and a measurement is left.

        Returns:
            Whether it may be chosen.
        """
        if self.metric_filter is None or arch_id in history.measurements:
            return not history.refuses(arch_id)
        limits = self.pool.limits
        if not limits.is_measurable(arch_id) or not limits.left(history, choice=True):
            return True
        self._measure([arch_id])
        history.note([self.log.measurements[arch_id]])
        return not history.refuses(arch_id)

    def _infeasible_samples(self, history: History, total: int) -> list[str]:
        """All proposals; measured if worth it, since only passing ones may be chosen."""
        asked = self._ask(history, total)
        self._decide([a for a in asked if self.pool.is_feasible(a)], history)
        return asked

    def _passing(self, asked: Sequence[str], history: History, total: int) -> list[str] | None:
        """The proposals; None if one is refused or undecided, or a cost has changed."""
        reevaluated = {arch_id for arch_id in history.queried if not history.refuses(arch_id)}
        fresh = [arch_id for arch_id in asked if arch_id not in reevaluated]
        self._decide(fresh, history)
        if not all(is_allowed(self.pool, a, history) for a in fresh):
            return None
        return None if self._measure_costs(len(asked), history, total) else list(asked)

    def _measure_costs(self, size: int, history: History, total: int) -> int:
        """Measure unknown costs that decide about a round; their number."""
        share = self._share(size, history, total) if self.pool.limits.measured_costs else 0
        if not share:
            return 0
        worth = self.sampler.worth_measuring(self.pool, history, total)
        unknown = [
            arch_id
            for arch_id in worth
            if arch_id not in history.measurements and not self.pool.limits.knows_costs(arch_id)
        ][:share]
        self._note(unknown, history)
        return len(unknown)

    def _share(self, size: int, history: History, total: int) -> int:
        """Measurements of costs left for a round: its share of the queries left."""
        number = history.next_round
        spent = sum(each.round == number for each in history.measurements.values())
        left = self.pool.limits.left(history)
        return min(left, max(0, (spent + left) * size // (total - len(history)) - spent))

    def _decide(self, arch_ids: Sequence[str], history: History) -> None:
        """Measure uncertain architectures in their order, as many as the budget allows."""
        uncertain = [
            arch_id
            for arch_id in arch_ids
            if arch_id not in history.measurements and not self.pool.is_within(arch_id)
        ]
        self._note(uncertain[: self.pool.limits.left(history)], history)

    def _note(self, arch_ids: Sequence[str], history: History) -> None:
        """Measure architectures and add the measurements to the history."""
        self._measure(arch_ids)
        history.note(self.log.measurements[arch_id] for arch_id in arch_ids)

    def _measure(self, arch_ids: Sequence[str]) -> None:
        """Measure the architectures missing in the log."""
        unknown = [arch_id for arch_id in arch_ids if arch_id not in self.log.measurements]
        if not unknown or self.metric_filter is None:
            return
        for measurement in self.metric_filter.apply(self.pool, unknown, len(self.log.plans)):
            self.log.add_measurement(measurement)
            self.on_measured(len(self.log.measurements))
            self._failures = self._failures + 1 if measurement.message else 0
            if self._failures == _FAILURES:
                raise MeasurementError(
                    f"{_FAILURES} measurements in a row failed, the last of them with: "
                    f"{measurement.message} Nothing is lost: run again when the device answers."
                )
        missing = [arch_id for arch_id in unknown if arch_id not in self.log.measurements]
        if missing:
            raise MeasurementError(
                f"The device gave neither a measurement nor an error for {missing[0]!r}."
            )


def _refused_in_a_row(history: History, known: int) -> int:
    """Refusals since the last passing architecture of this round."""
    count = 0
    for measurement in reversed(list(history.measurements.values())[known:]):
        if measurement.within:
            break
        count += 1
    return count


def check_end(history: History) -> None:
    """Warn of the early end of the search.

    Raises:
        InfeasibleError: If no queried architecture is feasible.
    """
    check_found(history)
    measured = history.measurements.values()
    refused = sum(not measurement.within for measurement in measured)
    _log.warning(
        "The search ends after %d queries: no other architecture was found that may satisfy the "
        "constraints; %d were measured, %d of them refused.",
        len(history),
        len(measured),
        refused,
    )


def check_found(history: History) -> None:
    """Check that a queried architecture is feasible.

    Raises:
        InfeasibleError: If none is.
    """
    if any(record.feasible and not history.refuses(record.arch_id) for record in history):
        return
    measured = history.measurements.values()
    refused = sum(not measurement.within for measurement in measured)
    failures = [measurement.message for measurement in measured if measurement.message]
    raise InfeasibleError(
        f"{refused} architectures that might satisfy the constraints were measured, and none does: "
        "loosen them, raise search.limits.measurements, or measure and train again on this device."
        + (f" {len(failures)} measurements failed, the first: {failures[0]}" if failures else "")
    )
