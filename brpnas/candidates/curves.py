"""Learning curves of training jobs as a table."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from brpnas.candidates.batch import JobRecord
from brpnas.datasets.schemas import CURVES, validate

__all__ = ["curve_table"]


def curve_table(runs: Iterable[JobRecord], dataset: str) -> pd.DataFrame:
    """Validation accuracy after each epoch, a row for each epoch of a successful job.

    Records older than curves have no rows.

    Args:
        runs: Records of jobs.
        dataset: Name of the data set.
    """
    rows = [
        (run.arch_id, dataset, run.seed, epoch, accuracy)
        for run in runs
        for epoch, accuracy in enumerate(run.curve or (), start=1)
    ]
    text = dict.fromkeys(("arch_id", "dataset"), "str")  # if empty too
    table = pd.DataFrame(rows, columns=list(CURVES.columns)).astype(text)
    return validate(table, CURVES, origin="the curves of training jobs")
