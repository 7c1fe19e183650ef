"""A model evaluated on test rows.

`EvaluatedModel` is one side of a comparison. `flaws` lists its reasons to be unfit for any.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brpnas.errors import SchemaError
from brpnas.promotion.gates import Kind

__all__ = ["EvaluatedModel", "check_rows", "flaws"]


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """A model with its predictions on test rows.

    Args:
        name: Name in the record, such as ``version 3``.
        rows: ``arch_id, true, predicted`` and, with intervals, ``lower, upper``; in the unit of the
            metric. One row per architecture.
        parity: Largest error of the ONNX file against torch; None if unknown.
        tolerance: Largest error allowed.
        judged: Test architectures of its registration; None for those of ``rows``.
        coverage: Nominal coverage of its intervals; None without intervals.

    Raises:
        SchemaError: If a column is missing or not numeric, or an architecture is repeated.
    """

    name: str
    rows: pd.DataFrame
    parity: float | None
    tolerance: float
    judged: Collection[str] | None = None
    coverage: float | None = None

    def __post_init__(self) -> None:
        check_rows(self.rows, self.name)

    @property
    def judged_on(self) -> frozenset[str]:
        """Test architectures of its registration."""
        return frozenset(self.rows["arch_id"] if self.judged is None else self.judged)


def check_rows(rows: pd.DataFrame, name: str) -> None:
    """Check the table of test rows; NaN is left to `flaws`.

    Raises:
        SchemaError: If a column is missing or not numeric, or an architecture is repeated.
    """
    missing = [c for c in ("arch_id", "true", "predicted") if c not in rows]
    if missing:
        raise SchemaError(
            f"The test rows of {name} lack {', '.join(missing)}: arch_id, true, predicted."
        )
    numbers = [c for c in ("true", "predicted", "lower", "upper") if c in rows]
    wrong = [c for c in numbers if not pd.api.types.is_numeric_dtype(rows[c])]
    if wrong:
        raise SchemaError(f"The test rows of {name} hold no numbers in {', '.join(wrong)}.")
    repeated = rows.loc[rows["arch_id"].duplicated(), "arch_id"]
    if len(repeated):
        raise SchemaError(
            f"The test rows of {name} hold {len(repeated)} architecture(s) more than once, first "
            f"{repeated.iloc[0]!r}: keep one row of each."
        )


def flaws(model: EvaluatedModel, kind: Kind) -> list[str]:
    """Reasons of a model to be unfit for any comparison, in sentences."""
    if not len(model.rows):
        return ["It has no test rows."]
    found = []
    for column, words in (("predicted", "It predicts"), ("true", "Its test rows hold")):
        values = model.rows[column].to_numpy(np.float64)
        numbers = np.isfinite(values)
        if not numbers.all():
            found.append(f"{words} NaN or infinity for {int((~numbers).sum())} test row(s).")
        if kind != "accuracy" and (values[numbers] <= 0).any():
            bad = int((values[numbers] <= 0).sum())
            found.append(f"{words} a value of 0 or less for {bad} test row(s).")
    if model.parity is None or math.isnan(model.parity):
        found.append("Its parity error against torch is unknown.")
    elif not model.parity <= model.tolerance:
        found.append(
            f"Its ONNX file differs from torch by {model.parity:.1e}, more than the "
            f"{model.tolerance:.1e} allowed."
        )
    return found
