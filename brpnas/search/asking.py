"""What a round asks: what the sampler wants, measured first where there is a check.

Part of the search loop (`brpnas.search.run_search`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import chain

from brpnas.errors import InfeasibleError, MeasurementError
from brpnas.search.check import LatencyCheck
from brpnas.search.events import EventLog
from brpnas.search.history import History
from brpnas.search.samplers.base import Sampler
from brpnas.search.task import SearchTask

__all__ = ["Asking", "check_end"]

_log = logging.getLogger(__name__)

_FAILURES = 10
"""Failed measurements in a row after which the device is taken for broken."""
_PATIENCE = 2_000
"""Refusals in a row, in one round, after which nothing within the limit is expected any more."""


class Asking:
    """Asks a sampler, until nothing of what it wants is refused.

    Who is refused is stood in for by the first sibling that is not. Measurements are stored one by
    one. What an interrupted run has measured is taken from the log, and the history is told of
    whole batches only: so the sampler asks the same after an interruption. What failed for the
    round in which it was interrupted is measured again.

    Args:
        context: The task.
        sampler: What decides which architectures to query.
        check: Measures them; None if nothing is to be measured.
        log: Where measurements are kept.
        on_measured: Called with their number after each of them.
    """

    def __init__(
        self,
        context: SearchTask,
        sampler: Sampler,
        check: LatencyCheck | None,
        log: EventLog,
        on_measured: Callable[[int], object],
    ) -> None:
        self.context, self.sampler, self.check, self.log = context, sampler, check, log
        self.on_measured = on_measured
        self._failures = 0
        log.forget_failures()

    def ask(self, history: History, total: int) -> list[str]:
        """Architectures of the next round; none if there are none left within the limit.

        Raises:
            InfeasibleError: If the sampler wants what was refused.
            MeasurementError: If one measurement after another fails.
        """
        if self.check is None:
            return self.sampler.ask(self.context, history, total)[: total - len(history)]
        if self.sampler.asks_beyond(self.context, history, total):
            return self._beyond(history, total)
        known = len(history.measurements)
        asked: list[str] = []
        exhausted = False
        while True:
            spent = len(history.measurements) - known
            enough = spent > self.check.per_query * max(len(asked), 1)
            history.is_thrifty = enough and not exhausted
            asked = self.sampler.ask(self.context, history, total)[: total - len(history)]
            if not asked and history.is_thrifty:  # none is left that probably is within the limit
                exhausted = True
                continue
            before = len(history.measurements)
            found = self._measured(asked, history)
            if found is not None:
                return found
            if len(history.measurements) == before:
                raise InfeasibleError(
                    f"Sampler {self.sampler.name!r} asked again for what was measured and refused: "
                    "a sampler must check SearchTask.is_refused."
                )
            if _refused_in_a_row(history, known) >= _PATIENCE:
                return []

    def _beyond(self, history: History, total: int) -> list[str]:
        """Whatever the sampler wants; measured to know what of it may be chosen."""
        asked = self.sampler.ask(self.context, history, total)[: total - len(history)]
        unclear = [arch_id for arch_id in asked if self.context.is_feasible(arch_id)]
        self._measure(unclear)
        history.note(self.log.measurements[arch_id] for arch_id in unclear)
        return asked

    def _measured(self, asked: Sequence[str], history: History) -> list[str] | None:
        """Those asked, or who stands in for them; None if not all of them can be."""
        repeated = {arch_id for arch_id in history.queried if not history.refuses(arch_id)}
        fresh = [arch_id for arch_id in asked if arch_id not in repeated]
        self._measure(fresh)
        batch, stands_for = list(fresh), {}
        for arch_id in fresh:
            for tried in chain([arch_id], self.context.siblings(arch_id)):
                self._measure([tried])
                batch.append(tried)
                if self.log.measurements[tried].within:
                    stands_for[arch_id] = tried
                    break
        history.note(self.log.measurements[arch_id] for arch_id in batch)
        if any(arch_id not in stands_for for arch_id in fresh):
            return None
        return [stands_for.get(arch_id, arch_id) for arch_id in asked]

    def _measure(self, arch_ids: Sequence[str]) -> None:
        """Measure what the log does not hold."""
        unknown = [arch_id for arch_id in arch_ids if arch_id not in self.log.measurements]
        if not unknown or self.check is None:
            return
        for measurement in self.check.judge(self.context, unknown, len(self.log.plans)):
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
                f"Nothing was measured of {missing[0]!r}, nor was there an error."
            )


def _refused_in_a_row(history: History, known: int) -> int:
    """Refusals since the last architecture that passed, in this round."""
    count = 0
    for measurement in reversed(list(history.measurements.values())[known:]):
        if measurement.within:
            break
        count += 1
    return count


def check_end(history: History) -> None:
    """Say that the search ends early.

    Raises:
        InfeasibleError: If nothing was within the limit, so that there is nothing to choose.
    """
    measured = history.measurements.values()
    refused = sum(not measurement.within for measurement in measured)
    if not any(record.feasible for record in history):
        failures = [measurement.message for measurement in measured if measurement.message]
        raise InfeasibleError(
            f"{refused} architectures that might satisfy the constraints were measured, and none "
            "does: loosen them, or measure and train again on this device."
            + (
                f" {len(failures)} measurements failed, the first: {failures[0]}"
                if failures
                else ""
            )
        )
    _log.warning(
        "The search ends after %d queries: no other architecture was found that may satisfy the "
        "constraints; %d were measured, %d of them refused.",
        len(history),
        len(measured),
        refused,
    )
