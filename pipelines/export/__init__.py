"""Stage `export`: predictors and the found architecture as ONNX, with a model card."""

from pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
