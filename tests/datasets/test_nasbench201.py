"""NAS-Bench-201 becomes the accuracy and architectures tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import (
    DATASETS,
    fetch_group,
    list_architectures,
    mean_accuracy,
    read_accuracy,
)
from brpnas.datasets.cells import arch_ids
from brpnas.datasets.nasbench201_files import read_benchmark
from brpnas.errors import SchemaError
from brpnas.spaces.nasbench201 import NasBench201, to_string
from brpnas.spaces.nasbench201.cost import cost
from tests.datasets.published import Published, write

FIRST = to_string((4, 2, 1, 2, 1, 1))


class TestReadAccuracy:
    @pytest.fixture
    def table(self, tmp_path: Path) -> pd.DataFrame:
        return read_accuracy(write(tmp_path, Published()))

    def test_rows(self, table: pd.DataFrame) -> None:
        kinds = table.assign(mean=table["seed"].isna()).groupby(["dataset", "split", "mean"])
        with_seed = {(d, "valid", False): 8 for d in DATASETS}
        with_seed |= {(d, "test", False): 8 for d in DATASETS if d != "cifar10"}
        assert kinds.size().to_dict() == with_seed | {(d, "test", True): 3 for d in DATASETS}

    def test_one_cell(self, table: pd.DataFrame) -> None:
        cell = table[(table["arch_id"] == FIRST) & (table["dataset"] == "cifar100")]
        valid = cell[cell["split"] == "valid"]
        assert valid["seed"].tolist() == [777, 888, 999]
        assert valid["accuracy"].tolist() == pytest.approx([0.50, 0.51, 0.52])
        assert valid["train_time_s"].tolist() == [20.0] * 3
        assert set(valid["epochs"]) == {200}

    def test_test_half_follows_from_the_union(self, table: pd.DataFrame) -> None:
        cell = table[(table["arch_id"] == FIRST) & (table["split"] == "test")]
        for dataset in ("cifar100", "imagenet16-120"):
            rows = cell[(cell["dataset"] == dataset) & cell["seed"].notna()]
            assert rows["accuracy"].tolist() == pytest.approx([0.51, 0.52, 0.53], abs=1e-12)

    def test_means_have_no_seed_and_no_time(self, table: pd.DataFrame) -> None:
        means = table[table["seed"].isna()]
        assert set(means["split"]) == {"test"}
        assert means["train_time_s"].isna().all()
        assert mean_accuracy(table, "cifar10")[FIRST] == pytest.approx(0.52)

    def test_sorted_within_each_kind(self, table: pd.DataFrame) -> None:
        kinds = table.assign(mean=table["seed"].isna()).groupby(["dataset", "split", "mean"])
        for _, rows in kinds:
            expected = rows.sort_values(["arch_id", "seed"])
            pd.testing.assert_frame_equal(rows, expected)

    def test_impossible_accuracy(self, tmp_path: Path) -> None:
        published = Published()
        published.test["cifar10"][1] = 101.0
        with pytest.raises(SchemaError, match=r"accuracy .* 0 to 1, not 1\.01, .* 10\b"):
            read_accuracy(write(tmp_path, published))


@pytest.fixture(scope="module")
def files(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return fetch_group("nasbench201", mirror=mirror, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def accuracy(files: dict[str, Path]) -> pd.DataFrame:
    return read_accuracy(files)


@pytest.fixture(scope="module")
def architectures() -> pd.DataFrame:
    return list_architectures()


@pytest.mark.data
class TestPublished:
    @pytest.mark.parametrize(
        ("dataset", "percent"),
        [("cifar10", 94.37), ("cifar100", 73.51), ("imagenet16-120", 47.31)],
    )
    def test_best_test_accuracy(self, accuracy: pd.DataFrame, dataset: str, percent: float) -> None:
        means = mean_accuracy(accuracy, dataset)
        assert len(means) == 15_625
        assert round(100 * means.max(), 2) == percent

    @pytest.mark.parametrize("dataset", DATASETS)
    def test_runs(self, accuracy: pd.DataFrame, dataset: str) -> None:
        rows = accuracy[(accuracy["dataset"] == dataset) & (accuracy["split"] == "valid")]
        assert len(rows) == 39_419
        assert rows["seed"].value_counts().to_dict() == {777: 15_625, 888: 15_625, 999: 8_169}
        assert rows["train_time_s"].gt(0).all()

    @pytest.mark.parametrize(
        ("dataset", "images", "exact"),
        [("cifar100", 5000, 15_400), ("imagenet16-120", 3000, 15_450)],
    )
    def test_derived_test_accuracy_has_the_published_mean(
        self, accuracy: pd.DataFrame, dataset: str, images: int, exact: int
    ) -> None:
        rows = accuracy[(accuracy["dataset"] == dataset) & (accuracy["split"] == "test")]
        runs = rows[rows["seed"].notna()]
        assert len(runs) == 39_419
        whole = runs["accuracy"] * images
        assert np.abs(whole - whole.round()).max() < 1e-6
        derived = runs.groupby("arch_id")["accuracy"].mean()
        published = rows[rows["seed"].isna()].set_index("arch_id")["accuracy"]
        difference = (derived - published).abs()
        assert (difference < 1e-6).sum() >= exact
        assert difference.max() < 1e-3

    def test_training_time_is_scaled_between_data_sets(self, accuracy: pd.DataFrame) -> None:
        valid = accuracy[accuracy["split"] == "valid"]
        time = valid.groupby(["dataset", "arch_id"])["train_time_s"].agg(["min", "max"])
        assert (time["min"] == time["max"]).all()
        per_set = time["min"].unstack("dataset")
        assert np.allclose(per_set["cifar100"] / per_set["cifar10"], 2)
        assert np.allclose(per_set["imagenet16-120"] / per_set["cifar10"], 6.068)

    def test_every_arch_id_is_canonical(
        self, accuracy: pd.DataFrame, architectures: pd.DataFrame
    ) -> None:
        space = NasBench201()
        assert set(architectures["arch_id"]) == set(space.enumerate())
        assert set(accuracy["arch_id"]) == set(space.enumerate())

    def test_isomorphism_is_the_published_one(
        self, files: dict[str, Path], architectures: pd.DataFrame
    ) -> None:
        published = pd.read_csv(files["nasbench201-test"]).set_index("ArchitectureString")
        ours = architectures.set_index("arch_id")["isomorphism_id"]
        pairs = set(zip(ours, published["UniqueString"].loc[ours.index], strict=True))
        assert len(pairs) == ours.nunique() == published["UniqueString"].nunique() == 6_466

    def test_parameters_are_the_published_ones_but_for_the_known_bug(
        self, files: dict[str, Path], architectures: pd.DataFrame
    ) -> None:
        benchmark = read_benchmark(files)
        for name, head in zip(DATASETS, (0, 90 * 65, 110 * 65), strict=True):
            runs = benchmark.runs[name]
            counted = architectures.set_index("arch_id")["params_m"]
            counted = counted.loc[arch_ids(benchmark.numbers[runs.cell])].to_numpy()
            difference = np.rint((runs.params_m - counted) * 1e6).astype(int) - head
            cells = np.unique(runs.cell[difference != 0])
            assert len(cells) == 150  # github.com/D-X-Y/NATS-Bench/issues/36
            one_1x1, one_3x3 = np.diff(cost(np.array([[0] * 6, [2, *[0] * 5]]))[0])[0], 243_040
            assert set(np.abs(difference).tolist()) == {0, one_1x1, one_3x3}

    def test_the_example_of_the_known_bug(self, architectures: pd.DataFrame) -> None:
        cell = to_string((1, 0, 3, 4, 3, 3))
        row = architectures[architectures["arch_id"] == cell].iloc[0]
        assert (row["params_m"], row["flops_m"]) == (0.802426, 113.95137)

    def test_range_of_cost(self, architectures: pd.DataFrame) -> None:
        assert architectures["params_m"].max() == 1.531546
        assert architectures["flops_m"].min() == pytest.approx(7.78305)
        assert architectures["flops_m"].max() == pytest.approx(220.11969)
