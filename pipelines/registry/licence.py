"""The licence attached to every model."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

__all__ = ["licence_text"]


def licence_text() -> str:
    """Text of the project's licence, from its folder or from the installed package."""
    beside = Path(__file__).resolve().parents[2] / "LICENSE"
    if beside.is_file():
        return beside.read_text("utf-8")
    files = distribution("brpnas").files or []
    found = next(file for file in files if file.name == "LICENSE")
    return Path(str(found.locate())).read_text("utf-8")
