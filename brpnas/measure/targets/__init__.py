"""Targets: where networks are timed. Every target uses `brpnas.measure.runner` or its rows.

`open_target` makes one from the configuration: `LocalTarget` is this machine, `ClusterTarget` the
workers of an engine.
"""

from __future__ import annotations

from brpnas.errors import UnknownNameError
from brpnas.fanout import get_engine
from brpnas.measure.targets.base import Row, Rows, Target
from brpnas.measure.targets.cluster import ClusterTarget
from brpnas.measure.targets.local import LocalTarget

__all__ = ["ClusterTarget", "LocalTarget", "Row", "Rows", "Target", "open_target"]


def open_target(name: str = "local", *, scheduler: str | None = None) -> Target:
    """A target from the configuration; close it after use.

    Args:
        name: ``local``.
        scheduler: Address of a Dask scheduler, to measure on its workers instead.

    Raises:
        UnknownNameError: If there is no such target.
        ConfigurationError: If the scheduler cannot be used.
    """
    if name != "local":
        raise UnknownNameError("target", name, ["local"])
    if scheduler:
        return ClusterTarget(get_engine(scheduler=scheduler))
    return LocalTarget()
