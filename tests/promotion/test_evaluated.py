from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import SchemaError
from brpnas.promotion.evaluated import flaws
from tests.promotion.toys import evaluated, rows


def test_a_sound_model_has_no_flaws():
    assert flaws(evaluated(), "latency") == []


@pytest.mark.parametrize("kind", ["latency", "accuracy"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("column", "word"), [("predicted", "predicts"), ("true", "test rows")])
def test_what_is_no_number_is_found(kind, bad, column, word):
    table = rows()
    table.loc[[3, 5], column] = bad
    (sentence,) = flaws(evaluated(table), kind)
    assert word in sentence
    assert "2 test row(s)" in sentence


@pytest.mark.parametrize("bad", [0.0, -2.0])
def test_a_latency_is_positive_and_a_score_need_not_be(bad):
    table = rows()
    table.loc[3, "predicted"] = bad
    assert re.search(r"\b0 or .* 1 test", flaws(evaluated(table), "latency")[0])
    assert flaws(evaluated(table), "accuracy") == []


@pytest.mark.parametrize(
    ("parity", "word"), [(None, "unknown"), (np.nan, "unknown"), (2e-5, "differs"), (np.inf, "inf")]
)
def test_parity_must_be_known_and_small(parity, word):
    (sentence,) = flaws(evaluated(parity=parity), "latency")
    assert word in sentence


def test_parity_at_the_tolerance_will_do():
    assert flaws(evaluated(parity=1e-5), "latency") == []


def test_no_rows_at_all():
    (sentence,) = flaws(evaluated(rows().head(0)), "latency")
    assert "test rows" in sentence


def test_judged_on_is_the_own_rows_unless_said():
    assert evaluated(rows(count=2)).judged_on == {"arch 0", "arch 1"}
    assert evaluated(judged=["a"]).judged_on == {"a"}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (rows().drop(columns="true"), "lack true"),
        (rows().assign(predicted="fast"), r"version 2 .*\bpredicted\."),
        (pd.concat([rows(), rows().head(1)]), "version 2 .* 1 .*'arch 0'"),
    ],
)
def test_broken_tables_are_refused(table, why):
    with pytest.raises(SchemaError, match=why):
        evaluated(table)
