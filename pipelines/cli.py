"""`kedro run` of this project: as Kedro's own, but errors made for users end it in one paragraph.

Kedro takes the commands in here before its own. An error of `brpnas.errors`, also where Kedro has
wrapped it, is printed as the last thing, without a traceback, and the exit code is 1 (`PENDING` for
a search that waits for answers). All other errors keep their traceback, and so do these if
``BRPNAS_TRACEBACK`` is set.
"""

from __future__ import annotations

import os
from typing import Any

import click
import mlflow
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.startup import ProjectMetadata

from brpnas.errors import AnswersPendingError, BrpNasError, UnknownNameError
from pipelines.pipeline_registry import LazyPipelines

__all__ = ["PENDING", "cli"]

PENDING = 75
"""Exit code of a run that waits for answers from outside: try again later (EX_TEMPFAIL)."""


def _purposeful(error: BaseException | None) -> BrpNasError | None:
    """First error of this project in the chain of causes."""
    while error is not None and not isinstance(error, BrpNasError):
        error = error.__cause__
    return error


def _check_names(context: click.Context) -> None:
    """Check the pipelines and the environment that the command line names.

    Raises:
        UnknownNameError: If one does not exist.
    """
    known = LazyPipelines()
    one = context.params.get("pipeline")
    for name in [one] if one else context.params.get("pipelines") or []:
        if name not in list(known):
            raise UnknownNameError("pipeline", name, known)
    env = context.params.get("env")
    if env and isinstance(context.obj, ProjectMetadata) and not context.params.get("conf_source"):
        folders = {path.name for path in (context.obj.project_path / "conf").iterdir()}
        environments = {name for name in folders if not name.startswith(".") and "." not in name}
        if env not in environments:
            raise UnknownNameError("environment", env, environments)


class RunCommand(click.Command):
    """Kedro's `run` with readable errors."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the pipeline."""
        try:
            _check_names(ctx)
            return super().invoke(ctx)
        except KeyboardInterrupt:
            mlflow.end_run("KILLED")  # at exit, MLflow would call it finished
            raise
        except Exception as error:
            purposeful = _purposeful(error)
            if purposeful is None or os.environ.get("BRPNAS_TRACEBACK"):
                raise
            failure = click.ClickException(str(purposeful))
            if isinstance(purposeful, AnswersPendingError):
                failure.exit_code = PENDING
            raise failure from None


@click.group(name="brpnas")
def cli() -> None:
    """Commands of this project."""


cli.add_command(
    RunCommand(
        name="run", params=kedro_run.params, callback=kedro_run.callback, help=kedro_run.help
    )
)
