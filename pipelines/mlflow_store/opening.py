"""From the section of ``mlflow.yml`` to a usable store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from brpnas.errors import TrackingError
from pipelines.mlflow_store.addresses import absolute, sqlite_file, without_password
from pipelines.mlflow_store.local import check_or_make
from pipelines.mlflow_store.locations import relocate
from pipelines.mlflow_store.processes import runs_go_on

__all__ = ["ensure_experiment", "explained", "open_store"]

_CONNECT_S, _ANSWER_S = 5.0, 30.0
_WORDS = ("databricks", "databricks-uc", "uc")
_UNSUPPORTED = "UnsupportedModelRegistryStoreURIException"
_RETRIES = "4"
"""Of a request, with pauses of half a minute together. By itself MLflow tries for 4.5 minutes."""


def open_store(root: Path, settings: Mapping[str, Any], *, write: bool = True) -> dict[str, Any]:
    """Make the configured store of a project usable.

    Args:
        root: Folder of the project; relative addresses start there.
        settings: Section ``mlflow`` of the configuration.
        write: Whether the store must be writable.

    Returns:
        The settings, with absolute addresses.

    Raises:
        TrackingError: If the store is old, damaged, not a file, or does not answer.
        LockedError: If it is not writable, or another process is creating it for minutes.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _RETRIES)
    root = root.resolve()
    server: Mapping[str, Any] = settings["server"]
    relative = _artifacts(settings)
    artifacts = root / relative if relative else None
    opened: dict[str, Any] = {}
    for key in ("mlflow_tracking_uri", "mlflow_registry_uri"):
        opened[key] = uri = absolute(root, server.get(key))
        if uri is None:
            continue
        file = sqlite_file(uri)
        if file is None:
            _reach(uri)
            continue
        check_or_make(file, artifacts or file.parent / "mlartifacts", write=write)
        own = artifacts is not None and file.is_relative_to(root)
        if own and relative and os.access(file, os.W_OK):
            relocate(file, relative, artifacts, partial(runs_go_on, root))
    changed = {**settings, "server": {**server, **opened}}
    if artifacts is None:
        return changed
    experiment = settings["tracking"]["experiment"]
    location = {**experiment["create_experiment_kwargs"], "artifact_location": artifacts.as_uri()}
    named = {**experiment, "create_experiment_kwargs": location}
    return {**changed, "tracking": {**settings["tracking"], "experiment": named}}


def ensure_experiment(settings: Mapping[str, Any]) -> str:
    """Create the experiment of opened settings, unless it exists.

    Args:
        settings: Result of `open_store`.

    Returns:
        Its id.
    """
    from mlflow import MlflowClient  # noqa: PLC0415 - it takes seconds
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    experiment = settings["tracking"]["experiment"]
    client = MlflowClient(tracking_uri=settings["server"]["mlflow_tracking_uri"])
    found = client.get_experiment_by_name(experiment["name"])
    if found is None:
        given = experiment.get("create_experiment_kwargs") or {}
        try:
            return client.create_experiment(experiment["name"], **given)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = client.get_experiment_by_name(experiment["name"])
    return str(found.experiment_id)


def explained(error: BaseException | None) -> TrackingError | None:
    """One paragraph for an error of MLflow or its database; None for other errors.

    None for a malformed request too: it is a bug of this project and keeps its traceback.

    Args:
        error: An error; its causes are considered too.
    """
    while error is not None:
        names = {kind.__name__ for kind in type(error).__mro__}
        if {"MlflowException", "SQLAlchemyError"} & names:
            wrong = getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"
            if wrong and _UNSUPPORTED not in names:
                return None
            said = without_password(" ".join(str(error).split()))[:1000].rstrip(".")
            return TrackingError(
                f"The MLflow store cannot do this: {said}. It is set in "
                "conf/base/mlflow.yml, or by MLFLOW_TRACKING_URI."
            )
        error = error.__cause__
    return None


def _artifacts(settings: Mapping[str, Any]) -> str | None:
    """Folder of artifacts relative to the project; None if outside, or for a server."""
    experiment = settings.get("tracking", {}).get("experiment", {})
    given = (experiment.get("create_experiment_kwargs") or {}).get("artifact_location")
    if not given or urlsplit(given).scheme or Path(given).is_absolute():
        return None
    return Path(given).as_posix()


def _reach(uri: str) -> None:
    scheme = urlsplit(uri).scheme
    if scheme == "file" or (not scheme and uri not in _WORDS):
        raise TrackingError(
            f"The MLflow store {uri} is a folder, and MLflow no longer tracks runs in folders: "
            "write sqlite:///data/mlflow.db, or http://HOST:PORT for a server. `mlflow "
            "migrate-filestore` moves the runs of a folder."
        )
    if scheme not in ("http", "https"):
        return
    import requests  # noqa: PLC0415 - it comes with MLflow

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=(_CONNECT_S, _ANSWER_S))
    except requests.exceptions.SSLError:
        return  # MLflow has its own settings for certificates
    except requests.exceptions.RequestException as error:
        raise TrackingError(
            f"No MLflow server answers at {without_password(f'{uri} ({error})')}. Start it, or "
            "correct MLFLOW_TRACKING_URI; without that variable runs are tracked in data/mlflow.db."
        ) from None
