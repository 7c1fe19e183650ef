"""Targets: where networks are timed. Every target uses `brpnas.measure.runner` or its rows."""

from brpnas.measure.targets.base import Row, Target

__all__ = ["Row", "Target"]
