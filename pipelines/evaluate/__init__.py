"""Stage `evaluate`: metrics, plots and the report."""

from pipelines.evaluate.pipeline import create_pipeline

__all__ = ["create_pipeline"]
