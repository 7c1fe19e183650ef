"""The subcommand ``devices``: list them, or explain one.

After ``brpnas devices`` comes a subcommand or the name of a device.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from brpnas.cli.options import examples

__all__ = ["devices"]


class DeviceGroup(TyperGroup):
    """A group that takes an unknown subcommand for the name of a device."""

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Find the subcommand; for the name of a device it is ``show``."""
        is_device = args[0] not in self.commands and not args[0].startswith("-")
        return super().resolve_command(ctx, ["show", *args] if is_device else args)


devices = typer.Typer(
    name="devices",
    cls=DeviceGroup,
    invoke_without_command=True,
    subcommand_metavar="[NAME | COMMAND [ARGS]...]",
    epilog=examples("brpnas devices", "brpnas devices embedded-tpu-edge-tpu-int8"),
    rich_markup_mode=None,
)


@devices.callback()
def _list(context: typer.Context) -> None:
    """List and explain devices; add one, check a file, suggest cells.

    The listed devices have embedded or published latencies.
    """
    if context.invoked_subcommand is None:
        from brpnas.cli import catalogues  # noqa: PLC0415

        typer.echo(catalogues.list_devices())


@devices.command(hidden=True)
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A device.")]) -> None:
    """Explain a device: all fields of the catalogue."""
    from brpnas.cli import catalogues  # noqa: PLC0415

    typer.echo(catalogues.describe_device(name))
