"""Fan-out: independent tasks on this process, on local processes, or on a cluster.

`get_engine` chooses. Measuring and training hand their tasks to an `Engine` and store each result
the moment it arrives. A `TaskRun` takes further tasks while others run.
"""

from __future__ import annotations

from brpnas.errors import ConfigurationError
from brpnas.fanout.cluster import DaskEngine
from brpnas.fanout.engine import Engine, SerialEngine, TaskRun
from brpnas.fanout.local import LocalEngine

__all__ = ["DaskEngine", "Engine", "LocalEngine", "SerialEngine", "TaskRun", "get_engine"]


def get_engine(
    workers: int = 1,
    scheduler: str | None = None,
    retries: int = 2,
    *,
    resource: str | None = None,
) -> Engine:
    """The engine for a configuration.

    Args:
        workers: Processes on this machine; 1 runs in this process. Ignored with a scheduler.
        scheduler: Address of a Dask scheduler, as ``tcp://10.0.0.1:8786``, to use its workers.
        retries: Retries of a task after its worker died.
        resource: Resource of a Dask worker that a task needs, see `DaskEngine`; only with a
            scheduler.

    Raises:
        ConfigurationError: If a number is out of range, or the scheduler cannot be used.
    """
    for name, value, least in (("workers", workers, 1), ("retries", retries, 0)):
        if value < least:
            raise ConfigurationError(f"{name} must be {least} or more, not {value}.")
    if scheduler:
        return DaskEngine(scheduler, retries, resource=resource)
    if resource:
        raise ConfigurationError(
            f"The resource {resource!r} is of Dask workers: give a scheduler, or no resource."
        )
    return SerialEngine() if workers == 1 else LocalEngine(workers, retries)
