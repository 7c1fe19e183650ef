"""Parameters for repetitions of one check: the first runs by default, the others are slow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_of(values: Iterable[Any]) -> list[Any]:
    """The values, or tuples of values, as parameters; all but the first are marked slow."""
    first, *others = (value if isinstance(value, tuple) else (value,) for value in values)
    return [pytest.param(*first), *(pytest.param(*v, marks=pytest.mark.slow) for v in others)]
