from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import GraphBatch, SpaceGraphs
from brpnas.metrics import regression_metrics
from brpnas.predictors import MeasuredRows
from brpnas.predictors.baselines import (
    EdgeLinearBaseline,
    ProxyBaseline,
    baseline_predictions,
)
from brpnas.spaces.nasbench201.cost import cost
from tests.predictors.toys import cells, codes, compiled_ms, eager_ms, random_labels, rows_of, some

ROWS = rows_of(300)
NAMES = ["flops", "params", "edge_linear"]


@pytest.fixture(scope="module")
def architectures() -> pd.DataFrame:
    params, flops = cost(codes())
    return pd.DataFrame(
        {"arch_id": cells().arch_ids, "flops_m": flops / 1e6, "params_m": params / 1e6}
    )


def test_proxy_recovers_a_power_law() -> None:
    counts = np.array([8.0, 20.0, 50.0, 100.0, 220.0])
    proxy = ProxyBaseline.fit(counts, 0.3 * counts**0.7)
    assert proxy.slope == pytest.approx(0.7)
    new = np.array([10.0, 77.0])
    np.testing.assert_allclose(proxy.predict(new), 0.3 * new**0.7)


def test_proxy_is_the_least_squares_line_of_the_logarithms() -> None:
    counts = np.exp(random_labels(50, 1))
    latency = np.exp(0.5 * np.log(counts) + random_labels(50, 2))
    slope, intercept = np.polyfit(np.log(counts), np.log(latency), deg=1)
    expected = np.exp(intercept + slope * np.log(counts))
    np.testing.assert_allclose(ProxyBaseline.fit(counts, latency).predict(counts), expected)


def test_proxy_does_not_depend_on_the_unit_of_the_count() -> None:
    counts, latency = np.exp(random_labels(50, 1)), np.exp(random_labels(50, 2))
    np.testing.assert_allclose(
        ProxyBaseline.fit(counts * 1e6, latency).predict(counts * 1e6),
        ProxyBaseline.fit(counts, latency).predict(counts),
    )


@pytest.mark.parametrize("counts", [[5.0, 5.0, 5.0], [0.0, 0.0, 0.0], [np.nan] * 3])
def test_proxy_of_counts_that_say_nothing_is_the_geometric_mean(counts: list[float]) -> None:
    proxy = ProxyBaseline.fit(counts, [1.0, 2.0, 4.0])
    np.testing.assert_allclose(proxy.predict([5.0, 100.0, 0.0, np.nan]), 2.0)


def test_proxy_of_one_row_is_that_row() -> None:
    np.testing.assert_allclose(ProxyBaseline.fit([3.0], [1.5]).predict([1.0, 3.0, 9.0]), 1.5)


