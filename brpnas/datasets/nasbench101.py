"""NAS-Bench-101: validation accuracy of a public sample of 20,001 cells (arXiv 1902.09635).

The original benchmark file is offline. Public is an extract of 20,001 cells, the first ones by
module hash and thus a uniform sample. It has **one training run** per cell and number of epochs,
and **no test accuracy**: all scores are validation accuracies.

`read_nasbench101_accuracy` returns the accuracy table, `read_nasbench101_architectures` the cells
with their parameters and multiply-adds. Both take the files by catalogue name, as
``fetch_group("nasbench101", ...)`` returns them. The extract identifies cells by hash alone, so the
whole space is hashed once per process, in about 20 seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.architectures import list_architectures
from brpnas.datasets.schemas import ACCURACY, accuracy_rows, validate
from brpnas.errors import ArchitectureError, ConfigurationError, SourceError
from brpnas.spaces.nasbench101 import NasBench101, keys_of_hashes, to_strings

__all__ = ["NASBENCH101_EPOCHS", "read_nasbench101_accuracy", "read_nasbench101_architectures"]

NASBENCH101_EPOCHS: tuple[int, ...] = (4, 12, 36, 108)
"""Epochs of the published runs; each number is a separate training."""

_FILE = "nasbench101-20k"
_ORIGIN = "the NAS-Bench-101 sample as published"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Sample:
    """Content of the file per cell, sorted by ``arch_id``."""

    arch_ids: list[str]
    accuracy: dict[int, FloatArray]
    train_time_s: FloatArray
    params: FloatArray


def read_nasbench101_accuracy(
    files: Mapping[str, Path], epochs: Sequence[int] = NASBENCH101_EPOCHS
) -> pd.DataFrame:
    """Read the published accuracies into an accuracy table.

    All rows are of ``cifar10``, split ``valid``, one run with the seed 0. Use one number of epochs
    for `mean_accuracy`: it averages all runs of a table.

    Args:
        files: Path of each published file by its name in the catalogue.
        epochs: Published runs to read, of 4, 12, 36 and 108 epochs.

    Returns:
        Accuracy table ordered by epochs, then ``arch_id``. Only runs of 108 epochs have a training
        time.

    Raises:
        ConfigurationError: If a number of epochs was not published.
        SourceError: If the file is missing or corrupt, or names an unknown cell.
        SchemaError: If an accuracy is impossible.
    """
    unknown = [count for count in epochs if count not in NASBENCH101_EPOCHS]
    if unknown or not epochs:
        raise ConfigurationError(
            f"The NAS-Bench-101 sample has runs of {', '.join(map(str, NASBENCH101_EPOCHS))} "
            f"epochs, not of {unknown or 'none'}."
        )
    sample = _read(files)
    parts = [
        accuracy_rows(
            sample.arch_ids,
            "cifar10",
            "valid",
            sample.accuracy[count],
            epochs=count,
            seeds=0,
            train_time_s=sample.train_time_s if count == NASBENCH101_EPOCHS[-1] else np.nan,
        )
        for count in epochs
    ]
    return validate(pd.concat(parts, ignore_index=True), ACCURACY, origin=_ORIGIN)


def read_nasbench101_architectures(files: Mapping[str, Path]) -> pd.DataFrame:
    """Read the published cells into an architectures table.

    Args:
        files: Path of each published file by its name in the catalogue.

    Returns:
        Architectures table of the 20,001 cells, sorted by ``arch_id``. Parameters are published and
        equal to `brpnas.spaces.NasBench101.cost`; multiply-adds are computed.

    Raises:
        SourceError: If the file is missing or corrupt, contains an unknown cell, or has wrong
            parameters of a cell.
    """
    sample = _read(files)
    table = list_architectures(sample.arch_ids, space=NasBench101(), origin=_ORIGIN)
    params = np.rint(table["params_m"].to_numpy() * 1e6)
    differ = np.flatnonzero(params != sample.params)
    if len(differ):
        raise SourceError(
            f"{files[_FILE]} has wrong parameters for {len(differ)} cells, first for "
            f"{sample.arch_ids[differ[0]]!r}: {sample.params[differ[0]]:,.0f} instead of "
            f"{params[differ[0]]:,.0f}. Get the file again from its catalogued URL."
        )
    return table


def _read(files: Mapping[str, Path]) -> _Sample:
    if _FILE not in files:
        raise SourceError(
            f"Reading the NAS-Bench-101 sample needs {_FILE}: "
            "`fetch_group('nasbench101', ...)` returns it."
        )
    path = files[_FILE]
    try:
        content = json.loads(path.read_text("utf-8"))
        hashes = [str(text) for text in content["key"]]
        numbers = {
            name: np.array(content[name], np.float64).reshape(len(hashes))
            for name in (
                *(f"{count}_final_validation_accuracy" for count in NASBENCH101_EPOCHS),
                "final_training_time",
                "trainable_parameters",
            )
        }
        names = to_strings(keys_of_hashes(hashes))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:  # ArchitectureError is a ValueError
        what = error if isinstance(error, ArchitectureError) else f"{type(error).__name__}: {error}"
        raise SourceError(
            f"{path} is not the published {_FILE!r}: {what}. Get it again from its catalogued URL."
        ) from error
    order = sorted(range(len(names)), key=names.__getitem__)
    return _Sample(
        [names[row] for row in order],
        {n: numbers[f"{n}_final_validation_accuracy"][order] for n in NASBENCH101_EPOCHS},
        numbers["final_training_time"][order],
        numbers["trainable_parameters"][order],
    )
