"""Stage `ingest`: published files to validated tables."""

from pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