def test_proxy_leaves_out_unknown_counts() -> None:
    known = ProxyBaseline.fit([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    mixed = ProxyBaseline.fit([1.0, np.nan, 2.0, 4.0, np.nan], [1.0, 9.0, 2.0, 4.0, 9.0])
    np.testing.assert_allclose(mixed.predict([1.0, 3.0]), known.predict([1.0, 3.0]))
    np.testing.assert_allclose(mixed.predict([np.nan]), 2.0)


def test_proxy_takes_a_zero_for_the_smallest_count() -> None:
    proxy = ProxyBaseline.fit([0.0, 1.0, 2.0, 4.0], [1.0, 1.0, 2.0, 4.0])
    np.testing.assert_allclose(proxy.predict([0.0]), proxy.predict([1.0]))


def test_proxy_goes_on_below_the_smallest_count() -> None:
    proxy = ProxyBaseline.fit([2.0, 4.0], [2.0, 4.0])
    np.testing.assert_allclose(proxy.predict([1.0]), 1.0)


def test_a_steep_line_is_not_believed_far_out() -> None:
    proxy = ProxyBaseline.fit([1.0, 1.00001], [1.0, 10.0])
    np.testing.assert_allclose(proxy.predict([1e-9, 1e9]), [0.1, 100.0])


def test_edge_linear_is_exact_where_every_operation_adds_its_time() -> None:
    raw = cells().view("raw")
    linear = EdgeLinearBaseline.fit(raw[ROWS], eager_ms(ROWS), ridge=1e-9)
    everything = np.arange(len(cells()))
    np.testing.assert_allclose(linear.predict(raw), eager_ms(everything), rtol=1e-5)


def test_edge_linear_weights_are_the_costs() -> None:
    linear = EdgeLinearBaseline.fit(some("raw", 300), eager_ms(ROWS), ridge=1e-9)
    edges = linear.weights[2:8, 4:]  # six operations of a cell, five choices each
    differences = edges - edges[:, :1]
    expected = np.tile([0.0, 0.08, 0.48, 1.18, 0.28], (6, 1))
    np.testing.assert_allclose(differences, expected, atol=1e-4)


def test_edge_linear_is_ridge_regression() -> None:
    batch, latency, ridge = some("raw", 40), np.exp(random_labels(40)), 0.02
    one_hot = np.zeros((40, 9, 9))
    for i in range(40):
        for node in range(9):
            one_hot[i, node, batch.ops[i, node]] = 1
    x = one_hot.reshape(40, 81)
    x, y = x - x.mean(axis=0), latency - latency.mean()
    augmented = np.vstack([x, np.sqrt(ridge * 40) * np.eye(81)])
    weights = np.linalg.lstsq(augmented, np.concatenate([y, np.zeros(81)]), rcond=None)[0]
    expected = np.clip(x @ weights + latency.mean(), latency.min() / 10, latency.max() * 10)
    predicted = EdgeLinearBaseline.fit(batch, latency, ridge).predict(batch)
    np.testing.assert_allclose(predicted, expected, rtol=1e-8)


def test_a_strong_penalty_leaves_the_mean() -> None:
    latency = eager_ms(ROWS)
    linear = EdgeLinearBaseline.fit(some("raw", 300), latency, ridge=1e9)
    np.testing.assert_allclose(linear.predict(some("raw")), latency.mean(), rtol=1e-6)


def test_a_sum_below_zero_is_clipped() -> None:
    batch = cells().view("raw")[ROWS]
    latency = np.where((codes()[ROWS] == 3).sum(axis=1) > 1, 10.0, 0.01)
    linear = EdgeLinearBaseline.fit(batch, latency)
    sums = linear.weights[np.arange(9), batch.ops].sum(axis=1) + linear.intercept
    assert sums.min() < 0
    assert linear.predict(batch).min() == pytest.approx(0.001)


def test_one_row_is_enough() -> None:
    linear = EdgeLinearBaseline.fit(some("raw", 1), [2.5])
    np.testing.assert_allclose(linear.predict(some("raw")), 2.5)


def test_edge_linear_refuses_graphs_of_another_space() -> None:
    batch = some("raw")
    linear = EdgeLinearBaseline.fit(batch, np.ones(24))
    with pytest.raises(ConfigurationError, match="same space"):
        linear.predict(GraphBatch(batch.ops, batch.adj, 12))


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan])
def test_ridge_must_be_positive(ridge: float) -> None:
    with pytest.raises(ConfigurationError, match="ridge"):
        EdgeLinearBaseline.fit(some("raw"), np.ones(24), ridge)


@pytest.mark.parametrize("baseline", ["proxy", "edge_linear"])
@pytest.mark.parametrize(
    ("latency", "error"),
    [
        ([], ConfigurationError),
        ([1.0, 2.0], ConfigurationError),
        ([1.0, 0.0, 2.0], SchemaError),
        ([1.0, np.nan, 2.0], SchemaError),
    ],
)
def test_unusable_rows_are_refused(
    baseline: str, latency: list[float], error: type[Exception]
) -> None:
    count = 3 if latency else 0
    fits: dict[str, Callable[[], object]] = {
        "proxy": lambda: ProxyBaseline.fit(np.ones(count), latency),
        "edge_linear": lambda: EdgeLinearBaseline.fit(some("raw", count), latency),
    }
    with pytest.raises(error):
        fits[baseline]()


