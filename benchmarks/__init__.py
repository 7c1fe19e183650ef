"""The project's figures, each from one command: ``python -m benchmarks NAME``.

``latency`` scores the latency predictor on LatBench, ``search`` the samplers on NAS-Bench-201,
``speed`` times every step and compares with the published recipe. Each states its protocol, prints
a table, and ends with one line of JSON.
"""
