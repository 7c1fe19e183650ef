"""The environment of the configuration that a command works in."""

from __future__ import annotations

import os
from pathlib import Path

from brpnas.errors import UnknownNameError

__all__ = ["chosen_environment", "env_or"]


def env_or(variable: str, default: str) -> str:
    """Value of an environment variable, or a default where it is not set or empty.

    A resolver for configuration files. In CI and Compose a variable that nobody set is empty.
    """
    return os.environ.get(variable) or default


def chosen_environment(conf: Path, given: str | None) -> str | None:
    """Environment of a command: that of its option, else of the variable ``KEDRO_ENV``.

    Args:
        conf: Folder of the configuration.
        given: Value of the option ``--env``, if any.

    Returns:
        None for the default one.

    Raises:
        UnknownNameError: If there is no such environment.
    """
    name = given or os.environ.get("KEDRO_ENV") or None
    if name is not None:
        folders = (path.name for path in conf.iterdir() if path.is_dir())
        known = {folder for folder in folders if not folder.startswith(".")}
        if name not in known:
            raise UnknownNameError("environment", name, known)
    return name
