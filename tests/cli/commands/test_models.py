"""`brpnas models`: the registered models of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands.conftest import PROJECT
from tests.cli.conftest import Brpnas


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("env", [None, "latbench"])
def test_the_environment_reaches_the_project(brpnas: Brpnas, env: str | None) -> None:
    result = brpnas("models", *(["--env", env] if env else []))
    assert (result.exit_code, result.stdout) == (0, f"{(PROJECT, env)!r}\n")


def test_outside_a_project(brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = brpnas("models")
    assert result.exit_code == 1
    assert str(tmp_path) in result.stderr
