"""Tests of measuring: real networks, small enough to take milliseconds."""
