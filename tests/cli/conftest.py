"""Shared by the tests of the command line: the command, and predictors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from brpnas.cli import app
from tests.cells_once import cells_once
from tests.cli.models import LATENCY, RANKER, write_models

__all__ = ["cells_once"]

Brpnas = Callable[..., Result]


@pytest.fixture
def brpnas(monkeypatch: pytest.MonkeyPatch) -> Brpnas:
    """Run ``brpnas`` with arguments, and optionally text on stdin."""
    for name in ("BRPNAS_MIRROR", "BRPNAS_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, prog_name="brpnas")

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with two small predictors in the places used by the pipeline."""
    root = tmp_path_factory.mktemp("models")
    write_models(root)
    return root


@pytest.fixture
def latency(models: Path) -> Path:
    """A saved latency predictor."""
    return models / LATENCY


@pytest.fixture
def ranker(models: Path) -> Path:
    """A saved pairwise ranker."""
    return models / RANKER
