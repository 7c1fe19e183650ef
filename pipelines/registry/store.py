"""Registration: a candidate becomes a version and the challenger of its model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from pipelines.registry.bundle import bundle
from pipelines.registry.candidate import Candidate
from pipelines.registry.lock import locked
from pipelines.registry.versions import CHALLENGER, without_progress_bars

__all__ = ["register"]

_ABOUT = {
    "latency": "Latency in ms of architectures on one device.",
    "accuracy": "Scores that rank architectures by their accuracy on one data set.",
}


def register(candidate: Candidate) -> str:
    """Register a candidate as a new version with the alias ``challenger``; returns the version.

    It is logged in the active run, or in a new one. Nothing is judged here: even a bad candidate
    becomes a version, so its refusal can be recorded with it.
    """
    without_progress_bars()
    client = MlflowClient()
    _ensure_model(client, candidate)
    with _run(candidate.name) as run_id, bundle(candidate) as arguments:
        name = candidate.name.replace(
            ".", "-"
        )  # a logged model, unlike a registered one, has no dot
        logged = mlflow.pyfunc.log_model(name=name, **arguments)
    with locked(client, candidate.name):  # of two at once, the challenger is the later version
        created = client.create_model_version(
            candidate.name,
            logged.model_uri,
            run_id=run_id,
            tags=candidate.all_tags(),
            description=f"{len(candidate.test)} test rows. Not judged yet: "
            f"`brpnas promote {candidate.name}`.",
            model_id=logged.model_id,
        )
        version = str(created.version)
        client.set_registered_model_alias(candidate.name, CHALLENGER, version)
    return version


def _ensure_model(client: MlflowClient, candidate: Candidate) -> None:
    about = f"{_ABOUT[candidate.kind]} Aliases: `challenger`, the newest; `champion`, in use."
    try:
        client.create_registered_model(candidate.name, {"brpnas.kind": candidate.kind}, about)
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
