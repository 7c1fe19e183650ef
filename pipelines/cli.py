"""`kedro run` of this project: Kedro's own, with one-paragraph errors for users.

Kedro prefers the commands in this module to its own. An error of `brpnas.errors`, also wrapped by
Kedro, of the MLflow store or of the machine is printed last, without a traceback, and the exit code
is 1 (`PENDING` for a search waiting for answers). All other errors keep their traceback; with
``BRPNAS_TRACEBACK`` set, these do too. SIGTERM ends a run like Ctrl-C, with the exit code
`TERMINATED`; the end of the parent `dvc` does the same. A run works in the folder of the project,
started from any folder, so every relative path of the configuration starts there.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
import mlflow
import yaml
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import LOGGING
from kedro.framework.startup import ProjectMetadata

from brpnas import surroundings
from brpnas.errors import AnswersPendingError, BrpNasError, UnknownNameError
from pipelines import mlflow_store
from pipelines.environments import chosen_environment
from pipelines.explain import own_error
from pipelines.mlflow_store.hooks import end_runs
from pipelines.pipeline_registry import LazyPipelines
from pipelines.provenance import end_with_dvc

__all__ = ["PENDING", "TERMINATED", "cli"]

PENDING = 75
"""Exit code of a run waiting for external answers: try again later (EX_TEMPFAIL)."""

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a run ended by SIGTERM, as in shells."""


_GRACE_S = 5.0
_LAST_GRACE_S = 2.0


class _Terminated(KeyboardInterrupt):
    """SIGTERM was received. Like Ctrl-C, it passes handlers for the errors of a task."""


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let SIGTERM stop the worker processes and raise; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watchdogs: list[threading.Timer] = []

    def terminate(number: int, frame: FrameType | None) -> None:
        # Pools wait for the tasks of their workers, and the workers did not get the signal.
        for process in multiprocessing.active_children():
            process.kill()
        run = mlflow.active_run()
        watchdogs.append(threading.Timer(_GRACE_S, _give_up, [run.info.run_id if run else None]))
        watchdogs[-1].daemon = True
        watchdogs[-1].start()
        raise _Terminated

    former = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
        for watchdog in watchdogs:
            watchdog.cancel()


def _give_up(run_id: str | None) -> None:
    """End the process if the main thread is stuck during its exit.

    Python before 3.11.5 may wait forever for a pool with killed workers. After SIGTERM the sender
    sends SIGKILL, in containers after 10 seconds.
    """
    threading.Timer(_LAST_GRACE_S, os._exit, [TERMINATED]).start()
    try:
        if run_id is not None:
            mlflow.MlflowClient().set_terminated(run_id, "KILLED")
        click.echo("Terminated!", err=True)
    finally:
        os._exit(TERMINATED)


def _purposeful(error: BaseException) -> BrpNasError | None:
    """First error of this project in the chain of causes, or one for the store or the machine."""
    return own_error(error) or mlflow_store.explained(error) or surroundings.explained(error)


def _enter(root: Path) -> None:
    """Work in the folder of the project; Kedro looks for its logging in the start folder."""
    file = root / "conf" / "logging.yml"
    elsewhere = not Path("conf", file.name).exists()
    os.chdir(root)
    if elsewhere and file.exists() and not os.environ.get("KEDRO_LOGGING_CONFIG"):
        LOGGING.configure(yaml.safe_load(file.read_text("utf-8")))


def _check_names(context: click.Context) -> None:
    """Check the pipelines and the environment named by the command line or a variable.

    Raises:
        UnknownNameError: If one is unknown.
    """
    known = LazyPipelines()
    one = context.params.get("pipeline")
    for name in [one] if one else context.params.get("pipelines") or []:
        if name not in list(known):
            raise UnknownNameError("pipeline", name, known)
    if isinstance(context.obj, ProjectMetadata) and not context.params.get("conf_source"):
        chosen_environment(context.obj.project_path / "conf", context.params.get("env"))


class RunCommand(click.Command):
    """Kedro's `run` with readable errors."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the pipeline."""
        surroundings.open_streams()
        if isinstance(ctx.obj, ProjectMetadata):
            _enter(ctx.obj.project_path)
        with _sigterm_raises():
            end_with_dvc()
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            _check_names(ctx)
            return super().invoke(ctx)
        except _Terminated:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it may come twice, as from `timeout`
            end_runs("KILLED")
            click.echo("Terminated!", err=True)
            ctx.exit(TERMINATED)
        except KeyboardInterrupt:
            end_runs("KILLED")
            raise
        except Exception as error:
            end_runs("FAILED")
            purposeful = _purposeful(error)
            if purposeful is None or os.environ.get("BRPNAS_TRACEBACK"):
                raise
            notes = getattr(purposeful, "__notes__", [])
            failure = click.ClickException(" ".join([str(purposeful), *notes]))
            if isinstance(purposeful, AnswersPendingError):
                failure.exit_code = PENDING
            raise failure from None


@click.group(name="brpnas")
def cli() -> None:
    """Commands of this project."""


def _options() -> list[click.Parameter]:
    """Options of Kedro's `run`; ``--params`` keeps texts as typed."""
    options = [copy.copy(option) for option in kedro_run.params]
    for option in options:
        if option.name == "params":
            option.callback = _read_params
    return options


def _read_params(context: click.Context, option: click.Parameter, given: Any) -> Any:
    if not given:
        return {}
    from pipelines.typed_params import read_params  # noqa: PLC0415 - only where there are any

    return read_params(context, option, given)


cli.add_command(
    RunCommand(name="run", params=_options(), callback=kedro_run.callback, help=kedro_run.help)
)
