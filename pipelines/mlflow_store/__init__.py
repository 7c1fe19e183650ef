"""The store of MLflow: runs and registered models, opened before MLflow sees it.

`open_store` turns the section of ``mlflow.yml`` into addresses that hold in every folder, and
leaves behind a store that works: a local one is made at once or not at all, follows the project
when that is moved or copied, and ends in one paragraph if it is old or damaged; a server is asked
whether it is there. ``python -m pipelines.mlflow_store`` does so and prints the address.
"""

from pipelines.mlflow_store.locations import relocate
from pipelines.mlflow_store.opening import ensure_experiment, explained, open_store
from pipelines.mlflow_store.processes import RunningProcess, end_dead_runs

__all__ = [
    "RunningProcess",
    "end_dead_runs",
    "ensure_experiment",
    "explained",
    "open_store",
    "relocate",
]
