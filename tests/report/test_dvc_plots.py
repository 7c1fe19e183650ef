from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.report import predicted_vs_measured, search_curves, training_curve
from tests.report.samples import report_data, traces_table, training_table


def predictions() -> pd.DataFrame:
    table = report_data().predictions
    assert table is not None
    return table


def test_only_test_rows_and_all_of_few() -> None:
    given = predictions()
    sample = predicted_vs_measured(given)
    test = given[given["split"] == "test"].sort_values("latency_ms")
    assert list(sample) == ["measured_ms", "predicted_ms"]
    assert sample["measured_ms"].tolist() == test["latency_ms"].tolist()
    assert sample["predicted_ms"].tolist() == test["predicted_latency_ms"].tolist()


def test_sample_is_limited_repeatable_and_without_repeats() -> None:
    given = predictions()
    first, again = (predicted_vs_measured(given, limit=20) for _ in range(2))
    assert len(first.drop_duplicates()) == 20
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(predicted_vs_measured(given, limit=20, seed=1))
    pairs = set(zip(given["latency_ms"], given["predicted_latency_ms"], strict=True))
    assert set(first.itertuples(index=False, name=None)) <= pairs


def test_rows_without_a_measurement_are_left_out() -> None:
    given = predictions()
    given.loc[given["split"] == "test", "latency_ms"] = np.nan
    assert predicted_vs_measured(given).empty


def test_search_curves_against_a_loop() -> None:
    traces = traces_table(queries=5, seeds=4)
    traces["chosen_test"] = np.random.default_rng(0).random(len(traces))
    table = search_curves(traces)
    assert len(table) == 3 * 5
    for row in table.itertuples():
        mask = (traces["sampler"] == row.sampler) & (traces["query"] == row.queries - 1)
        values = traces.loc[mask, "chosen_test"]
        assert row.chosen_test == pytest.approx(values.mean())
        assert row.chosen_test_q25 == pytest.approx(np.quantile(values, 0.25))
        assert row.chosen_test_q75 == pytest.approx(np.quantile(values, 0.75))
        assert row.seeds == 4
        assert row.best_test_seen == pytest.approx(traces.loc[mask, "best_test_seen"].mean())


def test_unknown_curves_are_left_out() -> None:
    traces = traces_table()
    traces["best_single_seed_test_seen"] = np.nan
    assert not [c for c in search_curves(traces) if "single" in c]


def test_queries_before_the_first_answer_have_no_row() -> None:
    traces = traces_table(queries=4, seeds=1)
    traces.loc[traces["query"] == 0, "chosen_test"] = np.nan
    assert search_curves(traces)["queries"].min() == 2


def test_training_curve_is_the_mean_over_members() -> None:
    table = training_curve(training_table(members=2, epochs=6))
    assert list(table) == ["epoch", "train_loss", "valid_loss"]
    assert table["epoch"].tolist() == list(range(6))
    # epoch 3: member 0 at its best, member 1 one epoch before
    assert table["valid_loss"][3] == pytest.approx((0.3 + 0.4) / 2)


def test_tables_can_be_written_as_csv() -> None:
    for table in (search_curves(traces_table()), training_curve(training_table())):
        assert len(table.to_csv(index=False).splitlines()) == len(table) + 1


def test_without_test_accuracies_the_curve_is_of_validation() -> None:
    unknown = ("chosen_test", "best_test_seen", "best_single_seed_test_seen")
    traces = traces_table(queries=3).assign(**dict.fromkeys(unknown, np.nan))
    table = search_curves(traces)
    assert list(table.columns[3:]) == ["best_valid", "best_valid_q25", "best_valid_q75"]
    assert len(table) == 3 * 3
    nothing = search_curves(traces.assign(best_valid=np.nan))
    assert nothing.empty
    assert {"sampler", "queries", "seeds"} <= set(nothing)
