from __future__ import annotations

import numpy as np
import pytest

from brpnas.report.plots.ticks import log_axis, log_ticks
from brpnas.report.svg import drawing, figure


@pytest.mark.parametrize(
    ("low", "high"), [(0.003, 0.004), (1, 9), (1.3, 40), (0.01, 1e4), (1e-6, 1e6), (4.8, 5.2)]
)
def test_ticks_lie_inside_ascend_and_are_few(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))
    assert low <= ticks[0]
    assert ticks[-1] <= high


def test_wide_ranges_keep_round_values() -> None:
    assert log_ticks(0.9, 45) == [1.0, 3.0, 10.0, 30.0] or len(log_ticks(0.9, 45)) > 4
    assert all(np.isclose(np.log10(t) % 1, 0) for t in log_ticks(1e-6, 1e6))


def test_axis_has_plain_numbers() -> None:
    with drawing():
        _, axes = figure()
        log_axis(axes, "y", 0.5, 20)
        assert axes.get_yscale() == "log"
        assert axes.get_ylim() == (0.5, 20)
        labels = [axes.yaxis.get_major_formatter()(t, 0) for t in axes.yaxis.get_majorticklocs()]
    assert [float(label) for label in labels] == log_ticks(0.5, 20)
    assert axes.get_xscale() == "linear"
