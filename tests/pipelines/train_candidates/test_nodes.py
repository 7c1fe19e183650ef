from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader

from brpnas.candidates import TrainingJob
from brpnas.datasets import embedded_facts
from brpnas.datasets.schemas import ACCURACY, validate
from brpnas.errors import (
    BudgetError,
    ConfigurationError,
    IntakeError,
    SourceError,
    TrainingError,
)
from brpnas.spaces.select import select_cells
from pipelines import settings
from pipelines.config import ImagesConfig, NetworkTrainingConfig, TrainCandidatesConfig, parse
from pipelines.network import network_config
from pipelines.resolve import resolve
from pipelines.train_candidates.nodes import list_jobs, train_cells
from pipelines.training import image_source, job_config
from tests.candidates.small import CONV, TWINS, digits
from tests.pipelines.parameters import base

CONF = Path(__file__).resolve().parents[3] / "conf"
SPACE = "nasbench201"
DIGITS = base("images", path="digits")
NETWORK = base(
    "network", channels=4, cells_per_stage=1, stages=2, input_shape=[1, 8, 8], classes=10
)
PARAMS = base("train_candidates", cells=3)
TRAINING = base("network_training", epochs=1, workers=1)


def config(**more: Any) -> TrainCandidatesConfig:
    return parse(TrainCandidatesConfig, base("train_candidates", **more))


