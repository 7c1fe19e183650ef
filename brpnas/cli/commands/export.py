"""The subcommand ``export``: networks of cells as files, for devices without this project."""

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

__all__ = ["EXAMPLES", "export"]


EXAMPLES = examples(
    "brpnas export --cells 20 --output networks",
    "brpnas export --file cells.txt --output networks --device my-board",
    "brpnas export --cells 20 --runtime torch --output eager",
    "brpnas export --cells 20 --channels 8 --image 8 --colours 1 --output small",
)


def export(  # noqa: PLR0913 - one argument per option
    *,
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="New folder for networks, index, manifest.")
    ] = Path("networks"),
    cells: Annotated[
        int | None,
        typer.Option(metavar="COUNT", min=1, help="Random cells (default: 20, or all of --file)."),
    ] = None,
    file: CellFile = None,
    notation: Notation = None,
    device: Annotated[
        str,
        typer.Option(metavar="NAME", help="Name of the device, used for the index."),
    ] = "index",
    runtime: Annotated[
        RuntimeName, typer.Option(help="Runtime of the device.")
    ] = RuntimeName.ONNXRUNTIME,
    precision: Annotated[
        PrecisionName, typer.Option(help="int8 networks are for timing only.")
    ] = PrecisionName.FP32,
    batch: Annotated[int, typer.Option(metavar="COUNT", min=1, help="Images per run.")] = 1,
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
    """Write the networks of cells as files, as `measure` times them.

    Measure them on the device, fill in the column latency_ms of the index, and put it into
    data/01_raw/devices under the name of the device.
    """
    from brpnas.devices.catalogue import check_device_name  # noqa: PLC0415
    from brpnas.measure import MeasureSettings, export_cells, get_runtime  # noqa: PLC0415
    from brpnas.spaces.select import read_cells, select_cells  # noqa: PLC0415

    check_device_name(device)
    sizes = (channels, cells_per_stage, stages, image, colours, classes)
    settings = MeasureSettings(
        get_runtime(runtime.value, precision=precision.value),
        network=network_of(space, network_size, *sizes),
        batch_size=batch,
        space=space,
    )
    among = None if file is None else read_cells(file, space=space, notation=notation)
    count = cells or (20 if among is None else None)
    chosen = select_cells(count, among=among, seed=seed, space=space)
    index = export_cells(chosen, settings, output, f"{device}.csv")
    typer.echo(
        f"networks  {len(chosen)} of the size {settings.network.size}\n"
        f"index     {index}\nmanifest  {output / 'manifest.json'}"
    )
