"""The project around the current folder, and the commands that it adds on its registry of models.

The registry belongs to the pipeline. The library does not know the pipeline: a project names the
module of these commands in its ``pyproject.toml``, as ``registry`` in ``[tool.brpnas]``.
"""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from brpnas.errors import ConfigurationError

__all__ = ["Registry", "find_project", "find_registry", "from_project"]


class Registry(Protocol):
    """Functions of the module that a project names; each returns the text to print."""

    def models_text(self, root: Path, env: str | None = None) -> str:
        """List the registered models of the project in the folder ``root``."""
        ...

    def promote_text(
        self, root: Path, name: str, env: str | None = None, *, as_json: bool = False
    ) -> str:
        """Compare the challenger of the model ``name`` with its champion; promote the better."""
        ...

    def rollback_text(
        self, root: Path, name: str, to: str | None = None, env: str | None = None
    ) -> str:
        """Make an earlier champion of the model ``name`` champion again."""
        ...


def find_project(start: Path | None = None) -> Path:
    """Folder of the project, from a folder upwards.

    Args:
        start: Where to begin; the current folder if None.

    Raises:
        ConfigurationError: If no folder on the way has a ``pyproject.toml`` with ``[tool.kedro]``.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if "kedro" in _tools(folder):
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


def find_registry(project: Path) -> Registry:
    """The commands of a project on its registry.

    Args:
        project: What `find_project` returned.

    Raises:
        ConfigurationError: If the project names no module of such commands, or one without them.
    """
    name = _tools(project).get("brpnas", {}).get("registry")
    if not isinstance(name, str):
        raise ConfigurationError(
            f"{project / 'pyproject.toml'} names no commands of a registry: [tool.brpnas] has no "
            "`registry`. Is the project a checkout of brpnas, as new as the command?"
        )
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # a package that it needs is missing
        raise ConfigurationError(
            f"The project in {project} has no module {name}, which is the `registry` in "
            "[tool.brpnas] of its pyproject.toml."
        ) from error
    return cast(Registry, module)


def _tools(folder: Path) -> dict[str, Any]:
    """The table ``tool`` of the ``pyproject.toml`` in a folder; empty without a readable one."""
    try:
        settings = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    tools: dict[str, Any] = settings.get("tool", {})
    return tools