def test_table_and_report_agree(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tables, curves, report = train_cells(tmp_path, SPACE, NETWORK, DIGITS, PARAMS, TRAINING)
    (table,) = tables.values()
    assert list(tables) == ["digits"] == [report["dataset"]]
    assert validate(table, ACCURACY, origin="x").equals(table)
    assert set(table["arch_id"]) == set(select_cells(3, distinct=True))
    assert (len(table), report["asked"], report["trained"]) == (6, 3, 3)
    assert report["settings"]["cells_per_stage"] == 1
    last = curves["digits"].set_index(["arch_id", "seed"])["accuracy"]
    valid = table[table["split"] == "valid"].set_index(["arch_id", "seed"])["accuracy"]
    assert last.to_dict() == valid.to_dict(), "of a single epoch"
    assert report["curves"]["median"] == [last.median()]
    assert "3 networks of 3 cells, 0 failed" in caplog.text
    assert "--params=dataset=digits" in caplog.text
    # Results of an earlier run with these settings stay in the table.
    two = PARAMS | {"cells": 1, "seeds": 2}
    fewer, _, again = train_cells(tmp_path, SPACE, NETWORK, DIGITS, two, TRAINING)
    assert len(fewer["digits"]) == 8
    assert (again["asked"], again["trained"], again["noise"]["valid"]["cells"]) == (2, 4, 1)
    assert len(list(tmp_path.iterdir())) == 1
    split = DIGITS | {"split_seed": 1}
    other, _, _ = train_cells(tmp_path, SPACE, NETWORK, split, PARAMS | {"cells": 1}, TRAINING)
    assert len(other["digits"]) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_images_of_ones_own(tmp_path: Path) -> None:
    pixels, labels = digits(120)
    np.savez(tmp_path / "Mine.npz", images=pixels, labels=labels)
    (tmp_path / "store").mkdir()
    mine = {**DIGITS, "path": str(tmp_path / "Mine.npz")}
    tables, _, report = train_cells(tmp_path / "store", SPACE, NETWORK, mine, PARAMS, TRAINING)
    assert set(tables["mine"]["dataset"]) == {"mine"}
    assert report["images"]["rows"] == {"train": 66, "valid": 27, "test": 27}


def test_cells_of_a_file_are_trained_as_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    pd.DataFrame({"arch_id": [CONV, *TWINS]}).to_csv(file)
    store = tmp_path / "store"
    store.mkdir()
    params = {**PARAMS, "file": str(file), "cells": None}
    tables, _, _ = train_cells(store, SPACE, NETWORK, DIGITS, params, TRAINING)
    assert set(tables["digits"]["arch_id"]) == {CONV, *TWINS}
    with pytest.raises(BudgetError, match="4 of 3"):
        train_cells(store, SPACE, NETWORK, DIGITS, {**params, "cells": 4}, TRAINING)
    file.write_text("arch_id\nfoo\n")
    with pytest.raises(IntakeError, match="line 2"):
        train_cells(store, SPACE, NETWORK, DIGITS, params, TRAINING)


class TestOrder:
    def test_seed_after_seed(self) -> None:
        wanted = list_jobs(["a", "b", "c"], config(seeds=2, more_seeds={"cells": 1, "seeds": 4}))
        pairs = [(candidate.arch_id, candidate.seed) for candidate in wanted]
        assert pairs == [*[(a, s) for s in (0, 1) for a in "abc"], ("a", 2), ("a", 3)]

    def test_fewer_seeds_than_all_have_are_no_more(self) -> None:
        wanted = list_jobs(["a", "b"], config(seeds=2, more_seeds={"cells": 9, "seeds": 1}))
        assert [candidate.seed for candidate in wanted] == [0, 0, 1, 1]

    def test_the_embedded_benchmark_is_what_it_was_trained_as(self) -> None:
        """Order, images and settings of the shipped table."""
        loader = OmegaConfigLoader(str(CONF), env="embedded", **settings.CONFIG_LOADER_ARGS)
        values = resolve(loader["parameters"])
        chosen = parse(TrainCandidatesConfig, values["train_candidates"])
        cells = select_cells(chosen.cells, distinct=True, seed=chosen.seed)
        wanted = list_jobs(cells, chosen)
        assert len(cells) == 6466
        assert len(wanted) == 6466 + 2 * 1500
        assert wanted[0] == TrainingJob(
            "|avg_pool_3x3~0|+|nor_conv_3x3~0|skip_connect~1|"
            "+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|",
            0,
        )
        assert wanted[6466:] == [TrainingJob(a, s) for s in (1, 2) for a in cells[:1500]]
        source = image_source(parse(ImagesConfig, values["images"]))
        how = parse(NetworkTrainingConfig, values["network_training"])
        training = job_config(how, network_config(values["network"]))
        facts = embedded_facts()["accuracy"]
        assert facts["settings"] == {**training.settings(), "executes_dead_ops": False}
        assert facts["images"]["digest"] == source.load().digest


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"params": {"cells": 0}}, ConfigurationError),
        ({"params": {"seeds": 0}}, ConfigurationError),
        ({"params": {"cells": 6467}}, BudgetError),
        ({"params": {"file": "nowhere.txt"}}, SourceError),
        ({"training": {"optimiser": "adam"}}, ConfigurationError),
        ({"training": {"epoch": 1}}, ConfigurationError),
        ({"training": {"device": "gpu"}}, TrainingError),
        ({"training": {"scheduler": "nonsense"}}, ConfigurationError),
        ({"images": {"valid_share": 0.6, "test_share": 0.6}}, ConfigurationError),
    ],
)
def test_what_cannot_be_trained(
    tmp_path: Path, wrong: dict[str, dict[str, Any]], error: type[Exception]
) -> None:
    given = {"images": DIGITS, "params": PARAMS, "training": TRAINING}
    changed = {name: values | wrong.get(name, {}) for name, values in given.items()}
    with pytest.raises(error):
        train_cells(tmp_path, SPACE, NETWORK, **changed)


def test_a_run_is_refused_before_there_is_a_store(tmp_path: Path) -> None:
    for path, why in ((str(tmp_path / "none.npz"), r"none\.npz"), (None, r"images\.path .*null")):
        with pytest.raises(SourceError, match=why):
            train_cells(tmp_path, SPACE, NETWORK, {**DIGITS, "path": path}, PARAMS, TRAINING)
    assert not list(tmp_path.iterdir())
