"""Latencies that make no sense together are told; those of real devices are not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import embedded_devices, read_embedded_latency
from brpnas.devices.intake.values import (
    FAR_FACTOR,
    FAST_FACTOR,
    FASTEST_MEDIAN_MS,
    ISOMORPHIC_FACTOR,
    SLOW_FACTOR,
    SLOWEST_MEDIAN_MS,
    check_values,
)
from brpnas.spaces import NasBench201
from brpnas.tables import Finding
from tests.seeds import first_of

SPACE = NasBench201()
REAL = read_embedded_latency("amd-epyc-torch-fp32-1t")
NO_PATH = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|none~2|"


def rows(values: list[float], cells: list[str] | None = None) -> pd.DataFrame:
    """Rows of cells that compute different functions, from line 2 on."""
    if cells is None:
        table = REAL[~REAL["arch_id"].str.contains("none|skip", regex=True)]
        cells = table["arch_id"].head(len(values)).tolist()
    lines = np.arange(2, len(values) + 2)
    return pd.DataFrame({"line": lines, "arch_id": cells, "latency_ms": values})


def kinds(table: pd.DataFrame, **options: bool) -> dict[str, tuple[int, ...]]:
    return {finding.kind: finding.rows for finding in check_values(table, SPACE, **options)}


def only(table: pd.DataFrame) -> Finding:
    (finding,) = check_values(table, SPACE)
    return finding


def real(count: int = 60, seed: int = 0) -> pd.DataFrame:
    table = REAL.sample(count, random_state=seed).reset_index(drop=True)
    return rows(table["latency_ms"].tolist(), table["arch_id"].tolist())


EVEN = [5 + i / 10 for i in range(20)]


@pytest.mark.parametrize("device", embedded_devices())
def test_devices_that_ship_pass_without_a_flag(device: str) -> None:
    table = read_embedded_latency(device)
    assert kinds(rows(table["latency_ms"].tolist(), table["arch_id"].tolist())) == {}


def test_nothing_to_look_at_is_no_problem() -> None:
    assert kinds(rows([])) == {}
    assert kinds(rows([5.0])) == {}


class TestUnit:
    @pytest.mark.parametrize(
        ("factor", "unit"), [(1e-3, "seconds"), (1e3, "microseconds"), (1e6, "nanoseconds")]
    )
    def test_another_unit_is_told_alone(self, factor: float, unit: str) -> None:
        finding = only(real().assign(latency_ms=lambda t: t["latency_ms"] * factor))
        assert finding.severity == "error"
        assert f"looks like {unit}" in finding.message
        assert "--no-unit-check" in finding.remedy

    @pytest.mark.parametrize("middle", [FASTEST_MEDIAN_MS * 1.01, SLOWEST_MEDIAN_MS * 0.99])
    def test_the_slowest_and_fastest_devices_pass(self, middle: float) -> None:
        assert kinds(rows([middle * (0.9 + i / 100) for i in range(20)])) == {}

    @pytest.mark.parametrize("middle", [FASTEST_MEDIAN_MS * 0.9, SLOWEST_MEDIAN_MS * 1.1])
    def test_the_check_can_be_switched_off(self, middle: float) -> None:
        table = rows([middle * (0.9 + i / 100) for i in range(20)])
        assert list(kinds(table)) == ["unit"]
        assert kinds(table, unit_check=False) == {}

    def test_bounds_hold_with_the_check_switched_off(self) -> None:
        for factor in (1e-4, 1e5):
            table = rows([value * factor for value in EVEN])
            assert list(kinds(table, unit_check=False)) == ["impossible latency"]


class TestMixedUnits:
    @pytest.mark.parametrize("factor", [1e-3, 1e3, 1e6])
    @pytest.mark.parametrize("count", [1, 5, 10])
    def test_the_minority_is_named(self, factor: float, count: int) -> None:
        values = [v * factor if i < count else v for i, v in enumerate(EVEN)]
        assert kinds(rows(values)) == {"mixed units": tuple(range(2, 2 + count))}

    def test_the_majority_may_be_in_another_unit_itself(self) -> None:
        values = [v if i < 5 else v * 1e3 for i, v in enumerate(EVEN)]
        assert kinds(rows(values)) == {"unit": (), "mixed units": (2, 3, 4, 5, 6)}

    def test_three_units(self) -> None:
        values = [v * (1e-3 if i < 3 else 1e3 if i < 6 else 1) for i, v in enumerate(EVEN)]
        assert kinds(rows(values)) == {"mixed units": (2, 3, 4, 5, 6, 7)}

    def test_seconds_of_cells_without_a_path_belong_to_them(self) -> None:
        table = rows([v / 1e3 if i < 8 else v for i, v in enumerate(EVEN)])
        table.loc[0, "arch_id"] = NO_PATH
        assert kinds(table) == {"mixed units": tuple(range(2, 10))}

    def test_a_network_that_was_not_run_is_no_unit(self) -> None:
        table = rows([*EVEN, 0.0055])
        table.loc[20, "arch_id"] = NO_PATH
        finding = only(table)
        assert (finding.kind, finding.rows) == ("impossible latency", (22,))
        assert " 1 have " in finding.message


class TestOutliers:
    @pytest.mark.parametrize("factor", [FAR_FACTOR * 1.2, 1 / FAR_FACTOR / 1.2])
    def test_far_ones_are_errors(self, factor: float) -> None:
        finding = only(rows([*EVEN, 6 * factor]))
        assert (finding.severity, finding.kind, finding.rows) == ("error", "outlier", (22,))

    @pytest.mark.parametrize("factor", [SLOW_FACTOR * 1.2, 1 / FAST_FACTOR / 1.2])
    def test_others_are_flags(self, factor: float) -> None:
        finding = only(rows([*EVEN, 6 * factor]))
        assert (finding.severity, finding.kind) == ("warning", "unusual latency")
        assert finding.rows == (22,)

    @pytest.mark.parametrize("factor", [SLOW_FACTOR * 0.9, 1 / FAST_FACTOR * 1.1])
    def test_the_span_of_a_device_is_none(self, factor: float) -> None:
        assert kinds(rows([*EVEN, 6 * factor])) == {}

    @pytest.mark.parametrize("value", [0.0001, 1.5e5])
    def test_impossible_values(self, value: float) -> None:
        finding = only(rows([*EVEN, value]))
        assert (finding.severity, finding.kind) == ("error", "impossible latency")

    def test_huge_values_overflow_nothing(self) -> None:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert kinds(rows([*EVEN, 1e308, 5e-324])) == {"impossible latency": (22, 23)}


class TestTwins:
    CELLS = (
        "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_1x1~2|",
        "|skip_connect~0|+|none~0|none~1|+|nor_conv_1x1~0|skip_connect~1|nor_conv_1x1~2|",
        "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|nor_conv_1x1~2|",
    )

    def table(self, *values: float) -> pd.DataFrame:
        table = rows([*EVEN, *values])
        table.loc[20:, "arch_id"] = self.CELLS[: len(values)]
        return table

    def test_they_compute_the_same(self) -> None:
        assert len(set(SPACE.isomorphism_ids(list(self.CELLS)))) == 1

    def test_far_apart_is_a_flag_on_the_odd_one(self) -> None:
        finding = only(self.table(3.0, 3.1, 3.0 * ISOMORPHIC_FACTOR * 1.1))
        assert (finding.severity, finding.kind) == ("warning", "differing isomorphic cells")
        assert finding.rows == (24,)

    def test_of_two_both_are_named(self) -> None:
        assert only(self.table(2.0, 2.0 * ISOMORPHIC_FACTOR * 1.1)).rows == (22, 23)

    def test_dead_operations_take_time(self) -> None:
        assert kinds(self.table(3.0, 3.1, 3.0 * ISOMORPHIC_FACTOR * 0.9)) == {}


class TestTimer:
    def test_one_value_throughout(self) -> None:
        assert only(rows([5.0] * 20)).kind == "constant latency"

    def test_coarse(self) -> None:
        finding = only(rows([float(4 + i % 4) for i in range(20)]))
        assert (finding.severity, finding.kind) == ("warning", "coarse timer")
        assert re.search(r"\b4 .*values, .* 1 ms\b", finding.message)

    def test_whole_numbers_of_a_slow_device_are_fine(self) -> None:
        assert kinds(rows([float(200 + 10 * i) for i in range(20)])) == {}

    def test_fine_steps_that_come_often_are_fine(self) -> None:
        assert kinds(rows([5 + (i % 7) / 100 for i in range(20)])) == {}


class TestUnrelated:
    @pytest.mark.parametrize("seed", first_of(range(5)))
    def test_measured_rows_are_related(self, seed: int) -> None:
        assert kinds(real(seed=seed)) == {}

    def test_shuffled_rows_are_a_flag(self) -> None:
        table = real(300)
        mixed = np.random.default_rng(0).permutation(table["latency_ms"])
        found = check_values(table.assign(latency_ms=mixed), SPACE)
        assert [(f.severity, f.kind) for f in found] == [("warning", "unrelated latency")]

    def test_few_rows_cannot_tell(self) -> None:
        table = real(40)
        mixed = np.random.default_rng(0).permutation(table["latency_ms"])
        assert kinds(table.assign(latency_ms=mixed)) == {}
