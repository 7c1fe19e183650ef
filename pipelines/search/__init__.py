"""Stage `search`: the most accurate architecture within the constraints."""

from pipelines.search.pipeline import create_pipeline

__all__ = ["create_pipeline"]
