"""Tests of `pipelines.ingest`."""
