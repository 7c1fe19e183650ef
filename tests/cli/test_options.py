from __future__ import annotations

from brpnas.cli.options import CELL, examples
from brpnas.spaces import NasBench201


def test_examples_stay_on_their_lines() -> None:
    assert examples("a b", "c").splitlines() == ["\b", "Examples:", "  a b", "  c"]


def test_the_cell_of_the_examples_is_quoted_for_the_shell_and_canonical() -> None:
    quote, cell, rest = CELL[0], CELL[1:-1], CELL[-1]
    assert quote == rest == "'"
    assert NasBench201().canonical(cell) == cell
