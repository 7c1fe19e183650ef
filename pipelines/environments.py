"""The configuration environment of a command."""

from __future__ import annotations

import os
from pathlib import Path

from brpnas.errors import UnknownNameError

__all__ = ["chosen_environment", "env_or"]


def env_or(variable: str, default: str) -> str:
    """Value of an environment variable, or a default if it is unset or empty.

    A resolver for configuration files. CI and Compose pass unset variables as empty ones.
    """
    return os.environ.get(variable) or default


def chosen_environment(conf: Path, given: str | None) -> str | None:
    """Environment of a command: from its option, else from the variable ``KEDRO_ENV``.

    Args:
        conf: Folder of the configuration.
        given: Value of the option ``--env``, if any.

    Returns:
        None for the default one.

    Raises:
        UnknownNameError: If the environment is unknown.
    """
    name = given or os.environ.get("KEDRO_ENV") or None
    if name is not None:
        folders = (path.name for path in conf.iterdir() if path.is_dir())
        known = {folder for folder in folders if not folder.startswith(".")}
        if name not in known:
            raise UnknownNameError("environment", name, known)
    return name
