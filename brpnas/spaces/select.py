"""Which architectures to measure or to train: given ones, or a random sample.

`select_cells` draws nested samples: a larger sample contains the smaller ones, so earlier results
stay useful. `read_cells` reads architectures from a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brpnas.errors import BudgetError, SourceError
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.counting import size_of
from brpnas.spaces.reading import read_column
from brpnas.spaces.registry import DEFAULT_SPACE, get_space
from brpnas.tables import CELL, SUFFIXES, Finding, check, error, read_lines, read_raw

__all__ = ["read_cells", "select_cells"]

_TRIES = 1000
"""Draws without a new architecture after which an unlistable space counts as exhausted."""


def select_cells(
    count: int | None,
    *,
    among: Sequence[str] | None = None,
    distinct: bool = False,
    seed: int = 0,
    space: SearchSpace | str = DEFAULT_SPACE,
) -> list[str]:
    """Choose distinct architectures in random order.

    Args:
        count: How many; None for all.
        among: Architectures to choose from, without repeats; None for the whole space.
        distinct: Choose only the first architecture of each isomorphism class, in the order of the
            space, or of drawing if the space is too large to list.
        seed: Decides the order. A larger ``count`` extends the same order.
        space: The space or its name.

    Raises:
        ArchitectureError: If ``among`` holds an invalid architecture.
        BudgetError: If there are fewer than ``count``, or none, or all are requested of a space too
            large to list.

    Examples:
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
            f"ask for 1 to {len(known)}."
        )
    order = np.random.default_rng(seed).permutation(len(known))[:count]
    return [known[i] for i in order]


def _drawn(space: SearchSpace, count: int | None, distinct: bool, seed: int) -> list[str]:
    """Draw from a space too large to list, one by one: a joint draw would differ by count."""
    if count is None or not 1 <= count <= size_of(space):
        raise BudgetError(
            f"Cannot choose {'all' if count is None else count} of the {size_of(space):,} cells of "
            f"{space.name}: ask for a number from 1 to the memory's limit."
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
            f"first {len(found):,} repeated known ones."
        )
    return list(found.values())


def read_cells(
    path: Path, *, space: SearchSpace | str = DEFAULT_SPACE, notation: str | None = None
) -> list[str]:
    """Read architectures from a file.

    Args:
        path: A CSV or Parquet file with the column ``arch_id``, or any other text file with one
            architecture per line; empty lines and lines starting with ``#`` are ignored.
        space: The space or its name.
        notation: Notation of the file, see `SearchSpace.reader`; any notation of the space by
            default.

    Raises:
        SourceError: If the file is missing.
        IntakeError: If the file cannot be read, lacks the column, or a line is invalid; the report
            names the lines.
        UnknownNameError: If the space has no such notation.
    """
    if not path.exists():
        raise SourceError(f"The file of cells {path} does not exist (seen from {Path.cwd()}).")
    space = get_space(space)
    texts, lines, found = _texts(path)
    arch_ids, about = read_column(texts, lines, space.reader(notation))
    check(path, [*found, *about])
    return [arch_id for arch_id in arch_ids if arch_id is not None]


def _texts(path: Path) -> tuple[Sequence[str], Sequence[int], list[Finding]]:
    """Architectures as written, the line of each, and the findings about the file."""
    if path.suffix.lower() in SUFFIXES:
        raw, found = read_raw(path, (CELL,))
        found = [finding for finding in found if finding.kind != "unknown column"]
        if raw is None or CELL.name not in raw.texts:
            return (), (), found
        return raw.texts[CELL.name], raw.lines, found
    rows, found = read_lines(path)
    if not rows and not found:
        message = "the file holds comments only."
        found = [error("no rows", message, "Write one cell per line.")]
    return [text for _, text in rows], [line for line, _ in rows], found
