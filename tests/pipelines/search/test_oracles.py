"""The oracle that answers, as the parameters ask for it."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.candidates import TrainOracle
from brpnas.datasets import fetch_group
from brpnas.datasets.nasbench301 import Surrogate
from brpnas.errors import ConfigurationError
from brpnas.fanout import SerialEngine
from brpnas.search import FileOracle, Oracle, TableOracle
from brpnas.search.oracle import Question
from brpnas.search.surrogate_oracle import SurrogateOracle
from brpnas.spaces import get_space
from pipelines.config import ImagesConfig, SearchConfig, TrainCandidatesConfig, parse
from pipelines.network import network_config
from pipelines.search.oracles import Files, cheap_oracle, make_oracle
from tests.pipelines.search.test_nodes import CANDIDATES, IMAGES, NETWORK, PARAMS, never


def config(oracle: str) -> SearchConfig:
    return parse(SearchConfig, PARAMS | {"oracle": oracle})


def made(
    oracle: str,
    accuracy: pd.DataFrame,
    folder: Path,
    *,
    space: str = "nasbench201",
    dataset: str = "cifar100",
    surrogate: Files = never,
) -> Oracle:
    candidates = parse(TrainCandidatesConfig, CANDIDATES)
    places: Any = (
        network_config(NETWORK),
        parse(ImagesConfig, IMAGES),
        folder / "by_hand",
        folder,
        SerialEngine(),
    )
    return make_oracle(config(oracle), candidates, accuracy, surrogate, space, dataset, *places)


def test_each_name_has_its_oracle(accuracy: pd.DataFrame, tmp_path: Path) -> None:
    assert isinstance(made("table", accuracy, tmp_path), TableOracle)
    assert isinstance(made("file", accuracy, tmp_path), FileOracle)
    trains = made("train", accuracy, tmp_path, space="darts", dataset="digits")
    assert isinstance(trains, TrainOracle)
    assert trains.describe()["space"] == "darts"


def test_images_are_those_of_the_data_set(accuracy: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="set dataset to null"):
        made("train", accuracy, tmp_path)


def test_seeds_of_a_comparison_have_tables_of_their_own(accuracy: pd.DataFrame) -> None:
    make = pickle.loads(pickle.dumps(cheap_oracle(config("table"), accuracy, never, "cifar100")))
    cell = accuracy["arch_id"].iloc[0]
    answers = {make(seed).ask(Question(0, cell)).seed for seed in range(12)}
    assert answers == {777, 888}


@pytest.mark.data
def test_the_surrogate_answers_in_every_process_alike(
    accuracy: pd.DataFrame, mirror: Path, tmp_path: Path
) -> None:
    files = partial(fetch_group, "nasbench301", mirror=mirror, cache=tmp_path)
    cells = get_space("darts").sample(np.random.default_rng(0), 3)
    expected = Surrogate.from_files(files()).predict(cells)
    one = made("surrogate", accuracy, tmp_path, space="darts", dataset="cifar10", surrogate=files)
    assert isinstance(one, SurrogateOracle)
    many = pickle.loads(pickle.dumps(cheap_oracle(config("surrogate"), accuracy, files, "cifar10")))
    for cell, value in zip(cells, expected.tolist(), strict=True):
        assert one.ask(Question(0, cell)).accuracy == pytest.approx(value)
        assert many(5).ask(Question(0, cell)).accuracy == pytest.approx(value)
