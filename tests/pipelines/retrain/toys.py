"""Rows of a device with a few dozen measured cells, and parameters for runs of seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from brpnas.datasets import read_embedded_latency

BASE = Path(__file__).parents[3] / "conf" / "base"
_VALUES: dict[str, dict[str, Any]] = yaml.safe_load((BASE / "parameters_retrain.yml").read_text())
PARAMS, ADAPTATION = _VALUES["retrain"], _VALUES["adaptation"]
QUICK = ADAPTATION | {"steps": 15, "workers": 1, "network_rows": 100_000}
SHIPPED = "amd-epyc-torch-fp32-1t"
"""The device of these rows; the shipped prior knows it."""
SHARE = 0.2


def table(rows: int) -> pd.DataFrame:
    """Some measured cells; those of a smaller table are among those of a larger one."""
    shipped = read_embedded_latency(SHIPPED).sample(frac=1, random_state=0)
    return shipped[["arch_id", "latency_ms"]].head(rows).reset_index(drop=True)
