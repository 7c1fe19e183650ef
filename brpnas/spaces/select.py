"""Which cells to measure or to train: given ones, or some at random.

`select_cells` draws so that more cells are a superset of fewer, and what was done stays of use;
`read_cells` reads them from a file. A cell is an architecture of any space.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brpnas.errors import BudgetError, SourceError
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.reading import read_column
from brpnas.spaces.registry import DEFAULT_SPACE, get_space
from brpnas.tables import CELL, SUFFIXES, Finding, check, error, read_lines, read_raw

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


def read_cells(
    path: Path, *, space: SearchSpace | str = DEFAULT_SPACE, notation: str | None = None
) -> list[str]:
    """Read cells from a file.

    Args:
        path: A CSV or Parquet file with the column ``arch_id``, or any other text file with one
            cell per line; empty lines and those that begin with ``#`` are left out.
        space: What the cells are of, or its name.
        notation: How they are written, see `SearchSpace.reader`; by default in any of the space's
            own notations.

    Raises:
        SourceError: If there is no such file.
        IntakeError: If it cannot be read, has no such column, or a line is not a cell; the report
            names the lines.
        UnknownNameError: If the space has no such notation.
    """
    if not path.exists():
        raise SourceError(f"There is no file of cells {path} (seen from {Path.cwd()}).")
    space = get_space(space)
    texts, lines, found = _texts(path)
    arch_ids, about = read_column(texts, lines, space.reader(notation))
    check(path, [*found, *about])
    return [arch_id for arch_id in arch_ids if arch_id is not None]


def _texts(path: Path) -> tuple[Sequence[str], Sequence[int], list[Finding]]:
    """Cells as they are written, where each stands, and what is wrong with the file."""
    if path.suffix.lower() in SUFFIXES:
        raw, found = read_raw(path, (CELL,))
        found = [finding for finding in found if finding.kind != "unknown column"]
        if raw is None or CELL.name not in raw.texts:
            return (), (), found
        return raw.texts[CELL.name], raw.lines, found
    rows, found = read_lines(path)
    if not rows and not found:
        message = "there are comments and no cell."
        found = [error("no rows", message, "Write one cell per line.")]
    return [text for _, text in rows], [line for line, _ in rows], found
