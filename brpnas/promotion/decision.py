"""A decision with its reasons and figures, as tags and as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from brpnas.metrics import without_nan
from brpnas.promotion.gates import Kind

__all__ = ["Decision", "Verdict"]

Verdict = Literal["promoted", "kept", "refused"]
"""``promoted``: the challenger becomes champion. ``kept``: it is fit, but not better; the champion
stays. ``refused``: it is unfit."""

_LABELS = {
    "spearman": "Spearman",
    "kendall": "Kendall",
    "within_1": "within ±1 %",
    "within_5": "within ±5 %",
    "within_10": "within ±10 %",
    "mape": "mean relative error",
    "log_error": "mean absolute log error",
    "coverage": "coverage of the intervals",
    "calibration_error": "calibration error",
}
_TAG = 4000  # MLflow takes 5000 characters in every version


@dataclass(frozen=True)
class Decision:
    """The outcome of a promotion.

    Args:
        verdict: See `Verdict`.
        reasons: Reasons, in sentences.
        challenger: Name of the challenger.
        champion: Name of the champion; None if there was none.
        kind: Target of both.
        figures: Metrics of both, ``difference`` and its ``interval`` (None without a comparison),
            and the settings of the decision.
        notes: Skipped gates, in sentences.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    challenger: str
    champion: str | None
    kind: Kind
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def promote(self) -> bool:
        """Whether the challenger becomes champion."""
        return self.verdict == "promoted"

    def tags(self) -> dict[str, str]:
        """The decision as tags ``brpnas.decision*`` of the challenger."""
        difference, interval = self.figures.get("difference"), self.figures.get("interval")
        return {
            "brpnas.decision": self.verdict,
            "brpnas.decision.reasons": " ".join(self.reasons)[:_TAG],
            "brpnas.decision.against": self.champion or "no champion",
            "brpnas.decision.difference": "none" if difference is None else f"{difference:.6g}",
            "brpnas.decision.interval": "none"
            if interval is None
            else "[" + ", ".join(f"{end:.6g}" for end in interval) + "]",
            "brpnas.decision.rows": str(self.figures.get("rows", 0)),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON: numbers that are not finite become None."""
        named = ("verdict", "reasons", "challenger", "champion", "kind", "figures", "notes")
        found: dict[str, Any] = without_nan({name: getattr(self, name) for name in named})
        return found

    def to_json(self) -> str:
        """`as_dict` as text."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n"

    def record(self, model: str = "the model") -> str:
        """The decision as a Markdown page, with the name of the registered model."""
        against = f"against {self.champion}" if self.champion else "without a champion"
        parts = [
            f"# {model}: {self.challenger} {self.verdict}",
            f"{self.challenger.capitalize()} of {model}, {against}: **{self.verdict}**.",
            "\n".join(f"- {sentence}" for sentence in (*self.reasons, *self.notes)),
            self._metrics(),
            self._settings(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _metrics(self) -> str:
        sides = [("challenger", self.challenger), ("champion", self.champion)]
        columns = {str(title): self.figures[side] for side, title in sides if side in self.figures}
        names = [name for name in _LABELS if any(name in column for column in columns.values())]
        lines = [["on the same test rows", *columns], ["---"] * (len(columns) + 1)]
        for name in names:
            values = [_number(column.get(name)) for column in columns.values()]
            lines.append([_LABELS[name], *values])
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## Metrics\n\n{table}" if names else ""

    def _settings(self) -> str:
        plain = {k: v for k, v in self.figures.items() if not isinstance(v, Mapping)}
        gates = self.figures.get("gates") or {}
        lines = [f"- {key}: {_number(value)}" for key, value in plain.items()]
        lines += [f"- gate {key}: {_number(value)}" for key, value in gates.items()]
        return "## Figures and settings\n\n" + "\n".join(lines) if lines else ""


def _number(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return " to ".join(map(_number, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
