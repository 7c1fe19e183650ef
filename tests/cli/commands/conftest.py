"""A project with a registry that returns its arguments."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brpnas.cli import project as projects
from brpnas.errors import RegistryError

PROJECT = Path("/project")


class Commands(SimpleNamespace):
    """Replaces the commands of a project; returns their arguments."""

    def models_text(self, *arguments: Any) -> str:
        return repr(arguments)

    def promote_text(self, *arguments: Any, as_json: bool) -> str:
        return repr((*arguments, as_json))

    def rollback_text(self, *arguments: Any) -> str:
        if arguments[1] == "none":
            raise RegistryError("There is\nnothing to roll back.")
        return repr(arguments)


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "find_project", lambda: PROJECT)
    monkeypatch.setattr(projects, "find_registry", lambda project: Commands())
