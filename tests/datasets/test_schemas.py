"""Invalid tables are refused; the error names the invalid rows."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import (
    ACCURACY,
    ARCHITECTURES,
    LATENCY,
    stated_precision,
    stated_size,
    validate,
)
from brpnas.errors import SchemaError
from brpnas.spaces import NetworkConfig


def _latency(rows: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": [f"cell{i}" for i in range(rows)],
            "device": "board",
            "latency_ms": [float(i + 1) for i in range(rows)],
            "std_ms": np.nan,
            "repeats": pd.array([None] * rows, dtype="Int64"),
        }
    )


def _accuracy() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": ["a", "a", "a"],
            "dataset": "cifar10",
            "split": ["valid", "valid", "test"],
            "seed": pd.array([777, 888, None], dtype="Int64"),
            "epochs": 200,
            "accuracy": [0.9, 0.91, 0.93],
            "train_time_s": [10.0, 10.0, math.nan],
        }
    )


def _architectures() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": ["a", "b"],
            "space": "s",
            "isomorphism_id": ["i", "i"],
            "params_m": [0.1, math.nan],
            "flops_m": [10.0, math.nan],
        }
    )


def _message(table: pd.DataFrame, schema: object = LATENCY) -> str:
    with pytest.raises(SchemaError) as caught:
        validate(table, schema, origin="x.csv")  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("x.csv ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("table", "schema"),
    [(_latency(), LATENCY), (_accuracy(), ACCURACY), (_architectures(), ARCHITECTURES)],
)
def test_good_tables_pass_unchanged(table: pd.DataFrame, schema: object) -> None:
    pd.testing.assert_frame_equal(validate(table, schema, origin="x"), table)  # type: ignore[arg-type]


def test_columns_come_back_in_order_and_typed() -> None:
    loose = _latency()[["latency_ms", "device", "arch_id", "repeats", "std_ms"]].astype(
        {"latency_ms": "int64", "repeats": "object", "std_ms": "object"}
    )
    table = validate(loose, LATENCY, origin="x")
    pd.testing.assert_frame_equal(table, _latency())


def test_index_is_ignored_and_input_untouched() -> None:
    table = _latency().set_index(pd.Index([7, 7, 7, 7]))
    assert list(validate(table, LATENCY, origin="x").index) == [0, 1, 2, 3]
    assert list(table.index) == [7, 7, 7, 7]


@pytest.mark.parametrize("value", [0.003, 0.0, -1.0, 2e5, math.inf, -math.inf])
def test_impossible_latency(value: float) -> None:
    table = _latency()
    table.loc[2, "latency_ms"] = value
    message = _message(table)
    assert re.search(r"\blatency_ms .* 0\.01 to 100000\b", message)
    assert f"not {value!r}, in row 2" in message


def test_missing_values() -> None:
    table = _latency()
    table.loc[[1, 3], "latency_ms"] = math.nan
    assert re.search(r"\blatency_ms .* nan, in rows 1, 3\b", _message(table))


def test_many_rows_are_counted_not_listed() -> None:
    table = _latency(2000)
    table["latency_ms"] = 0.003
    assert "in rows 0, 1, 2, 3, 4 and 1,995 more" in _message(table)


def test_rows_are_positions_whatever_the_index() -> None:
    table = _latency().set_index(pd.Index([40, 30, 20, 10]))
    table.loc[20, "latency_ms"] = 0.003
    assert "in row 2" in _message(table)


def test_text_where_a_number_belongs() -> None:
    table = _latency().astype({"latency_ms": "object"})
    table.loc[1, "latency_ms"] = "fast"
    message = _message(table)
    assert re.search(r"\blatency_ms .* float64, not 'fast', in row 1\b", message)


def test_double_keys() -> None:
    table = _latency()
    table.loc[3, "arch_id"] = "cell1"
    assert re.search(r"\(arch_id, device\) .* rows 1, 3\b", _message(table))


def test_unknown_and_missing_columns() -> None:
    message = _message(_latency().rename(columns={"latency_ms": "latency"}))
    assert "missing column 'latency_ms'" in message
    assert re.search(r"unknown column 'latency' .*'latency_ms'\?", message)


def test_empty_name() -> None:
    table = _latency()
    table.loc[0, "arch_id"] = ""
    assert re.search(r"\barch_id .*empty.* row 0\b", _message(table))


def test_all_problems_at_once() -> None:
    table = _latency()
    table.loc[0, "latency_ms"] = 0.003
    table.loc[1, "std_ms"] = -1.0
    message = _message(table)
    assert "latency_ms" in message
    assert "std_ms" in message


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("accuracy", 93.0, "0 to 1, not 93.0"),
        ("accuracy", -0.1, "0 to 1, not -0.1"),
        ("accuracy", math.nan, "given, not nan"),
        ("accuracy", math.inf, "0 to 1, not inf"),
        ("split", "train", "^(valid|test)$, not 'train'"),
        ("dataset", "CIFAR-10", "$, not 'CIFAR-10'"),
        ("dataset", "cifar10\n", r"$, not 'cifar10\n'"),
        ("epochs", 0, "from 1 to 1e+06, not 0"),
        ("train_time_s", math.inf, "from 0 to 1e+09, not inf"),
        ("train_time_s", -1.0, "from 0 to 1e+09, not -1.0"),
    ],
)
def test_impossible_accuracy(column: str, value: object, words: str) -> None:
    table = _accuracy()
    table.loc[1, column] = value
    assert re.search(rf"\b{column} .*{re.escape(words)}, in row 1\b", _message(table, ACCURACY))


def test_one_row_per_training_run() -> None:
    table = _accuracy()
    table.loc[1, "seed"] = 777
    assert "rows 0, 1." in _message(table, ACCURACY)
    means = pd.concat([_accuracy(), _accuracy().tail(1)])
    assert "rows 2, 3." in _message(means, ACCURACY)


def test_architectures_are_unique_within_a_space() -> None:
    table = _architectures().assign(arch_id="a")
    assert "the key (space, arch_id)" in _message(table, ARCHITECTURES)
    table["space"] = ["s", "t"]
    validate(table, ARCHITECTURES, origin="x")


def test_empty_table_is_no_error() -> None:
    assert len(validate(_latency().head(0), LATENCY, origin="x")) == 0


SIZE, WIDE = NetworkConfig().size, NetworkConfig(channels=32).size


def test_a_size_is_stated_in_every_row_or_in_none() -> None:
    assert stated_size(_latency()) is None
    assert stated_size(validate(_sized(None, None), LATENCY, origin="x")) is None
    assert stated_size(validate(_sized(SIZE, SIZE), LATENCY, origin="x")) == SIZE
    assert re.search(r"\bnetwork_size .*rows 1, 3\b", _message(_sized(SIZE, None)))
    with pytest.raises(SchemaError, match=r"size .*channels=16.* column network_size"):
        stated_size(_sized(SIZE, None))
    with pytest.raises(SchemaError, match=rf"'x' .* 2 sizes, '{SIZE}' and '{WIDE}'"):
        stated_size(_sized(SIZE, WIDE), "The table of 'x'")


def test_a_precision_is_stated_in_every_row_or_in_none() -> None:
    int8 = _latency().assign(precision="int8")
    assert stated_precision(validate(int8, LATENCY, origin="x")) == "int8"
    assert stated_precision(_latency()) is None
    int8.loc[2, "precision"] = None
    assert re.search(r"\bprecision .*row 2\b", _message(int8))
    with pytest.raises(SchemaError, match=r"'int8' .*column precision"):
        stated_precision(int8)
    with pytest.raises(SchemaError, match="networks of 2 precisions, 'int8' and 'fp32'"):
        stated_precision(int8.fillna({"precision": "fp32"}))
    assert "'8 bits'" in _message(_latency().assign(precision="8 bits"))


def test_accuracies_of_several_data_sets_may_be_of_several_sizes() -> None:
    table = _accuracy().assign(network_size=pd.Series([SIZE, None, WIDE], dtype="str"))
    assert validate(table, ACCURACY, origin="x")["network_size"].isna().sum() == 1


def _sized(even: str | None, odd: str | None) -> pd.DataFrame:
    return _latency().assign(network_size=pd.Series([even, odd, even, odd], dtype="str"))
