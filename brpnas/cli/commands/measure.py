"""The subcommand ``measure``: latency of cells on a device."""

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

__all__ = ["EXAMPLES", "measure"]


def _count(text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar="COUNT", min=1, help=text)
    return option


EXAMPLES = examples(
    "brpnas measure --cells 300 --output latency.parquet",
    "brpnas measure --file cells.txt --output edge.csv --device my-board",
    "brpnas measure --runtime torch --provider cuda --output gpu.parquet",
    "brpnas measure --precision int8 --threads 4 --output int8.parquet",
    "brpnas measure --target ssh://pi@raspberrypi.local --output board.parquet --device my-board",
    "brpnas measure --target command --command 'tool {file}' --latency '([0-9.]+) ms' --device vpu",
    "brpnas measure --space darts --cells 50 --output darts.parquet",
)


def measure(  # noqa: PLR0913 - one argument per option
    *,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Table to write, .parquet or .csv.")
    ] = Path("latency.parquet"),
    cells: Annotated[
        int | None,
        typer.Option(metavar="COUNT", min=1, help="Random cells (default: 300, or all of --file)."),
    ] = None,
    file: CellFile = None,
    notation: Notation = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the device (default: derived).")
    ] = None,
    runtime: Annotated[
        RuntimeName, typer.Option(help="Runtime; torch executes dead operations too.")
    ] = RuntimeName.ONNXRUNTIME,
    target: Annotated[
        str,
        typer.Option(
            metavar="TARGET",
            help="Where to measure: local, command, or a board, ssh://user@host:port.",
        ),
    ] = "local",
    command: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Command that times the network {file}, for command."),
    ] = None,
    latency: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Latency in its output: one group, of ms, or named ms, us, ns or s.",
        ),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Command that copies {file} to the device before."),
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Command that removes {name} there afterwards."),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Execution provider, or torch device (default: the CPU)."
        ),
    ] = None,
    precision: Annotated[
        PrecisionName, typer.Option(help="Not every runtime has fp16 and int8.")
    ] = PrecisionName.FP32,
    threads: Annotated[int, _count("Threads within an operation.")] = 1,
    batch: Annotated[int, _count("Images per run.")] = 1,
    warmup: Annotated[
        int, typer.Option(metavar="COUNT", min=0, help="Runs before the first block.")
    ] = 10,
    runs: Annotated[int, _count("Runs per block.")] = 20,
    repeats: Annotated[int, _count("Blocks.")] = 10,
    space: SpaceName = "nasbench201",
    network_size: Size = None,
    channels: Channels = None,
    cells_per_stage: CellsPerStage = None,
    stages: Stages = None,
    image: ImageSize = None,
    colours: Colours = None,
    classes: Classes = None,
    drift_limit: Annotated[
        float, typer.Option(metavar="FRACTION", min=0, help="Largest drift without a warning.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice and order of cells.")] = 0,
) -> None:
    """Measure latency on a device.

    The same command resumes after an interruption; a larger COUNT adds cells.
    """
    from brpnas.cli import measuring  # noqa: PLC0415
    from brpnas.measure import (  # noqa: PLC0415
        Command,
        MeasureSettings,
        Protocol,
        get_runtime,
        read_cells,
        select_cells,
    )

    sizes = (channels, cells_per_stage, stages, image, colours, classes)
    network = network_of(space, network_size, *sizes)
    settings = MeasureSettings(
        get_runtime(runtime.value, provider=provider, threads=threads, precision=precision.value),
        Protocol(warmup, runs, repeats),
        network,
        batch,
        space=space,
    )
    among = None if file is None else read_cells(file, space=space, notation=notation)
    count = cells or (300 if among is None else None)
    chosen = select_cells(count, among=among, seed=seed, space=space)
    typer.echo(
        measuring.measure(
            chosen,
            settings,
            output,
            device=device,
            target=target,
            command=None if command is None else Command(command, latency or "", push, remove),
            seed=seed,
            drift_limit=drift_limit,
        )
    )