def test_predictions_cover_the_space(architectures: pd.DataFrame) -> None:
    predictions = baseline_predictions(
        cells(), architectures, MeasuredRows(ROWS, compiled_ms(ROWS))
    )
    assert list(predictions) == NAMES
    test = rows_of(1300)[300:]
    for predicted in predictions.values():
        assert (predicted.shape, predicted.dtype) == ((len(cells()),), np.float64)
        assert np.isfinite(predicted).all()
        assert (predicted > 0).all()
        assert np.isfinite(
            list(regression_metrics(predicted[test], compiled_ms(test)).values())
        ).all()
    quality = [
        regression_metrics(predictions[name][test], compiled_ms(test))["spearman"] for name in NAMES
    ]
    assert quality[2] > quality[0] > 0.3  # places of operations tell more than their sum


def test_cells_of_equal_counts_get_equal_proxies(architectures: pd.DataFrame) -> None:
    predictions = baseline_predictions(
        cells(), architectures, MeasuredRows(ROWS, compiled_ms(ROWS))
    )
    alike = cells().rows(
        [
            "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|",  # without a path
            "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
        ]
    )
    for name in ("flops", "params"):
        assert predictions[name][alike[0]] == predictions[name][alike[1]]
    assert predictions["edge_linear"][alike[0]] != predictions["edge_linear"][alike[1]]


def test_the_order_of_the_table_does_not_matter(architectures: pd.DataFrame) -> None:
    train = MeasuredRows(ROWS, eager_ms(ROWS))
    expected = baseline_predictions(cells(), architectures, train)
    shuffled = architectures.sample(frac=1, random_state=3)
    extra = pd.concat([shuffled, pd.DataFrame({"arch_id": ["x"], "flops_m": 1, "params_m": 1})])
    for name, predicted in baseline_predictions(cells(), extra, train).items():
        np.testing.assert_array_equal(predicted, expected[name])


def test_only_training_rows_are_looked_at(architectures: pd.DataFrame) -> None:
    part = rows_of(400)
    graphs = SpaceGraphs(
        cells().space,
        tuple(cells().arch_ids[row] for row in part),
        {view: batch[part] for view, batch in cells().views.items()},
    )
    train = MeasuredRows(np.arange(300), eager_ms(ROWS))
    whole = baseline_predictions(cells(), architectures, MeasuredRows(ROWS, eager_ms(ROWS)))
    for name, predicted in baseline_predictions(graphs, architectures, train).items():
        np.testing.assert_allclose(predicted, whole[name][part])


def test_unknown_counts_give_no_nan(architectures: pd.DataFrame) -> None:
    gaps = architectures.assign(params_m=architectures["params_m"].where(np.arange(15625) % 3 == 0))
    nothing = architectures.assign(params_m=np.nan)
    train = MeasuredRows(ROWS, eager_ms(ROWS))
    for table in (gaps, nothing, nothing.astype({"params_m": "Float64"})):
        assert np.isfinite(baseline_predictions(cells(), table, train)["params"]).all()


def test_tables_that_do_not_fit_are_refused(architectures: pd.DataFrame) -> None:
    train = MeasuredRows(ROWS, eager_ms(ROWS))
    for table, message in (
        (architectures.drop(columns="flops_m"), "lacks flops_m"),
        (architectures.iloc[3:], "lacks 3 of 15625"),
        (
            pd.concat([architectures, architectures.iloc[:1]]),
            re.escape(architectures["arch_id"][0]),
        ),
    ):
        with pytest.raises(SchemaError, match=message):
            baseline_predictions(cells(), table, train)


def test_the_raw_view_is_needed(architectures: pd.DataFrame) -> None:
    pruned = replace(cells(), views={"pruned": cells().view("pruned")})
    with pytest.raises(SchemaError, match="'raw'"):
        baseline_predictions(pruned, architectures, MeasuredRows(ROWS, eager_ms(ROWS)))
