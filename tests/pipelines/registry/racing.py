"""One of several processes registering and promoting in one store; run by `test_races`.

Usage: ``python -m tests.pipelines.registry.racing STORE ERROR...``
"""

from __future__ import annotations

import sys

import mlflow

from pipelines.registry import promote, register
from tests.pipelines.registry.toys import NAME, challenger, config


def main(store: str, errors: list[float]) -> None:
    """Register a challenger of each error and promote the newest one."""
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("registry")
    for error in errors:
        register(challenger(error))
        promote(NAME, config(resamples=200))


if __name__ == "__main__":
    main(sys.argv[1], [float(text) for text in sys.argv[2:]])
