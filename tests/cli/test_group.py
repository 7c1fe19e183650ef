from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from brpnas.cli.group import ErrorGroup, MissingExtraError, paragraph
from brpnas.errors import ArchitectureError
from tests.cli.conftest import Brpnas


def failing(error: Exception) -> typer.Typer:
    """A command group with a command that fails."""
    app = typer.Typer(cls=ErrorGroup, rich_markup_mode=None)

    @app.callback()
    def main() -> None:
        pass

    @app.command()
    def fail() -> None:
        raise error

    return app


class TestErrors:
    def test_expected_error_is_one_paragraph_on_stderr(self) -> None:
        result = CliRunner().invoke(failing(ArchitectureError("It is\n  wrong.")), ["fail"])
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: It is wrong.\n"

    def test_traceback_is_kept_on_demand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BRPNAS_TRACEBACK", "1")
        result = CliRunner().invoke(failing(ArchitectureError("wrong")), ["fail"])
        assert isinstance(result.exception, ArchitectureError)

    def test_bug_keeps_its_traceback(self) -> None:
        result = CliRunner().invoke(failing(ZeroDivisionError("bug")), ["fail"])
        assert isinstance(result.exception, ZeroDivisionError)

    def test_file_that_cannot_be_written_is_named(self) -> None:
        error = FileNotFoundError(2, "No such file or directory", "away/cell.svg")
        result = CliRunner().invoke(failing(error), ["fail"])
        assert result.exit_code == 1
        assert "away/cell.svg" in result.stderr

    def test_broken_pipe_is_not_ours_to_explain(self) -> None:
        assert paragraph(BrokenPipeError(32, "Broken pipe")) is None

    @pytest.mark.parametrize(
        ("module", "extra"),
        [
            ("torch", "predictors"),
            ("torch._C", "predictors"),
            ("matplotlib.figure", "report"),
            ("mlflow", "pipeline"),
        ],
    )
    def test_missing_package_is_told_by_its_extra(self, module: str, extra: str) -> None:
        shown = paragraph(ModuleNotFoundError("no", name=module))
        assert isinstance(shown, MissingExtraError)
        assert f"brpnas[{extra}]" in str(shown)

    def test_missing_module_of_our_own_is_a_bug(self) -> None:
        assert paragraph(ModuleNotFoundError("no", name="brpnas.lost")) is None


class TestHelp:
    def test_version(self, brpnas: Brpnas) -> None:
        result = brpnas("--version")
        assert (result.exit_code, result.stdout) == (0, f"brpnas {version('brpnas')}\n")

    def test_no_arguments_is_help_and_a_usage_error(self, brpnas: Brpnas) -> None:
        result = brpnas()
        assert result.exit_code == 2
        assert "Commands:" in result.output

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_lists_every_command_in_one_whole_line(self, brpnas: Brpnas, option: str) -> None:
        lines = brpnas(option).stdout.partition("Commands:")[2].strip().splitlines()
        assert [line.split()[0] for line in lines] == [
            "devices",
            "kit",
            "sources",
            "arch",
            "predict",
            "rank",
            "front",
            "measure",
            "export",
            "models",
            "promote",
            "rollback",
        ]
        assert not [line for line in lines if line.endswith("...")]

    def test_unknown_command_is_a_usage_error(self, brpnas: Brpnas) -> None:
        assert brpnas("devises").exit_code == 2


class TestProcess:
    """The installed command, as a process."""

    def test_error_has_no_traceback(self) -> None:
        command = [str(Path(sys.executable).with_name("brpnas")), "devices", "nokia"]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: Unknown device 'nokia'.")
        assert result.stderr.count("\n") == 1
