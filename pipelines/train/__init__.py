"""Stage `train`: from latency tables to a latency predictor of one device."""

from pipelines.train.pipeline import create_pipeline

__all__ = ["create_pipeline"]
