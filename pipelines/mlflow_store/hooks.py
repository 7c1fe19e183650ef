"""The store around every run: opened before kedro-mlflow uses it, with the process of the run."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import mlflow
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from pipelines.mlflow_store.opening import ensure_experiment, open_store
from pipelines.mlflow_store.processes import RunningProcess, end_dead_runs

__all__ = ["StoreHooks", "end_runs"]

_log = logging.getLogger(__name__)


class StoreHooks:
    """Opens the store; ends runs of dead processes, and a run that failed to start."""

    def __init__(self) -> None:
        self._tracked: tuple[str, str] | None = None
        self._process: RunningProcess | None = None

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Open the store, and give kedro-mlflow addresses valid in every folder.

        With a run already active, its store is used.

        Raises:
            TrackingError: If the store cannot be used.
        """
        if mlflow.active_run() is not None:
            return
        settings = open_store(Path(context.project_path), context.config_loader["mlflow"])
        context.config_loader["mlflow"] = settings
        store = settings["server"]["mlflow_tracking_uri"] or mlflow.get_tracking_uri()
        self._tracked = store, ensure_experiment(settings)

    @hook_impl(wrapper=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> Generator[None, Any, Any]:
        """Wrap the start of a run: it carries the name of its process from the start."""
        if self._tracked is None:
            return (yield)
        store, experiment = self._tracked
        root = Path(run_params["project_path"]).resolve()
        end_dead_runs(root, store)
        self._process = RunningProcess(root, store, experiment)
        try:
            with self._process.births():
                return (yield)
        except BaseException as error:
            end_runs("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
            self._close()
            raise

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Give up the lock of the process."""
        self._close()

    @hook_impl(wrapper=True)
    def on_pipeline_error(self) -> Generator[None, Any, Any]:
        """Wrap all hooks after a failure: the failure is raised, not an error of a hook.

        If the hooks fail, as without a store, the runs end here.
        """
        try:
            return (yield)
        except Exception as error:
            _log.warning("The failure of this run is not recorded: %s", _in_one_line(error))
            end_runs("FAILED")
            return []
        finally:
            self._close()

    def _close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def end_runs(status: str) -> None:
    """End the active runs; at exit, MLflow would mark them as finished.

    An error of the store is a warning here: the error of the run is more important.

    Args:
        status: ``FAILED`` or ``KILLED``.
    """
    while run := mlflow.active_run():  # kedro-mlflow starts the same run again at each node
        try:
            mlflow.end_run(status)  # no longer active from here on, even if the store refuses
        except Exception as error:
            said = _in_one_line(error)
            _log.warning("The run %s is not marked %s: %s", run.info.run_id, status, said)


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
