"""Names of data sets, readable without their tables."""

from __future__ import annotations

__all__ = ["DATASETS", "EMBEDDED_DATASETS"]

DATASETS: tuple[str, ...] = ("cifar10", "cifar100", "imagenet16-120")
"""Data sets of NAS-Bench-201."""

EMBEDDED_DATASETS: tuple[str, ...] = ("digits",)
"""Data sets of the embedded benchmark."""
