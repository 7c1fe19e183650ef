"""The blocks of an FBNet architecture: 22 codes, and the canonical string.

`block_codes` and `to_strings` translate between strings and codes. A layer holds one of nine
`BLOCKS`: an inverted residual of kernel k and expansion e, in two groups if it ends in g2, or
`skip`. Layers form seven stages; `STAGES` holds their numbers of layers. The first layer of a stage
changes the number of channels, except in the first stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError, did_you_mean

__all__ = [
    "BLOCKS",
    "LAYERS",
    "SHAPES",
    "SKIP",
    "STAGES",
    "STAGE_OF",
    "Int8Array",
    "Shape",
    "block_codes",
    "malformed",
    "skips_last",
    "to_strings",
]

Int8Array = npt.NDArray[np.int8]


class Shape(NamedTuple):
    """Kernel, expansion and groups of a block with convolutions."""

    kernel: int
    expansion: int
    groups: int


BLOCKS: tuple[str, ...] = (
    "k3_e1",
    "k3_e1_g2",
    "k3_e3",
    "k3_e6",
    "k5_e1",
    "k5_e1_g2",
    "k5_e3",
    "k5_e6",
    "skip",
)
"""Block of each code, 0 to 8, by its published name and in the published order."""
SKIP = BLOCKS.index("skip")
SHAPES: tuple[Shape, ...] = tuple(
    Shape(kernel, expansion, groups)
    for kernel in (3, 5)
    for expansion, groups in ((1, 1), (1, 2), (3, 1), (6, 1))
)
"""Shape of each block except `skip`."""
STAGES: tuple[int, ...] = (1, 4, 4, 4, 4, 4, 1)
"""Layers of each stage."""
LAYERS = sum(STAGES)
STAGE_OF: tuple[int, ...] = tuple(
    stage for stage, layers in enumerate(STAGES) for _ in range(layers)
)
"""Stage of each layer."""

_SEPARATOR = "-"
_CODES = {name: code for code, name in enumerate(BLOCKS)}
_EXAMPLE = _SEPARATOR.join(("k3_e1", *("k3_e6", "skip", "k5_e3", "k5_e1_g2") * 5, "k5_e6"))


def block_codes(arch_ids: Sequence[str]) -> Int8Array:
    """Codes of the layers of canonical strings, shape ``[N, 22]``.

    Raises:
        ArchitectureError: If a string is malformed; names the wrong part.
    """
    return np.array([_read(text) for text in arch_ids], np.int8).reshape(-1, LAYERS)


def to_strings(codes: npt.NDArray[np.integer]) -> list[str]:
    """Canonical strings from the codes of their layers, ``[N, 22]``."""
    return [_SEPARATOR.join(BLOCKS[code] for code in row) for row in codes.tolist()]


def skips_last(codes: Int8Array) -> Int8Array:
    """Move skips behind the other blocks of their stage, among its layers of equal shape.

    There a skip is the identity, so the moved architecture computes the same function; the codes
    have the shape ``[N, 22]``. The first layer of a stage stays.
    """
    moved = codes.copy()
    end = 0
    for layers in STAGES:
        start, end = end + 1, end + layers
        inner = codes[:, start:end]
        order = np.argsort(inner == SKIP, axis=1, kind="stable")
        moved[:, start:end] = np.take_along_axis(inner, order, axis=1)
    return moved


def malformed(text: str, why: str) -> ArchitectureError:
    """The error about a text that is not an architecture, with the reason."""
    end = "" if why.endswith("?") else "."
    return ArchitectureError(
        f"{text!r} is not an FBNet architecture: {why.rstrip('.')}{end} Write {LAYERS} of "
        f"{', '.join(BLOCKS)}, joined by dashes, as in {_EXAMPLE}"
    )


def _read(text: str) -> list[int]:
    names = text.strip().split(_SEPARATOR)
    if unknown := [name for name in names if name not in _CODES]:
        hint = did_you_mean(unknown[0], BLOCKS)
        raise malformed(text, f"unknown block {unknown[0]!r}.{hint}")
    if len(names) != LAYERS:
        raise malformed(text, f"it has {len(names)} blocks and needs {LAYERS}")
    return [_CODES[name] for name in names]
