from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from brpnas.metrics import regression_metrics
from brpnas.promotion import data_drift_sentences, describe_data_drift

RNG = np.random.default_rng(0)
LATENCY = np.exp(RNG.normal(1, 0.5, 200))


def rows(count: int, first: int = 0) -> pd.DataFrame:
    index = np.arange(first, first + count)
    return pd.DataFrame(
        {
            "arch_id": [f"cell-{i}" for i in index],
            "latency_ms": LATENCY[index],
            "split": np.where(index % 2, "test", "learn"),
        }
    )


def answers(noise: float = 0.05) -> pd.DataFrame:
    predicted = LATENCY * np.exp(np.random.default_rng(1).normal(0, noise, len(LATENCY)))
    found = rows(200)[["arch_id"]].assign(predicted=predicted)
    return found.assign(lower=predicted * 0.9, upper=predicted * 1.1)


def test_counts_what_was_added_removed_and_measured_again() -> None:
    now = rows(150, first=10)
    now.loc[0, "latency_ms"] *= 1.2
    drift = describe_data_drift(rows(100), now)
    assert drift["rows"] == {
        "before": 100,
        "now": 150,
        "added": 60,
        "removed": 10,
        "remeasured": 1,
    }
    assert drift["values"]["remeasured_median_ratio"] == pytest.approx(1.2)
    assert "error" not in drift


def test_the_distance_of_distributions_is_that_of_scipy() -> None:
    found = describe_data_drift(rows(100), rows(180))["values"]
    expected = scipy.stats.ks_2samp(np.log(LATENCY[:100]), np.log(LATENCY[100:180]))
    assert found["ks_distance"] == pytest.approx(expected.statistic)
    assert found["ks_p_value"] == pytest.approx(expected.pvalue)
    assert found["added"]["q50"] == pytest.approx(np.median(LATENCY[100:180]))


def test_errors_are_of_the_rows_they_name() -> None:
    said = answers()
    error = describe_data_drift(rows(100), rows(160), said)["error"]
    predicted = said["predicted"].to_numpy()
    added = regression_metrics(predicted[100:160], LATENCY[100:160])
    tested = regression_metrics(predicted[1:100:2], LATENCY[1:100:2])
    assert {k: error["added"][k] for k in added} == pytest.approx(added)
    assert {k: error["test_before"][k] for k in tested} == pytest.approx(tested)
    inside = np.abs(predicted[100:160] / LATENCY[100:160] - 1)
    assert 0 < error["added"]["coverage"] < 1
    assert error["added"]["rows"] == len(inside)
    assert error["remeasured"] is None


def test_a_device_that_became_slower_is_noticed() -> None:
    now = rows(160)
    now.loc[100:, "latency_ms"] *= 1.3
    slower = describe_data_drift(rows(100), now, answers())
    assert slower["error"]["added_harder_p_value"] < 1e-6
    assert slower["error"]["added"]["median_ratio"] == pytest.approx(1 / 1.3, abs=0.03)
    assert any("significantly worse" in sentence for sentence in data_drift_sentences(slower))


def test_a_device_that_did_not_change_raises_no_alarm() -> None:
    same = describe_data_drift(rows(100), rows(160), answers())
    assert same["error"]["added_harder_p_value"] > 0.01
    sentences = data_drift_sentences(same)
    assert re.findall(r"\d+", sentences[0]) == ["160", "100", "60", "0", "0"]
    assert not any("significantly" in sentence for sentence in sentences)


def test_nothing_new_says_nothing_of_distributions() -> None:
    drift = describe_data_drift(rows(50), rows(50), answers())
    assert drift["values"]["ks_distance"] is None
    assert drift["values"]["added"] is None
    assert drift["error"]["added"] is None
    assert drift["error"]["added_harder_p_value"] is None
    assert len(data_drift_sentences(drift)) == 1


def test_before_there_was_anything() -> None:
    drift = describe_data_drift(rows(0), rows(20), answers())
    assert drift["rows"]["added"] == 20
    assert drift["values"]["before"] is None
    assert drift["error"]["test_before"] is None
    assert "20 added" in data_drift_sentences(drift)[0]


def test_every_kind_of_change_has_its_sentence() -> None:
    now = rows(160)
    now.loc[100:, "latency_ms"] *= 3
    now.loc[:9, "latency_ms"] *= 1.25
    drift = describe_data_drift(rows(100), now.drop(index=20), answers())
    first, spread, again, error, worse = data_drift_sentences(drift)
    assert re.findall(r"\d+", first) == ["159", "100", "60", "1", "10"]
    assert "differ" in spread
    assert f"p = {drift['values']['ks_p_value']:.2g}" in spread
    assert "1.25 times" in again
    assert re.findall(r"[\d.]+ %", error) == [
        f"{100 * drift['error'][part]['mape']:.1f} %" for part in ("added", "test_before")
    ]
    assert "60 added" in error
    assert f"p = {drift['error']['added_harder_p_value']:.2g}" in worse


def test_latencies_alike_resemble_the_old_ones() -> None:
    sentences = data_drift_sentences(describe_data_drift(rows(100), rows(200)))
    assert "resemble" in sentences[1]
    assert len(sentences) == 2


def test_measured_again_with_the_same_result_is_no_change() -> None:
    now = rows(100)
    now["latency_ms"] *= 1 + 1e-9
    assert describe_data_drift(rows(100), now)["rows"]["remeasured"] == 0


def test_order_of_rows_means_nothing() -> None:
    shuffled = rows(160).sample(frac=1, random_state=0)
    said = answers().sample(frac=1, random_state=1)
    assert describe_data_drift(rows(100), shuffled, said) == describe_data_drift(
        rows(100), rows(160), answers()
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_answers_that_are_no_latency_are_left_out(bad: float) -> None:
    said = answers().drop(columns=["lower", "upper"])
    said.loc[120:, "predicted"] = bad
    error = describe_data_drift(rows(100), rows(160), said)["error"]
    assert error["added"]["rows"] == 20
    assert "coverage" not in error["added"]
    said["predicted"] = bad
    drift = describe_data_drift(rows(100), rows(160), said)
    assert drift["error"]["added"] is None
    assert len(data_drift_sentences(drift)) == 2


def test_one_row_has_an_error_and_no_correlation() -> None:
    drift = describe_data_drift(rows(100), rows(101), answers())
    assert drift["error"]["added"]["spearman"] is None
    assert drift["error"]["added"]["mape"] >= 0
    json.dumps(drift, allow_nan=False)
