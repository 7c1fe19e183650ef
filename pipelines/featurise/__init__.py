"""Stage `featurise`: architectures to graphs."""

from pipelines.featurise.pipeline import create_pipeline

__all__ = ["create_pipeline"]
