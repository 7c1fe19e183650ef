"""The subcommand ``arch``: one architecture, explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import CELL, SpaceName, examples

__all__ = ["EXAMPLES", "arch"]

EXAMPLES = examples(f"brpnas arch {CELL}", f"brpnas arch --svg cell.svg {CELL}")


def arch(
    text: Annotated[
        str, typer.Argument(metavar="STRING", help="The architecture, quoted for the shell.")
    ],
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a drawing of it.")] = None,
    space: SpaceName = "nasbench201",
) -> None:
    """Explain an architecture: operations, cost, paths."""
    from brpnas.cli import cells  # noqa: PLC0415

    typer.echo(cells.describe_cell(text, space))
    if svg is not None:
        from brpnas.report import cell_svg  # noqa: PLC0415
        from brpnas.spaces import get_space  # noqa: PLC0415

        known = get_space(space)
        svg.write_text(cell_svg(cells.read_cell(text, known), known), encoding="utf-8")
        typer.echo(f"Drawing: {svg}")
