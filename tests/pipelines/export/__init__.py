"""Tests of `pipelines.export`."""
