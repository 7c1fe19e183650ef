"""Stage `retrain`: the table of a device to a registered predictor of it."""

from pipelines.retrain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
