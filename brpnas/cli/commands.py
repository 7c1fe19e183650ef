"""The subcommands: their options and their help."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.devices_command import devices
from brpnas.cli.group import SpaceName, app, examples
from brpnas.cli.sizes import Size

__all__ = ["app"]

_CELL = "'|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|'"
_LATENCY = "data/06_models/latency_predictor.safetensors"
_RELATION = "data/06_models/relation_predictor.safetensors"

Json = Annotated[bool, typer.Option("--json", help="Print a JSON list instead of a table.")]


app.add_typer(devices)


@app.command(epilog=examples("brpnas sources", "brpnas sources --group nasbench201 --fetch"))
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
            help="Folder that holds the files; the network is not asked. By default the one in "
            "BRPNAS_MIRROR, which is relative to the project.",
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
    from brpnas.cli.registry import from_project  # noqa: PLC0415

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


@app.command(epilog=examples(f"brpnas arch {_CELL}", f"brpnas arch --svg cell.svg {_CELL}"))
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


@app.command(
    epilog=examples(
        f"brpnas predict {_LATENCY} {_CELL}",
        f"brpnas predict --json {_LATENCY} < cells.txt",
        f"brpnas predict my-board {_CELL}",
    )
)
def predict(
    predictor: Annotated[
        str,
        typer.Argument(
            metavar="PREDICTOR",
            help="A latency predictor: a file, .safetensors or .onnx, or a device of `retrain`.",
        ),
    ],
    archs: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARCH", help="Architectures; without any, lines of stdin."),
    ] = None,
    as_json: Json = False,
    space: SpaceName = "nasbench201",
) -> None:
    """Predict latency, in ms, by a saved or exported predictor."""
    texts = archs or ([] if sys.stdin.isatty() else [x.strip() for x in sys.stdin if x.strip()])
    if not texts:
        raise typer.BadParameter("give architectures, as arguments or on stdin, one per line")
    from brpnas.cli import predictions  # noqa: PLC0415

    rows = predictions.predict(predictions.find_predictor(predictor), texts, space)
    typer.echo(predictions.as_json(rows) if as_json else predictions.as_text(rows))


@app.command(
    epilog=examples(
        f"brpnas rank {_RELATION} --top 5",
        f"brpnas rank {_RELATION} \\",
        f"    --predictor {_LATENCY} --constraint 'latency_ms <= 5'",
    )
)
def rank(  # noqa: PLR0913, PLR0917 - one argument per option
    relation: Annotated[
        Path,
        typer.Argument(
            metavar="RELATION",
            exists=True,
            dir_okay=False,
            help="A binary relation predictor, .safetensors or .onnx.",
        ),
    ],
    top: Annotated[int, typer.Option(metavar="COUNT", min=1, help="How many to print.")] = 10,
    predictor: Annotated[
        str | None,
        typer.Option(
            metavar="PREDICTOR", help="A latency predictor: a file, or a device of `retrain`."
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Limit on latency_ms, flops_m or params_m, such as 'latency_ms <= 5'; repeatable.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also cells that compute the same function.")
    ] = False,
    as_json: Json = False,
    space: SpaceName = "nasbench201",
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT",
            min=1,
            help="Rank so many random architectures (default: all; 10,000 of a space too large).",
        ),
    ] = None,
    network_size: Size = None,
) -> None:
    """Rank the whole space by a saved accuracy predictor.

    Parameters and multiply-adds are of networks as they are exported, without dead operations.
    """
    from brpnas.cli import predictions  # noqa: PLC0415

    latency = None if predictor is None else predictions.find_predictor(predictor)
    rows = predictions.rank(
        relation,
        top,
        latency,
        constraint or (),
        every=every,
        space=space,
        sample=sample,
        network_size=network_size,
    )
    typer.echo(predictions.as_json(rows) if as_json else predictions.as_text(rows))
