from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.report.plots import error_histogram, prediction_scatter
from tests.report.samples import parse_svg, svg_texts


def rows(errors: list[float], true: float = 2.0) -> pd.DataFrame:
    latency = true * np.linspace(1, 2, len(errors))
    return pd.DataFrame(
        {"latency_ms": latency, "predicted_latency_ms": latency * (1 + np.array(errors))}
    )


def test_counts_inside_and_outside_of_the_band() -> None:
    root = parse_svg(prediction_scatter(rows([0.0, 0.05, -0.09, 0.2, -0.5])))
    texts = svg_texts(root)
    assert "within ±10 % (3)" in texts
    assert "outside (2)" in texts
    assert "5 test rows; 3 lie" in (root.get("aria-label") or "")


def test_axes_are_labelled_with_units() -> None:
    texts = svg_texts(parse_svg(prediction_scatter(rows([0.0, 0.01]))))
    assert {"measured latency (ms)", "predicted latency (ms)"} <= set(texts)
    texts = svg_texts(parse_svg(error_histogram(rows([0.0, 0.01]))))
    assert {"predicted / measured − 1 (%)", "test rows (%)"} <= set(texts)


@pytest.mark.parametrize("draw", [prediction_scatter, error_histogram])
def test_same_rows_same_drawing(draw) -> None:  # type: ignore[no-untyped-def]
    assert draw(rows([0.0, 0.3, 0.01])) == draw(rows([0.0, 0.3, 0.01]))


@pytest.mark.parametrize("draw", [prediction_scatter, error_histogram])
def test_one_row_is_enough(draw) -> None:  # type: ignore[no-untyped-def]
    parse_svg(draw(rows([0.02])))


def test_points_are_an_image_so_that_many_stay_small() -> None:
    rng = np.random.default_rng(0)
    many = prediction_scatter(rows(list(rng.normal(0, 0.05, 15000))))
    assert "data:image/png" in many
    assert len(many) < 500_000


def test_histogram_counts_what_is_beyond() -> None:
    label = parse_svg(error_histogram(rows([0.0, 0.5, -0.9, 0.1]))).get("aria-label") or ""
    assert "4 test rows" in label
    assert "2 rows beyond 30 percent" in label


def test_another_metric_has_its_own_columns_and_unit() -> None:
    test = rows([0.0, 0.2]).set_axis(["energy_mj", "predicted_energy_mj"], axis="columns")
    root = parse_svg(prediction_scatter(test, "energy_mj", "scatter-1"))
    assert {"measured energy (mJ)", "predicted energy (mJ)"} <= set(svg_texts(root))
    assert all(one.get("id", "scatter-1-").startswith("scatter-1-") for one in root.iter())
    assert "2 test rows" in (parse_svg(error_histogram(test, "energy_mj")).get("aria-label") or "")
