"""Time to the first node: ratios, their table, and a real measurement."""

from __future__ import annotations

import pytest

from benchmarks.start import _ratios, measure
from benchmarks.tables import start

SECONDS = {
    "bare": [1.0, 0.4],
    "kedro run": [3.0, 1.0],
    "brpnas --help": [0.5, 0.1],
    "kedro run, before": [6.0, 4.0],
}
RATIOS = {
    "kedro run / bare": [3.0, 2.5],
    "kedro run / kedro run, before": [0.5, 0.25],
    "brpnas --help / bare": [0.5, 0.25],
}
RESULT = {"seconds": {"warm": SECONDS}, "ratios": {"warm": RATIOS}, "before": "37ee37c"}


def test_ratios_are_against_bare_and_against_before() -> None:
    assert _ratios(SECONDS) == RATIOS


def test_without_the_former_revision_there_is_no_ratio_to_it() -> None:
    known = {name: values for name, values in SECONDS.items() if "before" not in name}
    assert list(_ratios(known)) == ["kedro run / bare", "brpnas --help / bare"]


def test_table_has_one_row_for_each_command_of_today() -> None:
    table = start(RESULT).splitlines()
    assert "| warm | bare Kedro | 1.00 | 0.40 |  |  |" in table
    assert "| warm | `kedro run` | 3.00 | 1.00 | 3.00 / 2.50 | 0.50 / 0.25 |" in table
    assert "| warm | `brpnas --help` | 0.50 | 0.10 | 0.50 / 0.25 |  |" in table
    assert "before" not in "".join(table[4:])


@pytest.mark.slow
def test_processor_time_to_the_first_node_is_less_than_before() -> None:
    result = measure(1, 0)
    assert list(result["seconds"]) == ["warm"]
    found = result["ratios"]["warm"]
    assert found["kedro run / bare"][1] > 1
    assert found["brpnas --help / bare"][1] < 1
    before = found.get("kedro run / kedro run, before")
    assert before is None or before[1] < 0.7
