"""Work and text of ``brpnas devices suggest``: cells to measure first on a new device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from brpnas.cli.text import table
from brpnas.datasets import held_out
from brpnas.datasets.holdout import TEST_SHARE
from brpnas.devices import read_device_table
from brpnas.errors import BudgetError, SourceError
from brpnas.predictors.transfer import DevicePrior, shipped_prior, suggest_rows
from brpnas.spaces import DEFAULT_SPACE, opened_space

__all__ = ["as_text", "suggest", "write"]

_SAMPLE = 5000
"""Random architectures of a space too large to list, to choose among."""


def suggest(
    count: int,
    *,
    test: int = 0,
    measured: Path | None = None,
    prior: Path | None = None,
    seed: int = 0,
    notation: str | None = None,
    test_share: float = TEST_SHARE,
    space: str = DEFAULT_SPACE,
) -> pd.DataFrame:
    """Cells to measure: first the training cells, most informative first, then the test cells.

    Args:
        count: Number of training cells.
        test: Number of test cells, drawn at random from the held-out ones.
        measured: File of known latencies of the device.
        prior: File of a prior; None for the packaged one.
        seed: Seed of the comparison set and of the test cells.
        notation: Notation of the cells of that file, see `SearchSpace.reader`.
        test_share: Share of the cells that are held out.
        space: Space of the packaged prior. A file names its own.

    Returns:
        ``arch_id`` and ``use`` (``learn`` or ``test``). Measured cells and cells without a path
        from input to output are left out.

    Raises:
        BudgetError: If too few cells are left.
        IntakeError: If the file of latencies is refused.
        SchemaError: If the file of the prior is invalid.
    """
    known = shipped_prior(space) if prior is None else DevicePrior.load(prior)
    opened = opened_space(known.space, prior or "The prior that ships")
    names = opened.listed(np.random.default_rng(seed), _SAMPLE)
    taken: list[str] = []
    if measured is not None:
        known_rows = read_device_table(measured, opened, least=1, notation=notation).table
        taken = known_rows["arch_id"].tolist()
    graphs = opened.graphs(list(dict.fromkeys([*names, *taken])))
    done = graphs.rows(taken)
    open_rows = np.flatnonzero(graphs.view("pruned").connected)
    held = held_out([graphs.arch_ids[row] for row in open_rows], test_share)
    learn = suggest_rows(
        known.features.of(graphs.views),
        count,
        among=open_rows[~held],
        measured=done,
        seed=seed,
    )
    testable = np.setdiff1d(open_rows[held], done)
    if test > len(testable):
        raise BudgetError(f"Only {len(testable)} cells are left to test on, not {test}.")
    drawn = np.random.default_rng(seed).permutation(testable)[:test]
    return pd.DataFrame(
        {
            "arch_id": [graphs.arch_ids[row] for row in (*learn, *drawn)],
            "use": ["learn"] * len(learn) + ["test"] * len(drawn),
        }
    )


def as_text(rows: pd.DataFrame) -> str:
    """Table of the cells."""
    columns = ["use", "arch_id"]
    return table(columns, [[str(row[name]) for name in columns] for _, row in rows.iterrows()])


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write a file to fill in, in the format of a device's intake.

    Raises:
        SourceError: If the file exists.
    """
    if path.exists():
        raise SourceError(f"{path} exists and may hold measurements: give another name.")
    rows[["arch_id"]].assign(latency_ms="").to_csv(path, index=False)
