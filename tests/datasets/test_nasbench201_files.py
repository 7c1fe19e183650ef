"""The files of NAS-Bench-201 are joined only if they line up."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.datasets import fetch_group
from brpnas.datasets.nasbench201_files import Benchmark, read_benchmark
from brpnas.errors import SourceError
from brpnas.spaces.nasbench201 import to_string
from tests.datasets.published import CELLS, Published, write


def test_joins_runs_with_their_cells(tmp_path: Path) -> None:
    benchmark = read_benchmark(write(tmp_path, Published()))
    runs = benchmark.runs["cifar100"]
    np.testing.assert_array_equal(runs.cell, [0, 0, 0, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(runs.run, [0, 1, 2, 0, 1, 0, 1, 2])
    np.testing.assert_allclose(runs.valid, [50, 51, 52, 60, 61, 40, 41, 42])
    np.testing.assert_allclose(runs.evaluated, runs.valid + 0.5)
    np.testing.assert_allclose(runs.train_time_s, [20, 20, 20, 40, 40, 60, 60, 60])
    np.testing.assert_allclose(runs.test_mean, [52, 61.5, 42])


def test_order_of_the_validation_files_does_not_matter(tmp_path: Path) -> None:
    shuffled = Published()
    shuffled.valid = {k: dict(reversed(v.items())) for k, v in shuffled.valid.items()}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _same(
        read_benchmark(write(tmp_path / "a", Published())),
        read_benchmark(write(tmp_path / "b", shuffled)),
    )


def _same(one: Benchmark, other: Benchmark) -> None:
    np.testing.assert_array_equal(one.numbers, other.numbers)
    for name, runs in one.runs.items():
        for field in vars(runs):
            np.testing.assert_array_equal(getattr(runs, field), getattr(other.runs[name], field))


def _shift_seeds(p: Published) -> None:
    p.metrics["cifar10"]["loss"] = np.roll(p.metrics["cifar10"]["loss"], 1)


def _swap_cells(p: Published) -> None:
    p.metrics["imagenet"]["loss"] = p.metrics["imagenet"]["loss"][::-1].copy()


def _drop_a_run(p: Published) -> None:
    p.metrics["cifar100"]["runtime"] = p.metrics["cifar100"]["runtime"][:-1]


def _drop_a_column(p: Published) -> None:
    del p.metrics["cifar10"]["size_in_mb"]


def _drop_a_cell(p: Published) -> None:
    del p.valid["cifar10"]["421211"]


def _other_cell(p: Published) -> None:
    p.valid["cifar10"]["444444"] = p.valid["cifar10"].pop("421211")


def _no_digits(p: Published) -> None:
    p.valid["cifar10"]["abcdef"] = [1.0]


def _no_numbers(p: Published) -> None:
    p.valid["cifar10"]["421211"] = ["high"]


def _no_dict(p: Published) -> None:
    p.metrics = [1, 2]


def _no_loss(p: Published) -> None:
    p.metrics["cifar10"]["loss"] = np.full(8, np.nan)


def _wrong_string(p: Published) -> None:
    p.strings[1] = "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_shift_seeds, "accuracies on cifar10"),
        (_swap_cells, "accuracies on imagenet16-120"),
        (_no_loss, "accuracies on cifar100?"),
        (_drop_a_run, "size_in_mb .*8 runs on cifar100"),
        (_drop_a_column, "size_in_mb .*8 runs on cifar10,"),
        (_no_dict, "loss"),
        (_drop_a_cell, "other cells"),
        (_other_cell, "other cells"),
        (_no_digits, "six digits"),
        (_no_numbers, r"cifar10\.pkl .*dict.*list"),
        (_wrong_string, "unknown operation 'nor_conv_5x5'"),
    ],
)
def test_refuses_files_that_do_not_fit(
    tmp_path: Path, damage: Callable[[Published], None], words: str
) -> None:
    published = Published()
    damage(published)
    with pytest.raises(SourceError, match=words) as caught:
        read_benchmark(write(tmp_path, published))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    files = write(tmp_path, Published())
    del files["nasbench201-runs"]
    with pytest.raises(SourceError, match="nasbench201-runs"):
        read_benchmark(files)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", bytes(100)])
def test_corrupt_csv(tmp_path: Path, content: bytes) -> None:
    files = write(tmp_path, Published())
    files["nasbench201-test"].write_bytes(content)
    with pytest.raises(SourceError, match=r"nats_bench\.csv .*NAS-Bench-201"):
        read_benchmark(files)


def test_corrupt_pickle(tmp_path: Path) -> None:
    files = write(tmp_path, Published())
    path = files["nasbench201-valid-cifar100"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match="corrupt"):
        read_benchmark(files)


def test_cells_of_the_helper_are_cells() -> None:
    assert [to_string(tuple(map(int, key))) for key in CELLS] == Published().strings


@pytest.mark.data
def test_published_seeds_line_up_on_every_data_set(mirror: Path, tmp_path: Path) -> None:
    files = fetch_group("nasbench201", mirror=mirror, cache=tmp_path)
    benchmark = read_benchmark(files)
    raw: dict[str, Any] = pickle.loads(files["nasbench201-valid-cifar10"].read_bytes())
    assert len(raw) == len(benchmark.numbers) == 15_625
    for runs in benchmark.runs.values():
        assert len(runs.cell) == 39_419
        same_cell = runs.cell[1:] == runs.cell[:-1]
        valid, evaluated = np.diff(runs.valid)[same_cell], np.diff(runs.evaluated)[same_cell]
        assert np.corrcoef(valid, evaluated)[0, 1] > 0.85  # -0.4 with the seeds of a cell rotated
