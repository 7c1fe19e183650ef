"""The public sample of NAS-Bench-101 becomes the accuracy and architectures tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import (
    NASBENCH101_EPOCHS,
    fetch_group,
    mean_accuracy,
    read_nasbench101_accuracy,
    read_nasbench101_architectures,
)
from brpnas.errors import ConfigurationError, SchemaError, SourceError
from brpnas.spaces import NasBench101
from brpnas.spaces.nasbench101 import module_hashes
from tests.spaces.nasbench101.small import small_space

CELLS = ("maxpool3x3~0|output~1", "output~0", "conv1x1~0|conv3x3~0|output~12")
Content = dict[str, Any]


@pytest.fixture(autouse=True)
def _few_hashes(request: pytest.FixtureRequest) -> Iterator[None]:
    if "mirror" in request.fixturenames:
        yield
        return
    with small_space():
        yield


@pytest.fixture
def content() -> Content:
    """Three cells in the published format; accuracies rise with the cell and with the epochs."""
    space = NasBench101()
    return {
        f"{epochs}_final_validation_accuracy": [epochs / 1000 + i / 10 for i in range(3)]
        for epochs in (4, 12, 36, 108)
    } | {
        "final_training_time": [100.0, 200.0, 300.0],
        "trainable_parameters": space.cost(CELLS)[0].astype(int).tolist(),
        "key": module_hashes(space.keys(CELLS)).astype(str).tolist(),
    }


def write(folder: Path, content: Content) -> dict[str, Path]:
    path = folder / "data.json"
    path.write_text(json.dumps(content))
    return {"nasbench101-20k": path}


class TestAccuracy:
    @pytest.fixture
    def table(self, tmp_path: Path, content: Content) -> pd.DataFrame:
        return read_nasbench101_accuracy(write(tmp_path, content))

    def test_rows(self, table: pd.DataFrame) -> None:
        names = [NasBench101().canonical(cell) for cell in CELLS]
        assert table["arch_id"].tolist() == sorted(names) * 4
        assert table["epochs"].tolist() == np.repeat([4, 12, 36, 108], 3).tolist()
        assert set(table["dataset"]) == {"cifar10"}
        assert set(table["split"]) == {"valid"}
        assert set(table["seed"]) == {0}

    def test_values_stay_with_their_cells(self, table: pd.DataFrame) -> None:
        for i, cell in enumerate(CELLS):
            rows = table[table["arch_id"] == NasBench101().canonical(cell)]
            expected = [epochs / 1000 + i / 10 for epochs in (4, 12, 36, 108)]
            assert rows["accuracy"].tolist() == pytest.approx(expected)
            assert rows["train_time_s"].isna().tolist() == [True, True, True, False]
            assert rows["train_time_s"].iloc[-1] == 100.0 * (i + 1)

    def test_some_epochs(self, tmp_path: Path, content: Content) -> None:
        table = read_nasbench101_accuracy(write(tmp_path, content), (108,))
        assert set(table["epochs"]) == {108}
        assert mean_accuracy(table, "cifar10", "valid")["output~0"] == pytest.approx(0.208)

    @pytest.mark.parametrize("epochs", [(), (200,), (108, 5)])
    def test_unknown_epochs(self, tmp_path: Path, content: Content, epochs: tuple[int]) -> None:
        with pytest.raises(ConfigurationError, match="4, 12, 36, 108 epochs"):
            read_nasbench101_accuracy(write(tmp_path, content), epochs)

    def test_impossible_accuracy(self, tmp_path: Path, content: Content) -> None:
        content["12_final_validation_accuracy"][1] = 1.5
        with pytest.raises(SchemaError, match=r"accuracy .* 0 to 1, not 1\.5, .* 5\b"):
            read_nasbench101_accuracy(write(tmp_path, content))


class TestArchitectures:
    def test_table(self, tmp_path: Path, content: Content) -> None:
        table = read_nasbench101_architectures(write(tmp_path, content))
        names = sorted(NasBench101().canonical(cell) for cell in CELLS)
        assert table["arch_id"].tolist() == table["isomorphism_id"].tolist() == names
        assert set(table["space"]) == {"nasbench101"}
        params, flops = NasBench101().cost(names)
        assert table["params_m"].tolist() == (params / 1e6).tolist()
        assert table["flops_m"].tolist() == (flops / 1e6).tolist()

    def test_other_parameters_than_the_cell_has(self, tmp_path: Path, content: Content) -> None:
        content["trainable_parameters"][1] += 1
        with pytest.raises(SourceError, match=r"parameters .* 1 cells.* 'output~0'"):
            read_nasbench101_architectures(write(tmp_path, content))


class TestDamage:
    def test_missing_file(self) -> None:
        with pytest.raises(SourceError, match=r"nasbench101-20k.*`fetch_group"):
            read_nasbench101_accuracy({})

    def test_no_such_path(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="FileNotFoundError"):
            read_nasbench101_accuracy({"nasbench101-20k": tmp_path / "none"})

    @pytest.mark.parametrize(
        ("key", "value", "why"),
        [
            ("key", ["0" * 32] * 3, "'0{32}' .*hash"),
            ("key", 5, "TypeError"),
            ("final_training_time", [1.0, 2.0], "ValueError"),
            ("108_final_validation_accuracy", [0.1, "x", 0.2], "ValueError"),
            ("trainable_parameters", None, "ValueError|TypeError"),
        ],
    )
    def test_damaged_content(
        self, tmp_path: Path, content: Content, key: str, value: Any, why: str
    ) -> None:
        files = write(tmp_path, content | {key: value})
        with pytest.raises(SourceError, match=why):
            read_nasbench101_accuracy(files)

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
    def test_other_json(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "data.json"
        path.write_text(text)
        with pytest.raises(SourceError, match=r"data\.json .*'nasbench101-20k'"):
            read_nasbench101_accuracy({"nasbench101-20k": path})

    def test_a_cell_twice(self, tmp_path: Path, content: Content) -> None:
        content["key"][0] = content["key"][1]
        with pytest.raises(
            SchemaError,
            match=r"\(arch_id, dataset, split, seed, epochs\).* rows 1, 2, 4, 5, 7 and 3 more",
        ):
            read_nasbench101_accuracy(write(tmp_path, content))


@pytest.mark.slow
@pytest.mark.data
def test_the_published_sample(mirror: Path, tmp_path: Path) -> None:
    files = fetch_group("nasbench101", mirror=mirror, cache=tmp_path)
    table = read_nasbench101_accuracy(files)
    assert len(table) == 20_001 * len(NASBENCH101_EPOCHS)
    final = table[table["epochs"] == 108]
    assert final["arch_id"].nunique() == 20_001
    assert final["accuracy"].max() == pytest.approx(0.949, abs=0.001)
    assert final["train_time_s"].notna().all()
    architectures = read_nasbench101_architectures(files)  # refuses any other parameters
    assert architectures["arch_id"].tolist() == final["arch_id"].tolist()
