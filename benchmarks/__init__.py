"""The project's figures, each from one command: ``python -m benchmarks NAME``.

Each states its protocol, prints a table, and ends with one line of JSON. ``make benchmark`` runs
them all; ``render`` writes README.md, docs/results.md and their pictures. `benchmarks.tasks` makes
the long ones resumable, `benchmarks.published` holds the paper's recipes to compare with,
`benchmarks.anchors` the targets.
"""
