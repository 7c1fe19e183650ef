"""`brpnas promote` and `rollback`: options reach the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.conftest import PROJECT
from tests.cli.conftest import Brpnas


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["promote", "m"], (PROJECT, "m", None, False)),
        (["promote", "m", "--json", "--env", "live"], (PROJECT, "m", "live", True)),
        (["rollback", "m"], (PROJECT, "m", None, None)),
        (["rollback", "m", "--to", "3"], (PROJECT, "m", "3", None)),
    ],
)
def test_options_reach_the_project(brpnas: Brpnas, words: list[str], asked: Any) -> None:
    result = brpnas(*words)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{asked!r}\n"


@pytest.mark.usefixtures("project")
def test_errors_are_one_paragraph(brpnas: Brpnas) -> None:
    result = brpnas("rollback", "none")
    assert (result.exit_code, result.stderr) == (1, "Error: There is nothing to roll back.\n")


@pytest.mark.parametrize("command", ["promote m", "rollback m"])
def test_outside_a_project(
    brpnas: Brpnas, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = brpnas(*command.split())
    assert result.exit_code == 1
    assert str(tmp_path) in result.stderr


@pytest.mark.parametrize("command", ["promote", "rollback", "rollback m --to 0"])
def test_wrong_usage(brpnas: Brpnas, command: str) -> None:
    assert brpnas(*command.split()).exit_code == 2
