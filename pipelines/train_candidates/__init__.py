"""Stage `train_candidates`: accuracy of cells on images, by training them."""

from pipelines.train_candidates.pipeline import create_pipeline

__all__ = ["create_pipeline"]
