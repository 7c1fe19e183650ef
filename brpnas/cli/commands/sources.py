"""The subcommand ``sources``: the published files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import examples

__all__ = ["EXAMPLES", "sources"]

EXAMPLES = examples("brpnas sources", "brpnas sources --group nasbench201 --fetch")


def sources(
    group: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Only the files of this benchmark: latbench, nasbench201, help."
        ),
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Get the files, verify their hashes, print their paths.")
    ] = False,
    mirror: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the files, used instead of the network. By default the one in "
            "BRPNAS_MIRROR, relative to the project.",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for downloads (default: data/01_raw of the project)."
        ),
    ] = None,
) -> None:
    """List or fetch the published files, with licences."""
    from brpnas.cli import catalogues  # noqa: PLC0415
    from brpnas.cli.project import from_project  # noqa: PLC0415

    chosen = catalogues.select_sources(group)
    if fetch:
        named = os.environ.get("BRPNAS_MIRROR")
        if mirror is None and named:
            mirror = from_project(Path(named))
        typer.echo(
            catalogues.fetch_sources(chosen, mirror, cache or from_project(Path("data/01_raw")))
        )
    else:
        typer.echo(catalogues.list_sources(chosen))
