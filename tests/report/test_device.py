from __future__ import annotations

import itertools
import json
import re
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.metrics import regression_metrics, spearman_interval
from brpnas.report.device import DeviceReport, device_page, device_plot


def answers(noise: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    true = np.exp(rng.normal(1, 0.4, 60))
    predicted = true * np.exp(rng.normal(0, noise, 60))
    return pd.DataFrame(
        {
            "arch_id": [f"cell-{i}" for i in range(60)],
            "true": true,
            "predicted": predicted,
            "lower": predicted * 0.9,
            "upper": predicted * 1.1,
        }
    )


def report(*, champion: bool = True, test: bool = True) -> DeviceReport:
    new, old = answers(0.03), answers(0.08)
    figures: dict[str, Any] = {
        "device": "board",
        "metric": "latency_ms",
        "model": "latency-board",
        "method": "adapted",
        "rows": {"learn": 40, "test": 60 if test else 0},
        "known_devices": ["a", "b"],
        "prior_knows_device": False,
        "transfer": "Transfer: of devices of another size.",
        "errors_left_out": {"adapted": 0.031, "graph alone": 0.052},
        "changes": ["60 rows, 40 of them before."] if champion else [],
        "challenger": regression_metrics(new["predicted"], new["true"]) if test else None,
        "champion": regression_metrics(old["predicted"], old["true"]) if champion else None,
    }
    return DeviceReport(figures, new if test else new.head(0), old if champion else old.head(0))


def test_it_names_a_transfer() -> None:
    shown = report()
    assert f"\n\n{shown.figures['transfer']}\n\n" in device_page(shown)


def test_it_says_how_sure_the_correlation_is() -> None:
    few = report()
    low, high = spearman_interval(few.figures["challenger"]["spearman"], 60)
    assert f"between {low:.2f} and {high:.2f} (90 %, from 60 test rows)" in device_page(few)
    few.figures["rows"]["test"] = 2
    assert re.search(r"\b2 test rows\b", device_page(few))
    assert "90 %" not in device_page(few)


def lines(page: str) -> list[list[float]]:
    return [[float(x) for x in m.split(",")] for m in re.findall(r"^  line \[(.*)\]$", page, re.M)]


def test_the_table_holds_the_figures_of_both() -> None:
    shown = report()
    page = device_page(shown)
    new, old = (shown.figures[side]["spearman"] for side in ("challenger", "champion"))
    assert f"| Spearman | {new:.4f} | {old:.4f} | {new - old:+.4f} |" in page
    assert f"\n- {shown.figures['changes'][0]}\n" in page
    assert " promote latency-board`" in page


def test_the_chart_has_a_line_for_each_side() -> None:
    curves = lines(device_page(report()))
    assert [len(curve) for curve in curves] == [20, 20]
    rows = answers(0.03)
    within = 100 * (np.abs(rows["predicted"] / rows["true"] - 1) <= 0.1).mean()
    assert curves[0][9] == pytest.approx(within, abs=0.05)
    assert all(a <= b for curve in curves for a, b in itertools.pairwise(curve))


def test_without_a_champion_there_is_one_line() -> None:
    page = device_page(report(champion=False))
    assert len(lines(page)) == 1
    assert "| none |" in page


def test_without_test_rows_it_says_so() -> None:
    page = device_page(report(champion=False, test=False))
    assert "devices suggest --test" in page
    assert not lines(page)
    assert "| adapted | 3.1 |" in page
    assert device_plot(report(champion=False, test=False)).startswith(b"\x89PNG")


def test_the_picture_is_the_same_each_time() -> None:
    first = device_plot(report())
    assert first.startswith(b"\x89PNG\r\n")
    assert first == device_plot(report())
    assert first != device_plot(report(champion=False))


def test_json_holds_no_nan() -> None:
    shown = report()
    shown.figures["challenger"]["kendall"] = float("nan")  # type: ignore[index]
    assert json.loads(shown.to_json())["challenger"]["kendall"] is None


@pytest.mark.parametrize("side", ["challenger", "champion"])
def test_what_is_no_number_is_none_and_has_no_difference(side: str) -> None:
    shown = report()
    shown.figures[side]["spearman"] = float("nan")
    page = device_page(shown)
    (row,) = [line for line in page.splitlines() if line.startswith("| Spearman")]
    assert "none" in row
    assert row.endswith("|  |")
    assert "nan" not in page


def test_intervals_of_one_side_are_told_of_that_side() -> None:
    shown = report()
    shown.figures["challenger"]["coverage"] = 0.875
    page = device_page(shown)
    assert re.search(r"^\| .*interval, % \| 87\.5 \| none \|  \|$", page, re.MULTILINE)


def test_a_champion_without_intervals_is_drawn_too() -> None:
    shown = report()
    bare = shown.champion[["arch_id", "true", "predicted"]]
    drawn = device_plot(DeviceReport(shown.figures, shown.challenger, bare))
    assert drawn == device_plot(shown), "only the challenger's intervals are drawn"


def test_the_picture_has_the_size_that_fits_a_page() -> None:
    for shown in (report(), report(champion=False, test=False)):
        width, height = struct.unpack(">II", device_plot(shown)[16:24])
        assert (width, height) == (1210, 506)


def test_the_chart_is_what_mermaid_reads() -> None:
    page = device_page(report())
    (block,) = re.findall(r"^```mermaid\n(.*?)^```$", page, re.M | re.S)
    head, x, y, *curves = block.splitlines()
    assert head == "xychart-beta"
    assert x == f'  x-axis "relative error, %" [{", ".join(map(str, range(1, 21)))}]'
    assert y.endswith("0 --> 100")
    assert len(curves) == 2
    assert "challenger (first line) and champion (second line)" in page


def test_it_says_if_the_prior_was_trained_on_the_device_itself() -> None:
    shown = report()
    before = device_page(shown).splitlines()
    shown.figures["prior_knows_device"] = True  # type: ignore[index]
    (line,) = set(device_page(shown).splitlines()) - set(before)
    assert "2 known devices, " in line
    assert "2 known devices. " in "\n".join(before)
