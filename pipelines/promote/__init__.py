"""Stage `promote`: exported predictors to the registry, and challengers against champions."""

from pipelines.promote.pipeline import create_pipeline

__all__ = ["create_pipeline"]
