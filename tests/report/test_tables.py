from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.report.tables import (
    Table,
    TableCell,
    checkpoint_table,
    front_table,
    history_table,
    metrics_table,
    search_table,
)
from tests.report.samples import METRICS, report_data, traces_table


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def best(table: Table) -> list[list[bool]]:
    return [[cell.best for cell in row] for row in table.rows]


def test_metrics_in_percent_with_the_best_marked() -> None:
    table = metrics_table(METRICS)
    assert table.heads == ("model", "±1 %", "±5 %", "±10 %", "ρ", "τ", "MAPE")
    assert texts(table)[0] == ["GCN", "23.4 %", "81.0 %", "97.1 %", "0.993", "0.935", "3.2 %"]
    assert best(table) == [[False, *[True] * 6], [False] * 7]


def test_lower_is_better_for_mape_alone() -> None:
    worse = METRICS["gcn"] | {"mape": 0.5}
    table = metrics_table({"gcn": worse, "linear": METRICS["linear per edge"]})
    assert [row[-1] for row in best(table)] == [False, True]
    assert best(table)[0][1:-1] == [True] * 5


def test_an_undefined_metric_is_a_dash_and_never_best() -> None:
    constant = METRICS["gcn"] | {"spearman": float("nan")}
    table = metrics_table({"constant": constant, "linear": METRICS["linear per edge"]})
    assert table.rows[0][4].text == "–"
    assert [row[4] for row in best(table)] == [False, True]
    alone = metrics_table({"constant": constant})
    assert not alone.rows[0][4].best


def test_models_are_named_for_reading() -> None:
    figures = METRICS["gcn"]
    table = metrics_table(dict.fromkeys(("gat", "edge_linear", "layerwise", "mine"), figures))
    assert [row[0] for row in texts(table)] == ["GAT", "linear per edge", "layer-wise sum", "mine"]


def test_history_shows_every_query_in_order() -> None:
    history = report_data().history
    rows = texts(history_table(history))
    assert [row[2] for row in rows] == history["arch_id"].tolist()
    for row, (_, query) in zip(rows, history.iterrows(), strict=True):
        if query["status"] == "ok":
            assert row[3] == f"{100 * query['accuracy']:.2f} %"
        assert float(row[4].removesuffix(" ms")) == pytest.approx(
            query["predicted_latency_ms"], rel=0.005
        )
    assert rows[2][3] == "–"
    assert rows[2][5] == "failed"


def test_history_marks_what_breaks_a_constraint() -> None:
    history = report_data().history
    history["feasible"] = history["query"] != 1
    status = [row[5] for row in texts(history_table(history))]
    assert status[:3] == ["ok", "ok, infeasible", "failed"]


def test_the_front_is_of_those_that_may_be_chosen() -> None:
    history = report_data().history
    best = history.loc[history["accuracy"].idxmax(), "arch_id"]
    assert best in [row[0] for row in texts(front_table(history))]
    history["feasible"] = history["arch_id"] != best
    assert best not in [row[0] for row in texts(front_table(history))]


def test_history_sorts_by_the_numbers_themselves() -> None:
    history = report_data().history
    cells = [row[3].value for row in history_table(history).rows]
    assert cells[2] is None
    assert cells[0] == history["accuracy"][0]


def asked(*rows: tuple[str, float, float, str]) -> pd.DataFrame:
    columns = ["arch_id", "predicted_latency_ms", "accuracy", "status"]
    return pd.DataFrame(rows, columns=columns)


def test_front_of_the_queried() -> None:
    history = asked(
        ("slow", 5.0, 0.9, "ok"),
        ("dominated", 6.0, 0.8, "ok"),
        ("fast", 1.0, 0.5, "ok"),
        ("failed", 0.5, np.nan, "failed"),
    )
    assert texts(front_table(history)) == [
        ["fast", "1.00 ms", "50.00 %"],
        ["slow", "5.00 ms", "90.00 %"],
    ]


