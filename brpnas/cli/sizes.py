"""Options for the size of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from brpnas.spaces import NetworkConfig

__all__ = [
    "CellsPerStage",
    "Channels",
    "Classes",
    "Colours",
    "DeviceSize",
    "ImageSize",
    "ProjectSize",
    "Size",
    "Stages",
    "network_of",
]


def _size(text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar="COUNT", min=1, help=f"{text} (default: of --network-size)."
    )
    return option


def _whole(default: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        "--network-size",
        metavar="TEXT",
        help="Size of the networks, as in devices.yml and tables: 'channels=16 cells_per_stage=2 "
        f"stages=3 input_shape=1x8x8 classes=10' (default: {default}).",
    )
    return option


Channels = Annotated[int | None, _size("Channels of the first stage")]
CellsPerStage = Annotated[int | None, _size("Cells in each stage")]
Stages = Annotated[int | None, _size("Stages")]
ImageSize = Annotated[int | None, _size("Height and width of the input")]
Colours = Annotated[int | None, _size("Channels of the input")]
Classes = Annotated[int | None, _size("Classes")]
Size = Annotated[str | None, _whole("as published")]
DeviceSize = Annotated[str | None, _whole("that of the device; others are refused")]
ProjectSize = Annotated[str | None, _whole("that of the project")]


def network_of(  # one argument per option
    space: str,
    size: str | None,
    channels: int | None,
    cells_per_stage: int | None,
    stages: int | None,
    image: int | None,
    colours: int | None,
    classes: int | None,
) -> NetworkConfig:
    """Network of the given options; the rest comes from ``size``, or is as published.

    Raises:
        ConfigurationError: If the text is not a network size.
    """
    from dataclasses import replace  # noqa: PLC0415

    from brpnas.spaces import NetworkConfig, get_space  # noqa: PLC0415

    start = get_space(space).published if size is None else NetworkConfig.of_size(size)
    given, height, width = start.input_shape
    return replace(
        start,
        channels=channels or start.channels,
        cells_per_stage=cells_per_stage or start.cells_per_stage,
        stages=stages or start.stages,
        input_shape=(colours or given, image or height, image or width),
        classes=classes or start.classes,
    )
