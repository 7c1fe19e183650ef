"""Options for a measurement: target, runtime and protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brpnas.cli.options import PrecisionName, RuntimeName

if TYPE_CHECKING:
    from brpnas.measure import Command, MeasureSettings
    from brpnas.spaces import NetworkConfig

__all__ = [
    "Batch",
    "CommandText",
    "DriftLimit",
    "Expression",
    "Precision",
    "ProviderName",
    "Push",
    "Remove",
    "Repeats",
    "Runs",
    "RuntimeOption",
    "TargetName",
    "Threads",
    "Warmup",
    "command_of",
    "settings_of",
]


def _count(text: str, least: int = 1) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar="COUNT", min=least, help=text)
    return option


RuntimeOption = Annotated[
    RuntimeName, typer.Option(help="Runtime; torch executes dead operations too.")
]
ProviderName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Execution provider, or torch device (default: the CPU)."),
]
Precision = Annotated[PrecisionName, typer.Option(help="Not every runtime has fp16 and int8.")]
Threads = Annotated[int, _count("Threads within an operation.")]
Batch = Annotated[int, _count("Images per run.")]
Warmup = Annotated[int, _count("Runs before the first block.", 0)]
Runs = Annotated[int, _count("Runs per block.")]
Repeats = Annotated[int, _count("Blocks.")]
TargetName = Annotated[
    str,
    typer.Option(
        metavar="TARGET",
        help="Where to measure: local, command, or a board, ssh://user@host:port.",
    ),
]
CommandText = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Command that times the network {file}, for command."),
]
Expression = Annotated[
    str | None,
    typer.Option(
        metavar="REGEX",
        help="Latency in its output: one group, of ms, or named ms, us, ns or s.",
    ),
]
Push = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Command that copies {file} to the device before."),
]
Remove = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Command that removes {name} there afterwards."),
]
DriftLimit = Annotated[
    float, typer.Option(metavar="FRACTION", min=0, help="Largest drift without a warning.")
]


def settings_of(  # noqa: PLR0913, PLR0917 - one argument per option
    runtime: RuntimeName,
    provider: str | None,
    precision: PrecisionName,
    threads: int,
    batch: int,
    warmup: int,
    runs: int,
    repeats: int,
    network: NetworkConfig,
    space: str,
) -> MeasureSettings:
    """Settings of a measurement from its options.

    Raises:
        UnknownNameError: If the runtime lacks the precision.
        ConfigurationError: If the batch is too large for the runtime.
    """
    from brpnas.measure import MeasureSettings, Protocol, get_runtime  # noqa: PLC0415

    return MeasureSettings(
        get_runtime(runtime.value, provider=provider, threads=threads, precision=precision.value),
        Protocol(warmup, runs, repeats),
        network,
        batch,
        space=space,
    )


def command_of(
    command: str | None, latency: str | None, push: str | None, remove: str | None
) -> Command | None:
    """Command of the target ``command``; None for other targets.

    Raises:
        ConfigurationError: If the command or the expression is malformed.
    """
    from brpnas.measure import Command  # noqa: PLC0415

    return None if command is None else Command(command, latency or "", push, remove)
