"""Stage `retrain`: from the table of a device to its registered predictor."""

from pipelines.retrain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
