"""The Pareto front of the last search as text."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from brpnas.cli.options import FrontFormat
from brpnas.cli.text import table
from brpnas.datasets.metrics import DeviceMetric
from brpnas.errors import BrpNasError, SchemaError

__all__ = ["FRONT", "as_text", "read_front"]

FRONT = Path("07_model_output/front.parquet")
"""File of the front in a workspace."""
_COLUMNS = "arch_id", "accuracy", "knee"


def read_front(workspace: Path) -> pd.DataFrame:
    """Read the front of the last search in a workspace.

    Raises:
        SchemaError: If the file is missing, unreadable, or another table.
    """
    path = workspace / FRONT
    if not path.exists():
        raise SchemaError(
            f"{path} does not exist: set several objectives in conf/local/parameters.yml, "
            "such as `objectives: [accuracy, -latency_ms]`, and search."
        )
    try:
        front = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path} cannot be read: {error} Search again.") from error
    missing = [name for name in _COLUMNS if name not in front]
    if missing:
        raise SchemaError(f"{path} lacks the column {missing[0]!r} of a front. Search again.")
    return front


def as_text(front: pd.DataFrame, form: FrontFormat) -> str:
    """The front as a table for reading, as CSV, or as a JSON list; a row per architecture.

    ``member`` numbers them from 1, the most accurate. In the table accuracies are percent, and
    ``*`` marks the knee.
    """
    front = front.copy()
    front.insert(0, "member", range(1, len(front) + 1))
    if form is FrontFormat.CSV:
        return front.to_csv(index=False).rstrip("\n")
    if form is FrontFormat.JSON:
        return json.dumps(json.loads(front.to_json(orient="records")), indent=2)
    shown = {"": ["*" if knee else "" for knee in front["knee"]]}
    for name in map(str, front.columns):
        if name in {"arch_id", "knee"}:
            continue
        title, scale = _title(name)
        shown[title] = [_number(scale * value) for value in front[name].tolist()]
    rows = list(zip(*shown.values(), front["arch_id"].tolist(), strict=True))
    return table([*shown, "architecture"], rows, right=list(shown))


def _title(name: str) -> tuple[str, float]:
    """Header of a column with its unit, and the factor of its values."""
    if name in {"accuracy", "answer"}:
        return f"{name}, %", 100.0
    try:
        metric = DeviceMetric.parse(name)
    except BrpNasError:
        return name, 1.0
    place = f" ({metric.device})" if metric.device else ""
    return f"{metric.about.title.lower()}{place}, {metric.about.unit}", 1.0


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.4g}"
