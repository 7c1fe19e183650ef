"""Registration: a challenger becomes the newest version of its model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from brpnas.datasets import MEASURED
from pipelines.registry.bundle import bundle
from pipelines.registry.challenger import Challenger
from pipelines.registry.lock import locked
from pipelines.registry.versions import CHALLENGER, without_progress_bars

__all__ = ["register"]

_ABOUT = {
    "accuracy": "Scores that rank architectures by their accuracy on one data set.",
    **{
        metric.kind: f"{metric.title} in {metric.unit} of architectures on one device."
        for metric in MEASURED.values()
    },
}


def register(challenger: Challenger) -> str:
    """Register a challenger as a version with the alias ``challenger``; returns the version.

    It is logged in the active run, or in a new one. Nothing is judged here: even a bad challenger
    becomes a version, so its refusal can be recorded with it.
    """
    without_progress_bars()
    client = MlflowClient()
    _ensure_model(client, challenger)
    with _run(challenger.name) as run_id, bundle(challenger) as arguments:
        name = challenger.name.replace(
            ".", "-"
        )  # a logged model, unlike a registered one, has no dot
        logged = mlflow.pyfunc.log_model(name=name, **arguments)
    with locked(client, challenger.name):  # of two at once, the challenger is the later version
        created = client.create_model_version(
            challenger.name,
            logged.model_uri,
            run_id=run_id,
            tags=challenger.all_tags(),
            description=f"{len(challenger.test)} test rows. Not judged yet: "
            f"`brpnas promote {challenger.name}`.",
            model_id=logged.model_id,
        )
        version = str(created.version)
        client.set_registered_model_alias(challenger.name, CHALLENGER, version)
    return version


def _ensure_model(client: MlflowClient, challenger: Challenger) -> None:
    about = f"{_ABOUT[challenger.kind]} Aliases: `challenger`, the newest; `champion`, in use."
    try:
        client.create_registered_model(challenger.name, {"brpnas.kind": challenger.kind}, about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


@contextmanager
def _run(name: str) -> Iterator[str]:
    """Id of the active run, or of one for the block."""
    active = mlflow.active_run()
    if active is not None:
        yield active.info.run_id
        return
    with mlflow.start_run(run_name=f"register {name}") as run:
        yield run.info.run_id
