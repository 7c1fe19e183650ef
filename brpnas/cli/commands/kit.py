"""The subcommands ``kit make`` and ``kit read``: a device that is reached by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import CellFile, Notation, PrecisionName, RuntimeName, SpaceName, examples
from brpnas.cli.sizes import (
    CellsPerStage,
    Channels,
    Classes,
    Colours,
    ImageSize,
    Size,
    Stages,
    network_of,
)
from brpnas.cli.timing import (
    Batch,
    DriftLimit,
    Precision,
    ProviderName,
    Repeats,
    Runs,
    RuntimeOption,
    Threads,
    Warmup,
    settings_of,
)

__all__ = ["kit"]

kit = typer.Typer(
    name="kit",
    help="Measure a device without a network: make a kit, read its rows.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("brpnas kit make --cells 300", "brpnas kit read kit.zip --rows rows.jsonl"),
)


@kit.command(
    epilog=examples(
        "brpnas kit make --cells 300 --output kit.zip",
        "brpnas kit make --file cells.txt --output folder",
        "brpnas kit make --runtime torch --threads 4 --output eager.zip",
    )
)
def make(  # noqa: PLR0913 - one argument per option
    *,
    output: Annotated[
        Path, typer.Option(metavar="PATH", help="Kit to write: a file .zip, or a new folder.")
    ] = Path("kit.zip"),
    cells: Annotated[
        int | None,
        typer.Option(metavar="COUNT", min=1, help="Random cells (default: 300, or all of --file)."),
    ] = None,
    file: CellFile = None,
    notation: Notation = None,
    runtime: RuntimeOption = RuntimeName.ONNXRUNTIME,
    provider: ProviderName = None,
    precision: Precision = PrecisionName.FP32,
    threads: Threads = 1,
    batch: Batch = 1,
    warmup: Warmup = 10,
    runs: Runs = 20,
    repeats: Repeats = 10,
    space: SpaceName = "nasbench201",
    network_size: Size = None,
    channels: Channels = None,
    cells_per_stage: CellsPerStage = None,
    stages: Stages = None,
    image: ImageSize = None,
    colours: Colours = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of cells.")] = 0,
) -> None:
    """Write the networks of cells, the runner, and a page of instructions.

    The device needs python3, numpy and the runtime.
    """
    from brpnas.measure import make_kit, read_cells, select_cells  # noqa: PLC0415

    sizes = (channels, cells_per_stage, stages, image, colours, classes)
    settings = settings_of(
        *(runtime, provider, precision, threads, batch, warmup, runs, repeats),
        network_of(space, network_size, *sizes),
        space,
    )
    among = None if file is None else read_cells(file, space=space, notation=notation)
    count = cells or (300 if among is None else None)
    chosen = select_cells(count, among=among, seed=seed, space=space)
    failures = make_kit(chosen, settings, output)
    lines = [
        f"kit       {output}",
        f"networks  {len(chosen) - len(failures)}, {len(failures)} failed",
        *(f"failed    {arch_id}: {error}" for arch_id, error in list(failures.items())[:1]),
        "next      copy it to the device; README.txt in it says what to do there",
    ]
    typer.echo("\n".join(lines))


@kit.command(
    epilog=examples(
        "brpnas kit read kit.zip --rows rows.jsonl --device my-board --output my-board.parquet",
        "brpnas kit read folder --device my-board",
    )
)
def read(
    source: Annotated[
        Path, typer.Argument(metavar="KIT", exists=True, help="The kit, a folder or file .zip.")
    ],
    rows: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The file rows.jsonl of the device (default: in the kit).",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Table to write, .parquet or .csv.")
    ] = Path("latency.parquet"),
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the device (default: derived).")
    ] = None,
    drift_limit: DriftLimit = 0.1,
) -> None:
    """Write the latency table that a device has measured with a kit.

    The same command later adds further rows of the kit.
    """
    from brpnas.cli import measuring  # noqa: PLC0415

    typer.echo(measuring.read(source, output, rows=rows, device=device, drift_limit=drift_limit))
