"""Stage `pretrain`: latency tables of all devices to what they teach about a new one."""

from pipelines.pretrain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
