"""What ``brpnas devices suggest`` prints: the cells worth measuring first on a new device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.cli.text import table
from brpnas.datasets import held_out
from brpnas.devices import read_device_table
from brpnas.errors import BudgetError, SourceError
from brpnas.graphs import OUTPUT, GraphBatch
from brpnas.predictors.transfer import DevicePrior, shipped_prior, suggest_rows
from brpnas.spaces import opened_space

__all__ = ["as_text", "suggest", "write"]

_SPACE = "nasbench201"


def suggest(
    count: int,
    *,
    test: int = 0,
    measured: Path | None = None,
    prior: Path | None = None,
    seed: int = 0,
    notation: str | None = None,
) -> pd.DataFrame:
    """Cells to measure, those to learn from first, the most telling at the top.

    Args:
        count: Cells to learn from.
        test: Cells to test on, drawn at random from those that are held out.
        measured: File of latencies of the device that are known already.
        prior: File of a prior; None for the one that ships.
        seed: Decides what is compared, and the cells to test on.
        notation: How the cells of that file are written, see `SearchSpace.reader`.

    Returns:
        ``arch_id`` and ``use``, which is ``learn`` or ``test``. None is measured already, and each
        has a path from input to output.

    Raises:
        BudgetError: If there are not as many.
        IntakeError: If the file of latencies is refused.
        SchemaError: If the file of a prior is none.
    """
    known = shipped_prior(_SPACE) if prior is None else DevicePrior.load(prior)
    space = opened_space(known.space, prior or "The prior that ships")
    graphs = space.graphs()
    done = np.array([], np.int64)
    if measured is not None:
        known_rows = read_device_table(measured, space, least=1, notation=notation).table
        done = graphs.rows(known_rows["arch_id"].tolist())
    open_rows = np.flatnonzero(_connected(graphs.view("pruned")))
    held = held_out([graphs.arch_ids[row] for row in open_rows])
    learn = suggest_rows(
        known.settings,
        known.features.of(graphs.views),
        count,
        among=open_rows[~held],
        measured=done,
        seed=seed,
    )
    testable = np.setdiff1d(open_rows[held], done)
    if test > len(testable):
        raise BudgetError(f"Cannot suggest {test} of {len(testable)} cells to test on: fewer.")
    drawn = np.random.default_rng(seed).permutation(testable)[:test]
    return pd.DataFrame(
        {
            "arch_id": [graphs.arch_ids[row] for row in (*learn, *drawn)],
            "use": ["learn"] * len(learn) + ["test"] * len(drawn),
        }
    )


def _connected(pruned: GraphBatch) -> npt.NDArray[np.bool_]:
    """Whether a path leads from the input to the output of each cell, shape ``[N]``."""
    is_output = pruned.ops == OUTPUT
    into = pruned.adj[:, 1:, :].sum(axis=1)  # edges of the global node left out
    return np.asarray((np.where(is_output, into, 0).max(axis=1)) > 1)


def as_text(rows: pd.DataFrame) -> str:
    """Table of the cells."""
    columns = ["use", "arch_id"]
    return table(columns, [[str(row[name]) for name in columns] for _, row in rows.iterrows()])


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write a file to fill in, as the intake of a device reads it.

    Raises:
        SourceError: If there is such a file.
    """
    if path.exists():
        raise SourceError(f"{path} is there already, and what it holds is not to be lost.")
    rows[["arch_id"]].assign(latency_ms="").to_csv(path, index=False)
