"""The project's figures, each from one command: ``python -m benchmarks NAME``.

Each benchmark states its protocol, prints a table and ends with one line of JSON.
``make benchmark`` runs them all; ``render`` writes README.md, docs/results.md and their pictures.
`benchmarks.tasks` makes long ones resumable, `benchmarks.published` holds the paper's recipes,
`benchmarks.anchors` the targets.
"""
