"""A command group that prints expected errors as one paragraph on stderr and exits with code 1.

With ``BRPNAS_TRACEBACK`` set it keeps their traceback.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from brpnas.errors import BrpNasError
from brpnas.surroundings import explained, open_streams

__all__ = ["ErrorGroup", "MissingExtraError", "paragraph"]

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
    """Return the error to show in one paragraph; None for an unexpected error.

    Args:
        error: Error of a subcommand. A missing package becomes the name of its extra. An `OSError`
            counts only if it names a file; a broken pipe does not.
    """
    if isinstance(error, BrpNasError):
        return error
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in _EXTRAS:
            return MissingExtraError(
                f"This command needs the package {package}, which is not installed. Install its "
                f"extra: pip install 'brpnas[{_EXTRAS[package]}]'."
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
            sys.stdout.flush()  # report a failed print here, not at the end of Python
        except Exception as error:
            shown = paragraph(error)
            if shown is None or os.environ.get("BRPNAS_TRACEBACK"):
                raise
            typer.echo(f"Error: {' '.join(str(shown).split())}", err=True)
            raise typer.Exit(1) from None
        return result
