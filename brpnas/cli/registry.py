"""What ``brpnas models``, ``promote`` and ``rollback`` ask: the project around the current folder.

The registry belongs to the pipeline, which `brpnas` does not know: its commands are looked up by
name in the project that the current folder is in.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

from brpnas.errors import ConfigurationError

__all__ = ["find_project", "from_project", "registry_commands"]

_COMMANDS = "pipelines.registry.commands"


def find_project(start: Path | None = None) -> Path:
    """Folder of the project, from a folder upwards.

    Args:
        start: Where to begin; the current folder if None.

    Raises:
        ConfigurationError: If no folder on the way has a ``pyproject.toml`` with ``[tool.kedro]``.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        try:
            settings = tomllib.loads(file.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError):
            continue
        if "kedro" in settings.get("tool", {}):
            return folder
    raise ConfigurationError(
        f"{start} is in no project: neither it nor a folder above it has a pyproject.toml with "
        "[tool.kedro]. The registry is part of the pipeline; go to a checkout of it first."
    )


def from_project(path: Path) -> Path:
    """A path of the configuration: from the folder of the project, or, outside any, from here.

    Args:
        path: Relative to the project, or absolute.
    """
    try:
        return find_project() / path
    except ConfigurationError:
        return path


def registry_commands(project: Path) -> ModuleType:
    """The project's own commands on its registry.

    Args:
        project: What `find_project` returned.

    Raises:
        ConfigurationError: If the project has no registry.
    """
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))
    try:
        return import_module(_COMMANDS)
    except ModuleNotFoundError as error:
        if not f"{_COMMANDS}.".startswith(f"{error.name}."):
            raise  # a package that it needs is missing
        raise ConfigurationError(
            f"The project in {project} has no {_COMMANDS}: is it a checkout of brpnas, as new as "
            "the command?"
        ) from error
