"""Stage `pretrain`: from latency tables of all devices to a prior for new devices."""

from pipelines.pretrain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
