"""Marks of the rounds of a search: a colour and a shape each, shared by neighbouring rounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["RoundMark", "round_marks"]

_MARKS = {
    "sky": "circle",
    "green": "square",
    "orange": "diamond",
    "purple": "triangle",
    "blue": "inverted_triangle",
}


@dataclass(frozen=True)
class RoundMark:
    """Mark of one round or of successive ones.

    Attributes:
        label: Such as ``rounds 4 to 7``.
        rounds: Their numbers.
        colour: Name in `brpnas.report.palette.OKABE_ITO`.
        shape: ``circle``, ``square``, ``diamond``, ``triangle`` or ``inverted_triangle``.
    """

    label: str
    rounds: tuple[int, ...]
    colour: str
    shape: str


def round_marks(rounds: npt.NDArray[np.float64]) -> list[RoundMark]:
    """Give each round a mark; if there are more rounds than marks, neighbours share one.

    Args:
        rounds: Round of each query; NaN is ignored.

    Examples:
        >>> [mark.label for mark in round_marks(np.arange(7.0))]
        ['rounds 0 to 1', 'rounds 2 to 3', 'round 4', 'round 5', 'round 6']
    """
    numbers = np.unique(rounds[~np.isnan(rounds)]).astype(np.int64)
    groups = np.array_split(numbers, min(len(numbers), len(_MARKS))) if len(numbers) else []
    return [
        RoundMark(_label(group.tolist()), tuple(group.tolist()), colour, shape)
        for group, (colour, shape) in zip(groups, _MARKS.items(), strict=False)
    ]


def _label(rounds: list[int]) -> str:
    if len(rounds) == 1:
        return f"round {rounds[0]}"
    return f"rounds {rounds[0]} to {rounds[-1]}"
