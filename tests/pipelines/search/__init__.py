"""Tests of `pipelines.search`."""
