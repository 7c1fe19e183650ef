"""Tests of the project; the folders mirror `brpnas` and `pipelines`."""
