"""The five published files of NAS-Bench-201, joined run by run.

They come from three publishers and are joined by their order alone, so `read_benchmark` refuses
inconsistent files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.cells import cell_numbers
from brpnas.datasets.names import DATASETS
from brpnas.datasets.unpickle import safe_load
from brpnas.errors import SourceError
from brpnas.spaces.nasbench201 import from_string

__all__ = ["Benchmark", "Runs", "read_benchmark"]

_RUNS, _TEST = "nasbench201-runs", "nasbench201-test"
_RUNS_KEY = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}
_TEST_COLUMN = {
    "cifar10": "CIFAR10TestAccuracy200Epochs",
    "cifar100": "CIFAR100TestAccuracy200Epochs",
    "imagenet16-120": "ImageNetTestAccuracy200Epochs",
}

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """``R`` training runs of one data set, by cell and then seed.

    Attributes:
        cell: Position of the run's cell in `Benchmark.numbers`, shape ``[R]``.
        run: Number of the run within its cell, from 0, shape ``[R]``.
        valid: Validation accuracy in percent, shape ``[R]``.
        evaluated: Accuracy in percent from ``metric_vals.pkl``, shape ``[R]``: of the validation
            set for CIFAR-10, of validation and test halves together for the others.
        train_time_s: Published training time, shape ``[R]``.
        params_m: Parameters in millions, shape ``[R]``.
        test_mean: Mean test accuracy in percent of each cell, shape ``[cells]``.
    """

    cell: IntArray
    run: IntArray
    valid: FloatArray
    evaluated: FloatArray
    train_time_s: FloatArray
    params_m: FloatArray
    test_mean: FloatArray


@dataclass(frozen=True)
class Benchmark:
    """All runs, and the cells in the order of the benchmark.

    Attributes:
        numbers: Position of each cell in ``NasBench201().enumerate()``, shape ``[cells]``.
        runs: Training runs by data set.
    """

    numbers: IntArray
    runs: dict[str, Runs]


def read_benchmark(files: Mapping[str, Path]) -> Benchmark:
    """Read and join the published files.

    Args:
        files: Path of each file by its name in the catalogue.

    Raises:
        SourceError: If a file is missing, corrupt, or inconsistent with the others.
        UnsafePickleError: If a pickle contains more than numbers.
    """
    needed = [_TEST, _RUNS, *(f"nasbench201-valid-{name}" for name in DATASETS)]
    missing = [name for name in needed if name not in files]
    if missing:
        raise SourceError(
            f"Reading NAS-Bench-201 needs {', '.join(missing)}: "
            "`fetch_group('nasbench201', ...)` returns all files."
        )
    numbers, test = _read_test(files[_TEST])
    metrics = safe_load(files[_RUNS])
    runs = {}
    for name in DATASETS:
        cell, number, valid = _read_valid(files[f"nasbench201-valid-{name}"], numbers)
        try:
            loss, time, size = (
                np.asarray(metrics[_RUNS_KEY[name]][column], np.float64).reshape(len(cell))
                for column in ("loss", "runtime", "size_in_mb")
            )
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise SourceError(
                f"{files[_RUNS]} lacks loss, runtime and size_in_mb of {len(cell):,} runs on "
                f"{name}, one for each value of {files[f'nasbench201-valid-{name}']}. "
                "Get both again from their catalogued URLs."
            ) from error
        runs[name] = Runs(cell, number, valid, 100.0 - loss, time, size, test[name])
    _check_order(runs, files)
    return Benchmark(numbers, runs)


def _read_test(path: Path) -> tuple[IntArray, dict[str, FloatArray]]:
    columns = {"ArchitectureString": "str"} | dict.fromkeys(_TEST_COLUMN.values(), "float64")
    try:
        table = pd.read_csv(path, usecols=list(columns), dtype=columns)
        codes = [from_string(text) for text in table["ArchitectureString"]]
    except (OSError, ValueError, AttributeError) as error:  # ArchitectureError is a ValueError
        raise SourceError(
            f"{path} is not a table of NAS-Bench-201 test accuracy: {' '.join(str(error).split())} "
            "Get it again from its catalogued URL."
        ) from error
    return cell_numbers(codes, str(path)), {
        name: table[column].to_numpy() for name, column in _TEST_COLUMN.items()
    }


def _read_valid(path: Path, numbers: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Cell, number and accuracy of each run, in the order of ``numbers``."""
    published: Any = safe_load(path)
    try:
        found = cell_numbers([[int(c) for c in key] for key in published], str(path))
        values = list(published.values())
        counts = np.array([len(value) for value in values], np.int64)
        accuracy = np.concatenate([np.asarray(value, np.float64) for value in values])
    except (AttributeError, TypeError, ValueError) as error:
        raise SourceError(
            f"{path} must hold a dict from six digits to a list of accuracies. "
            "Get it again from its catalogued URL."
        ) from error
    if not np.array_equal(np.sort(found), np.sort(numbers)):
        raise SourceError(f"{path} has other cells than the other files.")
    position = np.empty(int(numbers.max()) + 1, np.int64)
    position[numbers] = np.arange(len(numbers))
    cell = np.repeat(position[found], counts)
    number = np.arange(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
    order = np.lexsort((number, cell))
    return cell[order], number[order], accuracy[order]


def _check_order(runs: Mapping[str, Runs], files: Mapping[str, Path]) -> None:
    """Compare the runs with the figures published twice."""
    cifar10 = runs["cifar10"]
    wrong = {"cifar10": float(np.abs(cifar10.evaluated - cifar10.valid).max())}
    for name in DATASETS[1:]:
        run = runs[name]
        count = np.bincount(run.cell, minlength=len(run.test_mean))
        mean = np.bincount(run.cell, 2 * run.evaluated - run.valid, len(run.test_mean)) / count
        wrong[name] = float(np.abs(mean - run.test_mean).max())
    for name, difference in wrong.items():
        # Halves and union were evaluated separately and differ in a few images: 0.083 seen.
        if not difference <= (1e-6 if name == "cifar10" else 0.1):
            raise SourceError(
                f"The files of NAS-Bench-201 are inconsistent: accuracies on {name}, published in "
                f"two of {files[_RUNS]}, {files[f'nasbench201-valid-{name}']} and {files[_TEST]}, "
                f"differ by up to {difference:.3g} points. Get them again from their catalogued "
                "URLs."
            )
