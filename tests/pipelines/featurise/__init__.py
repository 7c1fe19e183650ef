"""Tests of `pipelines.featurise`."""
