"""Test rows with known true values, and models of a chosen error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from brpnas.promotion import EvaluatedModel


def rows(error: float = 0.05, count: int = 200, seed: int = 0) -> pd.DataFrame:
    """Latencies, and predictions off by a relative error drawn with this spread."""
    true = np.exp(np.random.default_rng(99).normal(1, 0.5, count))
    off = np.random.default_rng(seed).normal(0, error, count)
    arch_ids = [f"arch {i}" for i in range(count)]
    return pd.DataFrame({"arch_id": arch_ids, "true": true, "predicted": true * np.exp(off)})


def evaluated(
    table: pd.DataFrame | None = None, name: str = "version 2", **changed: Any
) -> EvaluatedModel:
    settings: dict[str, Any] = {"parity": 1e-7, "tolerance": 1e-5} | changed
    return EvaluatedModel(name, rows() if table is None else table, **settings)
