"""Tests of the Kedro application; the folders mirror `pipelines`."""
