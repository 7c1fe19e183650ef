"""The oracle that answers, as the parameters ask for it."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.candidates import TrainOracle
from brpnas.datasets import fetch_group
from brpnas.datasets.nasbench301 import Surrogate
from brpnas.errors import ConfigurationError
from brpnas.search import FileOracle, Oracle, TableOracle
from brpnas.search.oracles import Question
from brpnas.search.oracles.surrogate import SurrogateOracle
from brpnas.spaces import get_space
from pipelines.search.oracles import Files, OracleSetup, set_up_oracle
from pipelines.search.settings import read_settings
from tests.pipelines.search.stage import IMAGES, NETWORK, TRAINING, never, search


def made(
    oracle: str,
    accuracy: pd.DataFrame,
    folder: Path,
    *,
    space: str = "nasbench201",
    dataset: str = "cifar100",
    surrogate: Files = never,
) -> OracleSetup:
    params = search(oracle={"name": oracle})
    settings = read_settings(space, dataset, [], params, NETWORK, IMAGES)
    return set_up_oracle(settings, TRAINING, accuracy, surrogate, folder, folder / "by_hand")


@pytest.mark.parametrize(
    ("name", "kind", "is_free"), [("table", TableOracle, True), ("file", FileOracle, False)]
)
def test_each_name_has_its_oracle(
    name: str, kind: type[Oracle], is_free: bool, accuracy: pd.DataFrame, tmp_path: Path
) -> None:
    setup = made(name, accuracy, tmp_path)
    assert setup.is_free == is_free
    with setup.opened() as oracle:
        assert isinstance(oracle, kind)


def test_networks_are_trained_in_the_space_of_the_search(
    accuracy: pd.DataFrame, tmp_path: Path
) -> None:
    setup = made("train", accuracy, tmp_path, space="darts", dataset="digits")
    assert not setup.is_free
    with setup.opened() as oracle:
        assert isinstance(oracle, TrainOracle)
        assert oracle.describe()["space"] == "darts"


def test_images_are_those_of_the_data_set(accuracy: pd.DataFrame, tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"'cifar100', .*'train' .*'digits'.*\bnull\b"),
        made("train", accuracy, tmp_path).opened(),
    ):
        pass


def test_seeds_of_a_comparison_have_tables_of_their_own(
    accuracy: pd.DataFrame, tmp_path: Path
) -> None:
    make = pickle.loads(pickle.dumps(made("table", accuracy, tmp_path).factory()))
    cell = accuracy["arch_id"].iloc[0]
    answers = {make(seed).answer(Question(0, cell)).seed for seed in range(12)}
    assert answers == {777, 888}


@pytest.mark.data
def test_the_surrogate_answers_in_every_process_alike(
    accuracy: pd.DataFrame, mirror: Path, tmp_path: Path
) -> None:
    files = partial(fetch_group, "nasbench301", mirror=mirror, cache=tmp_path)
    cells = get_space("darts").sample(np.random.default_rng(0), 3)
    expected = Surrogate.from_files(files()).predict(cells)
    setup = made("surrogate", accuracy, tmp_path, space="darts", dataset="cifar10", surrogate=files)
    many = pickle.loads(pickle.dumps(setup.factory()))
    with setup.opened() as one:
        assert isinstance(one, SurrogateOracle)
        for cell, value in zip(cells, expected.tolist(), strict=True):
            assert one.answer(Question(0, cell)).accuracy == pytest.approx(value)
            assert many(5).answer(Question(0, cell)).accuracy == pytest.approx(value)
