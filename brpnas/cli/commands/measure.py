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
from brpnas.cli.timing import (
    Batch,
    CommandText,
    DriftLimit,
    Expression,
    Precision,
    ProviderName,
    Push,
    Remove,
    Repeats,
    Runs,
    RuntimeOption,
    TargetName,
    Threads,
    Warmup,
    command_of,
    settings_of,
)

__all__ = ["EXAMPLES", "measure"]


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
    runtime: RuntimeOption = RuntimeName.ONNXRUNTIME,
    target: TargetName = "local",
    command: CommandText = None,
    latency: Expression = None,
    push: Push = None,
    remove: Remove = None,
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
    drift_limit: DriftLimit = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice and order of cells.")] = 0,
) -> None:
    """Measure latency on a device.

    The same command resumes after an interruption; a larger COUNT adds cells.
    """
    from brpnas.cli import measuring  # noqa: PLC0415
    from brpnas.measure import read_cells, select_cells  # noqa: PLC0415

    sizes = (channels, cells_per_stage, stages, image, colours, classes)
    settings = settings_of(
        *(runtime, provider, precision, threads, batch, warmup, runs, repeats),
        network_of(space, network_size, *sizes),
        space,
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
            command=command_of(command, latency, push, remove),
            seed=seed,
            drift_limit=drift_limit,
        )
    )
