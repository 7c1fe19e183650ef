"""Stage `measure`: latency of cells on this machine, or on machines of a cluster."""

from pipelines.measure.pipeline import create_pipeline

__all__ = ["create_pipeline"]
