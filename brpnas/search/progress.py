"""The progress bar of a search: answers, cost so far, expected end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self

from tqdm.auto import tqdm

from brpnas.search.history import Record

__all__ = ["Progress", "cost_text"]


class Progress:
    """Shows a search while it runs; a context manager.

    The bar counts answers, those of earlier runs included. Beside it are the queries in flight, the
    measurements, the training time of all answers, and the expected end: the time of the answers
    left, at the rate of this run.

    Args:
        name: Name of the sampler.
        total: Answers at the end.
        records: Answers of earlier runs.
        shown: Whether to show anything.
        now: Seconds of a clock.
    """

    def __init__(
        self,
        name: str,
        total: int,
        records: list[Record],
        *,
        shown: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._began = now, now()
        self._known, self._answered, self._total = len(records), len(records), total
        self._cost_s = sum(record.cost_s or 0.0 for record in records)
        self._values: dict[str, Any] = {}
        self._bar: tqdm[Any] = tqdm(
            total=total, initial=self._known, desc=name, unit="query", disable=not shown
        )

    def measured(self, count: int) -> None:
        """Show the number of measurements."""
        self._values["measured"] = count
        self._show(refresh=count % 5 == 0)

    def in_flight(self, count: int) -> None:
        """Show the number of queries in flight."""
        self._values["in flight"] = count
        self._show(refresh=False)

    def answered(self, record: Record) -> None:
        """Count an answer."""
        self._answered += 1
        self._cost_s += record.cost_s or 0.0
        if self._cost_s:
            self._values["trained"] = cost_text(self._cost_s)
        end = self.expected_end()
        if end is not None:
            self._values["end"] = end.strftime("%H:%M" if _is_today(end) else "%d %b %H:%M")
        self._show(refresh=False)
        self._bar.update()

    def expected_end(self) -> datetime | None:
        """Local time of the last answer at the rate of this run; None before its first answer."""
        new = self._answered - self._known
        if not new:
            return None
        left_s = (self._now() - self._began) / new * (self._total - self._answered)
        return datetime.now().astimezone() + timedelta(seconds=left_s)

    def _show(self, *, refresh: bool) -> None:
        self._bar.set_postfix(self._values, refresh=refresh)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def cost_text(seconds: float) -> str:
    """Training time in a readable unit.

    Examples:
        >>> cost_text(42.0), cost_text(600.0), cost_text(9000.0)
        ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _is_today(moment: datetime) -> bool:
    return moment.date() == datetime.now().astimezone().date()