def test_front_takes_the_mean_of_several_answers() -> None:
    history = asked(("a", 2.0, 0.9, "ok"), ("a", 2.0, 0.7, "ok"), ("b", 1.0, 0.85, "ok"))
    assert texts(front_table(history)) == [["b", "1.00 ms", "85.00 %"]]


def test_search_results_at_the_end() -> None:
    table = search_table(traces_table(queries=20, seeds=3))
    assert table.heads[0] == "after 20 queries"
    names = [row[0].text for row in table.rows]
    assert names == ["brp", "evolution", "random"]
    # brp: 0.64 + 0.019 + mean(0, 0.001, 0.002); the deviation of these three is 0.001
    assert texts(table)[0][1:] == [
        "3",
        "66.00 % ± 0.10",
        "67.00 % ± 0.10",
        "68.00 % ± 0.10",
        "7.00 ± 0.10",
    ]
    assert [any(row) for row in best(table)] == [True, False, False]


def test_regret_is_best_where_lowest() -> None:
    traces = traces_table()
    traces["regret"] = -traces["regret"]
    column = [row[-1].best for row in search_table(traces).rows]
    assert column == [False, False, True]


def test_one_seed_has_no_deviation() -> None:
    table = search_table(traces_table(seeds=1))
    assert not any("±" in cell.text for row in table.rows for cell in row)


def test_unequal_budgets_are_compared_at_the_shortest() -> None:
    traces = traces_table(queries=20)
    traces = traces[(traces["sampler"] != "random") | (traces["query"] < 15)]
    assert search_table(traces).heads[0] == "after 15 queries"
    assert checkpoint_table(traces).heads[-1] == "15"


def test_optional_columns_may_be_missing() -> None:
    traces = traces_table().drop(columns=["best_single_seed_test_seen", "regret"])
    assert search_table(traces).heads[2:] == (
        "chosen: test accuracy",
        "best mean test accuracy seen",
    )


def test_checkpoints() -> None:
    table = checkpoint_table(traces_table(queries=20))
    assert table.heads == ("queries spent", "4", "8", "12", "16", "20")
    # random after 4 queries: 0.6 + 0.003 + 0.001
    assert texts(table)[2][1] == "60.40 %"
    assert best(table)[0] == [False, *[True] * 5]


@pytest.mark.parametrize("queries", [1, 2, 3, 7])
def test_few_queries_have_few_checkpoints(queries: int) -> None:
    heads = checkpoint_table(traces_table(queries=queries)).heads
    assert heads[-1] == str(queries)
    assert len(set(heads)) == len(heads)


def test_classes_of_cells() -> None:
    assert TableCell("1", 1.0, best=True).classes == "number best"
    assert TableCell("–").classes == "number"
    assert TableCell("x", code=True).classes == "code"
    assert TableCell("x").classes == ""


def test_without_test_accuracies_the_tables_are_of_validation() -> None:
    unknown = ("chosen_test", "best_test_seen", "best_single_seed_test_seen", "regret")
    traces = traces_table(queries=20).assign(**dict.fromkeys(unknown, np.nan))
    assert search_table(traces).heads[2:] == ("best validation accuracy seen",)
    assert checkpoint_table(traces).rows == checkpoint_table(traces_table(queries=20)).rows
    assert checkpoint_table(traces.assign(best_valid=np.nan)).rows == ()


def test_hypervolumes_are_no_percentages() -> None:
    traces = traces_table(queries=20, seeds=3)
    volumes = 0.5 + 0.01 * traces["query"] + 0.1 * (traces["sampler"] == "brp")
    traces["hypervolume"] = volumes + 0.02 * traces["seed"]
    table = search_table(traces)
    assert table.heads[2:] == ("hypervolume",)
    assert table.rows[0][2].text == "0.8100 ± 0.0200"
    assert [row[2].best for row in table.rows] == [True, False, False]
    assert checkpoint_table(traces).rows[0][-1].text == "0.8100"
