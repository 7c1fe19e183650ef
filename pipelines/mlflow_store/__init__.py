"""The store of MLflow: runs and registered models, opened before MLflow sees it.

`open_store` turns the section of ``mlflow.yml`` into addresses valid in every folder, and makes the
store usable. A local store is created atomically and follows the project when it is moved or
copied; an old or damaged one is an error of one paragraph. A server must answer.
``python -m pipelines.mlflow_store`` opens the store and prints its address.
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
