"""The subcommand ``devices add``: from a device to its registered predictor."""

from __future__ import annotations

from typing import Annotated

import typer

from brpnas.cli.options import Env, PrecisionName, RuntimeName, examples
from brpnas.cli.sizes import (
    CellsPerStage,
    Channels,
    Classes,
    Colours,
    ImageSize,
    ProjectSize,
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

__all__ = ["EXAMPLES", "add"]

EXAMPLES = examples(
    "brpnas devices add my-board --target ssh://pi@raspberrypi.local",
    "brpnas devices add my-board --target ssh://pi@raspberrypi.local --cells 40",
    "brpnas devices add this-machine --threads 4",
    "brpnas devices add vpu --target command --command 'tool {file}' --latency '([0-9.]+) ms'",
)


def add(  # noqa: PLR0913 - one argument per option
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the device.")],
    *,
    cells: Annotated[
        int, typer.Option(metavar="COUNT", min=5, help="Suggested cells to learn from.")
    ] = 20,
    test_cells: Annotated[
        int,
        typer.Option(metavar="COUNT", min=0, help="Random test cells; 30 for a promotion."),
    ] = 30,
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
    network_size: ProjectSize = None,
    channels: Channels = None,
    cells_per_stage: CellsPerStage = None,
    stages: Stages = None,
    image: ImageSize = None,
    colours: Colours = None,
    classes: Classes = None,
    drift_limit: DriftLimit = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice and order of cells.")] = 0,
    env: Env = None,
) -> None:
    """Measure a device and register its latency predictor, in one command.

    Run it in a checkout of the project. It measures suggested cells and random test cells, adapts a
    predictor of known devices, prints its quality on the test cells, and registers it; a better
    one replaces the champion. Networks have the size of the project's, unless options differ. The
    same command resumes after an interruption; a larger COUNT adds cells.
    """
    from brpnas.cli import adding  # noqa: PLC0415
    from brpnas.cli.project import open_project  # noqa: PLC0415

    project = open_project(env)
    space = project.settings.space
    sizes = (channels, cells_per_stage, stages, image, colours, classes)
    settings = settings_of(
        *(runtime, provider, precision, threads, batch, warmup, runs, repeats),
        network_of(space, network_size or project.settings.network_size, *sizes),
        space,
    )
    typer.echo(
        adding.add(
            name,
            settings,
            project,
            cells=cells,
            test_cells=test_cells,
            target=target,
            command=command_of(command, latency, push, remove),
            seed=seed,
            drift_limit=drift_limit,
            say=lambda text: typer.echo(text, err=True, nl=False),
        )
    )
