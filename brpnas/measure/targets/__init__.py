"""Targets: where networks are timed. Every target uses `brpnas.measure.runner` or its rows.

`open_target` makes one from the configuration: `LocalTarget` is this machine, `SshTarget` a board
on the network, `CommandTarget` a device behind a command, `ClusterTarget` the workers of an engine.
"""

from __future__ import annotations

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.fanout import get_engine
from brpnas.measure.targets.base import Row, Rows, Target
from brpnas.measure.targets.cluster import ClusterTarget
from brpnas.measure.targets.command import Command, CommandTarget
from brpnas.measure.targets.local import LocalTarget
from brpnas.measure.targets.openssh import Address
from brpnas.measure.targets.ssh import SshTarget

__all__ = [
    "ClusterTarget",
    "Command",
    "CommandTarget",
    "LocalTarget",
    "Row",
    "Rows",
    "SshTarget",
    "Target",
    "check_target",
    "open_target",
]

_KNOWN = ("local", "command", "ssh://user@host:port")


def check_target(name: str, command: Command | None = None) -> None:
    """Check the name of a target without opening it.

    Args:
        name: The name, see `open_target`.
        command: The command of the target ``command``.

    Raises:
        UnknownNameError: If there is no such target.
        ConfigurationError: If its address is malformed, or it has no command.
    """
    if name.startswith("ssh://"):
        Address.parse(name)
    elif name not in _KNOWN:
        raise UnknownNameError("target", name, _KNOWN)
    if (name == "command") != (command is not None):
        raise ConfigurationError(
            "The target command needs a command and the expression of its latency (--command and "
            "--latency; in the pipeline timing.command); other targets have none."
        )


def open_target(
    name: str = "local", *, command: Command | None = None, scheduler: str | None = None
) -> Target:
    """A target from the configuration; close it after use.

    Args:
        name: ``local``, ``command``, or ``ssh://user@host:port``, see
            `brpnas.measure.targets.openssh.Address`.
        command: The command of the target ``command``.
        scheduler: Address of a Dask scheduler, to measure on its workers instead of this machine.

    Raises:
        UnknownNameError: If there is no such target.
        ConfigurationError: If the target or scheduler cannot be used.
    """
    check_target(name, command)
    if scheduler:
        if name != "local":
            raise ConfigurationError(
                f"Networks are timed either on the workers of the scheduler {scheduler} or on "
                f"{name}: remove one of both."
            )
        return ClusterTarget(get_engine(scheduler=scheduler))
    if command is not None:
        return CommandTarget(command)
    return SshTarget(name) if name.startswith("ssh://") else LocalTarget()
