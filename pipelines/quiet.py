"""Warnings of packages underneath that no user of this project can act upon.

MLflow puts a filter of its own in front of all others, so these are dropped where Python shows
warnings. Everything else is shown as before.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

__all__ = ["USELESS", "quieten"]

USELESS = (
    # MLflow to authors of models: kedro-mlflow has a model without type hints, and so has the
    # registry, on purpose (pipelines/registry/served.py).
    re.compile(r"Add type hints to the `predict` method"),
)
"""Parts of messages that are not shown, each with its reason beside it."""


def quieten() -> None:
    """Have Python show warnings as now, without those of `USELESS`."""
    show = warnings.showwarning

    def shown_if_useful(message: Warning | str, *arguments: Any, **named: Any) -> None:
        if not any(pattern.search(str(message)) for pattern in USELESS):
            show(message, *arguments, **named)

    warnings.showwarning = shown_if_useful
