"""NAS-Bench-201: accuracy of every cell on three data sets (arXiv 2001.00326).

`read_accuracy` returns the accuracy table with one row per training run and the published means. It
takes the five published files by catalogue name, as ``fetch_group("nasbench201", ...)`` returns
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.cells import arch_ids
from brpnas.datasets.nasbench201_files import Runs, read_benchmark
from brpnas.datasets.schemas import ACCURACY, accuracy_rows, validate

__all__ = ["EPOCHS", "SEEDS", "read_accuracy"]

SEEDS: tuple[int, ...] = (777, 888, 999)
"""Training seeds of the benchmark."""

EPOCHS = 200

_HALF = {"cifar100": 5000, "imagenet16-120": 3000}
"""Images in the validation half, equal to the test half, of the published evaluation set."""


def read_accuracy(files: Mapping[str, Path]) -> pd.DataFrame:
    """Read the published accuracies into an accuracy table.

    Three kinds of rows:

    - ``valid``: validation accuracy of each of the 39,419 runs on each data set.
    - ``test`` with a seed (not CIFAR-10): test accuracy of the same runs. It is computed from the
      published accuracy on the union of the equally large halves: test = 2 * union - valid, rounded
      to whole images.
    - ``test`` without a seed: the published mean over the runs of a cell.

    The files contain no seeds: the first, second and third run of a cell get 777, 888 and 999, also
    for cells with two runs. CIFAR-10's validation runs train on half of the training set, its test
    means come from runs on all of it. Training time is one figure per cell for all seeds, scaled
    from CIFAR-10 by 2 to CIFAR-100 and by 6.068 to ImageNet16-120.

    Args:
        files: Path of each published file by its name in the catalogue.

    Returns:
        Accuracy table ordered by data set, split (means last), ``arch_id`` and seed.

    Raises:
        SourceError: If a file is missing, corrupt, or inconsistent with the others.
        UnsafePickleError: If a pickle contains more than numbers.
        SchemaError: If an accuracy is impossible.
    """
    benchmark = read_benchmark(files)
    names = arch_ids(benchmark.numbers)
    rank = np.argsort(np.argsort(names.astype(str)))
    parts = []
    for dataset, runs in benchmark.runs.items():
        order = np.lexsort((runs.run, rank[runs.cell]))
        cells, seeds = names[runs.cell[order]], np.array(SEEDS)[runs.run[order]]
        time = runs.train_time_s[order]
        known: dict[str, Any] = {"epochs": EPOCHS, "seeds": seeds, "train_time_s": time}
        parts.append(accuracy_rows(cells, dataset, "valid", runs.valid[order] / 100, **known))
        if dataset in _HALF:
            test = _test_half(runs, _HALF[dataset])[order]
            parts.append(accuracy_rows(cells, dataset, "test", test, **known))
        by_name = np.argsort(rank)
        means = runs.test_mean[by_name] / 100
        parts.append(accuracy_rows(names[by_name], dataset, "test", means, epochs=EPOCHS))
    origin = "NAS-Bench-201 as published"
    return validate(pd.concat(parts, ignore_index=True), ACCURACY, origin=origin)


def _test_half(runs: Runs, images: int) -> npt.NDArray[np.float64]:
    """Test accuracy of each run as a fraction, shape ``[R]``."""
    share = (2 * runs.evaluated - runs.valid) / 100
    whole: npt.NDArray[np.float64] = np.rint(share * images) / images
    return whole
