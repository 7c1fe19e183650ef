"""Tests of the space NAS-Bench-101."""
