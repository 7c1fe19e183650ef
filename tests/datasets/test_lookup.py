"""One accuracy per architecture, no run counted twice."""

from __future__ import annotations

import pandas as pd
import pytest

from brpnas.datasets import mean_accuracy
from brpnas.errors import OracleError, UnknownNameError


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        ("b", "cifar100", "test", None, 0.70),
        ("b", "cifar100", "test", 777, 0.10),
        ("b", "cifar100", "test", 888, 0.20),
        ("a", "cifar100", "test", 777, 0.50),
        ("a", "cifar100", "test", 888, 0.60),
        ("a", "cifar100", "valid", 777, 0.40),
        ("a", "cifar100", "valid", 888, 0.44),
        ("a", "digits", "valid", 777, 0.99),
    ]
    frame = pd.DataFrame(rows, columns=["arch_id", "dataset", "split", "seed", "accuracy"])
    return frame.astype({"seed": "Int64"})


def test_published_mean_first_else_mean_of_seeds(table: pd.DataFrame) -> None:
    means = mean_accuracy(table, "cifar100")
    assert means.to_dict() == pytest.approx({"a": 0.55, "b": 0.70})
    assert list(means.index) == ["a", "b"]


def test_validation(table: pd.DataFrame) -> None:
    assert mean_accuracy(table, "cifar100", "valid").to_dict() == pytest.approx({"a": 0.42})


def test_unknown_data_set(table: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match=r"'cifar10'.* 'cifar100'\?"):
        mean_accuracy(table, "cifar10")


def test_split_that_was_not_measured(table: pd.DataFrame) -> None:
    with pytest.raises(OracleError, match=r" test .* digits, .*\bvalid\b"):
        mean_accuracy(table, "digits")
