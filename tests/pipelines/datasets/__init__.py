"""Tests of `pipelines.datasets`."""
