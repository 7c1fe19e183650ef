"""Which cells to measure or to train: given ones, or some at random.

`select_cells` draws so that more cells are a superset of fewer, and what was done stays of use;
`read_cells` reads them from a file. A cell is an architecture of any space.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from brpnas.errors import ArchitectureError, BudgetError, SchemaError, SourceError
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.registry import DEFAULT_SPACE, get_space

__all__ = ["read_cells", "select_cells"]

_TRIES = 1000
"""So many draws without a new cell, and a space that cannot be listed is taken to be empty."""


def select_cells(
    count: int | None,
    *,
    among: Sequence[str] | None = None,
    distinct: bool = False,
    seed: int = 0,
    space: SearchSpace | str = DEFAULT_SPACE,
) -> list[str]:
    """Choose distinct cells, in an order that tells nothing about them.

    Args:
        count: How many; None for all.
        among: Cells to choose from, repeated ones count once; None for the whole space.
        distinct: Choose among the first cell of each function alone, in the order of the space, or
            in the order of drawing where the space is too large to be listed.
        seed: Decides the order. The first of many are the same as few.
        space: What the cells are of, or its name.

    Raises:
        ArchitectureError: If one is not a cell.
        BudgetError: If there are fewer than ``count``, or none; or all are asked for of a space
            that is too large to be listed.

    Example:
        >>> select_cells(3) == select_cells(5)[:3]
        True
    """
    space = get_space(space)
    if among is None and not space.enumerable:
        return _drawn(space, count, distinct, seed)
    if among is None:
        known = space.enumerate()
    else:
        known = sorted({space.canonical(arch_id) for arch_id in among})
    if distinct:
        first: dict[str, str] = {}
        for arch_id, family in zip(known, space.isomorphism_ids(known), strict=True):
            first.setdefault(family, arch_id)
        known = list(first.values())
    if not known or (count is not None and not 1 <= count <= len(known)):
        raise BudgetError(
            f"Cannot choose {'all' if count is None else count} of {len(known)} different cells: "
            "ask for 1 or more, and no more than there are."
        )
    order = np.random.default_rng(seed).permutation(len(known))[:count]
    return [known[i] for i in order]


def _drawn(space: SearchSpace, count: int | None, distinct: bool, seed: int) -> list[str]:
    """Cells of a space that cannot be listed, drawn one by one so that few are the first of many.

    Drawn together they would be others for every count.
    """
    if count is None or not 1 <= count <= len(space):
        raise BudgetError(
            f"Cannot choose {'all' if count is None else count} of the {len(space):,} cells of "
            f"{space.name}: ask for 1 or more, and for no more than can be kept."
        )
    rng = np.random.default_rng(seed)
    found: dict[str, str] = {}
    useless = 0
    while len(found) < count and useless < _TRIES:
        (arch_id,) = space.sample(rng, 1)
        key = space.isomorphism_ids([arch_id])[0] if distinct else arch_id
        useless = useless + 1 if key in found else 0
        found.setdefault(key, arch_id)
    if len(found) < count:
        raise BudgetError(
            f"Cannot choose {count} different cells of {space.name}: {_TRIES:,} draws after the "
            f"first {len(found):,} brought no other."
        )
    return list(found.values())


def read_cells(path: Path, *, space: SearchSpace | str = DEFAULT_SPACE) -> list[str]:
    """Read cells from a file.

    Args:
        path: A CSV or Parquet file with the column ``arch_id``, or any other text file with one
            cell per line; empty lines and those that begin with ``#`` are left out.
        space: What the cells are of, or its name.

    Raises:
        SourceError: If there is no such file.
        SchemaError: If a table has no such column.
        ArchitectureError: If a line is not a cell; says which.
    """
    if not path.is_file():
        raise SourceError(f"There is no file of cells {path} (seen from {Path.cwd()}).")
    suffix = path.suffix.lower()
    if suffix in (".csv", ".parquet"):
        table = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
        if "arch_id" not in table:
            columns = ", ".join(map(str, table.columns))
            raise SchemaError(f"{path} has no column 'arch_id', only {columns}.")
        lines = [(number, str(text)) for number, text in enumerate(table["arch_id"], start=2)]
    else:
        texts = path.read_text(encoding="utf-8").splitlines()
        lines = [
            (number, text.strip())
            for number, text in enumerate(texts, start=1)
            if text.strip() and not text.startswith("#")
        ]
    space = get_space(space)
    return [_cell(text, f"{path}, line {number}", space) for number, text in lines]


def _cell(text: str, where: str, space: SearchSpace) -> str:
    try:
        return space.canonical(text)
    except ArchitectureError as error:
        raise ArchitectureError(f"{where}: {error}") from None
