"""One registered model in MLflow: its versions, aliases, tags and records."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry import RegisteredModel as StoredModel
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from brpnas.errors import RegistryError, UnknownNameError

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "RegisteredModel",
    "all_models",
    "now",
    "without_progress_bars",
]

CHALLENGER, CHAMPION = "challenger", "champion"


def now() -> str:
    """Current time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_progress_bars() -> None:
    """Turn off MLflow's progress bars unless configured: the files are small."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def all_models(client: MlflowClient) -> list[StoredModel]:
    """Every registered model of the store, also of other projects."""
    found: list[StoredModel] = []
    token = None
    while True:
        page = client.search_registered_models(max_results=100, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


class RegisteredModel:
    """One registered model: its versions and its aliases.

    Raises:
        UnknownNameError: If the model is unknown.
    """

    def __init__(self, name: str) -> None:
        self.client = MlflowClient()
        try:
            model = self.client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            known = [found.name for found in all_models(self.client)]
            raise UnknownNameError("registered model", name, known) from None
        self.name = name
        self.aliases = {alias: str(version) for alias, version in dict(model.aliases).items()}

    def version(self, number: str) -> ModelVersion:
        """One version.

        Raises:
            RegistryError: If the version is missing.
        """
        try:
            return self.client.get_model_version(self.name, number)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            there = ", ".join(str(found.version) for found in self.versions()) or "none"
            raise RegistryError(f"{self.name} has no version {number}. Known: {there}.") from None

    def versions(self) -> list[ModelVersion]:
        """Every version, oldest first."""
        found = self.client.search_model_versions(f"name = '{self.name}'", max_results=10_000)
        return sorted(found, key=lambda version: int(version.version))

    def tag(self, number: str, tags: dict[str, str]) -> None:
        """Write tags of a version."""
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, number, key, value)

    def untag(self, number: str, key: str) -> None:
        """Remove a tag of a version, if present."""
        if key in self.version(number).tags:
            self.client.delete_model_version_tag(self.name, number, key)

    def write(self, number: str, files: dict[str, str]) -> None:
        """Write texts as artifacts of the run of a version."""
        run_id = self.version(number).run_id
        for path, text in files.items():
            if run_id:
                self.client.log_text(run_id, text, path)
