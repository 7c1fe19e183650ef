"""The project's figures, each from one command: ``python -m benchmarks NAME``.

A benchmark is a module with its protocol as docstring, ``SEEDS`` (quick, and in full) and ``run``,
which returns the JSON object. ``make benchmark`` runs them all; ``render`` writes README.md,
docs/results.md and their pictures. `benchmarks.data` holds inputs that they share,
`benchmarks.figures` means and tests, `benchmarks.tables` the tables, `benchmarks.tasks` makes long
ones resumable, `benchmarks.published` holds the paper's recipes, `benchmarks.anchors` the targets.
"""
