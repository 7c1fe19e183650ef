from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from brpnas.search.progress import Progress, cost_text
from tests.search.toy import record


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_end_is_expected_at_the_rate_of_this_run() -> None:
    clock = Clock()
    earlier = [record(query, "aaaa", 0.5) for query in range(5)]
    with Progress("brp", 10, earlier, shown=False, now=clock) as progress:
        assert progress.expected_end() is None
        clock.now += 60
        progress.answered(record(5, "aaab", 0.5))
        progress.answered(record(6, "aaac", 0.5))
        expected = datetime.now().astimezone() + timedelta(seconds=90)
        end = progress.expected_end()
    assert end is not None
    assert abs(end - expected) < timedelta(seconds=5)


def test_the_bar_shows_cost_measurements_and_queries_in_flight(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress("brp", 3, [record(0, "aaaa", 0.5, cost_s=7200.0)]) as progress:
        progress.measured(5)
        progress.in_flight(2)
        progress.answered(record(1, "aaab", 0.5, cost_s=1800.0))
    shown = capsys.readouterr().err
    for text in ("2/3", "trained=2.5 h", "measured=5", "in flight=2", "end="):
        assert text in shown


def test_nothing_is_shown_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("brp", 2, [], shown=False) as progress:
        progress.answered(record(0, "aaaa", 0.5))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (600, "10 min"), (36_000, "10.0 h")]
)
def test_costs_have_a_readable_unit(seconds: float, text: str) -> None:
    assert cost_text(seconds) == text
