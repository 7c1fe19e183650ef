"""Tests of `pipelines.train`."""
