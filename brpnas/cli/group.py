"""The command group: its help, and its errors, one paragraph on stderr without a traceback.

`app` is the group that `brpnas.cli.commands` fills. An expected error ends it with exit code 1;
with ``BRPNAS_TRACEBACK`` set it keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from brpnas.errors import BrpNasError
from brpnas.surroundings import explained, open_streams

__all__ = [
    "CellFile",
    "ErrorGroup",
    "MissingExtraError",
    "Notation",
    "SpaceName",
    "app",
    "examples",
    "paragraph",
]

SpaceName = Annotated[
    str, typer.Option("--space", metavar="NAME", help="Search space, or the path of its file.")
]
"""The option that says what architectures are of."""

CellFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Cells to choose from: lines of text, or the column arch_id of a table.",
    ),
]
"""The option that names a file of cells."""

Notation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="How cells are written: naslib (default: as the space writes them)."
    ),
]
"""The option that says how the cells of a file are written."""

_EXTRAS = {
    "kedro": "pipeline",
    "matplotlib": "report",
    "mlflow": "pipeline",
    "onnx": "export",
    "onnxruntime": "export",
    "safetensors": "predictors",
    "torch": "predictors",
    "torch_geometric": "predictors",
}


class MissingExtraError(BrpNasError, ImportError):
    """A subcommand needs packages of an optional extra that is not installed."""


def paragraph(error: BaseException) -> BrpNasError | OSError | None:
    """Return the error to show in one paragraph; None for one that deserves its traceback.

    Args:
        error: What a subcommand raised. A package that is missing becomes the extra that has it; an
            `OSError` counts only if it names a file, which a broken pipe does not.
    """
    if isinstance(error, BrpNasError):
        return error
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in _EXTRAS:
            return MissingExtraError(
                f"This command needs the package {package}, which is not installed. Install the "
                f"extra that brings it: pip install 'brpnas[{_EXTRAS[package]}]'."
            )
    if isinstance(error, OSError) and error.filename is None:
        return explained(error)
    return explained(error) or (error if isinstance(error, OSError) else None)


class ErrorGroup(TyperGroup):
    """A command group that prints expected errors instead of their traceback."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Names in the order of the help: groups of subcommands come first."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: not isinstance(self.commands[name], TyperGroup))

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the subcommand."""
        open_streams()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # what cannot be printed is told here, not as Python ends
        except Exception as error:
            shown = paragraph(error)
            if shown is None or os.environ.get("BRPNAS_TRACEBACK"):
                raise
            typer.echo(f"Error: {' '.join(str(shown).split())}", err=True)
            raise typer.Exit(1) from None
        return result


app = typer.Typer(
    name="brpnas",
    help="Hardware-aware neural architecture search (BRP-NAS): look things up, ask predictors. "
    "The pipeline itself is run by `dvc repro` and `kedro run`.",
    cls=ErrorGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def examples(*commands: str) -> str:
    """Text that shows a subcommand in use, as the end of its help."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"brpnas {version('brpnas')}")
        raise typer.Exit


@app.callback()
def _main(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass
