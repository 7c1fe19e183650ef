"""The project around the current folder, and its commands on the registry of models.

The library does not know the pipeline. A project names the module of these commands in its
``pyproject.toml``, as ``registry`` in ``[tool.brpnas]``.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from brpnas.errors import ConfigurationError

__all__ = [
    "Project",
    "ProjectSettings",
    "Registry",
    "find_project",
    "find_registry",
    "from_project",
    "open_project",
]


@dataclass(frozen=True)
class ProjectSettings:
    """What commands need of a project's configuration.

    Attributes:
        env: Environment; None for the default one.
        workspace: Folder of all outputs.
        space: Name of the search space.
        network_size: Size of every network.
        test_share: Share of the cells that are always test rows.
    """

    env: str | None
    workspace: Path
    space: str
    network_size: str
    test_share: float


class Registry(Protocol):
    """Functions of the registry module of a project; all but one return the text to print."""

    def project_settings(self, root: Path, env: str | None = None) -> ProjectSettings:
        """Read the configuration of the project in the folder ``root``."""
        ...

    def models_text(self, root: Path, env: str | None = None) -> str:
        """List the registered models of the project in the folder ``root``."""
        ...

    def export_member_text(
        self, root: Path, member: str, output: Path | None = None, env: str | None = None
    ) -> str:
        """Export a member of the front of the last search of the project in ``root``."""
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


@dataclass(frozen=True)
class Project:
    """A project, ready for commands.

    Attributes:
        root: Its folder.
        registry: Its registry module.
        settings: Its configuration.
    """

    root: Path
    registry: Registry
    settings: ProjectSettings


def open_project(env: str | None = None) -> Project:
    """The project around the current folder, in one environment.

    Raises:
        ConfigurationError: If there is none, or its configuration is wrong.
        UnknownNameError: If there is no such environment.
    """
    root = find_project()
    registry = find_registry(root)
    return Project(root, registry, registry.project_settings(root, env))


def find_project(start: Path | None = None) -> Path:
    """Folder of the project: the given folder or the closest parent with a project.

    Args:
        start: Folder to begin at; the current folder if None.

    Raises:
        ConfigurationError: If none has a ``pyproject.toml`` with ``[tool.kedro]``.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if "kedro" in _tools(folder):
            return folder
    raise ConfigurationError(
        f"{start} is in no project: no pyproject.toml with [tool.kedro] there or above. This "
        "command uses the pipeline and its registry; change to a checkout of the project first."
    )


def from_project(path: Path) -> Path:
    """Resolve a path of the configuration against the project, outside a project against here.

    Args:
        path: Relative to the project, or absolute.
    """
    try:
        return find_project() / path
    except ConfigurationError:
        return path


def find_registry(project: Path) -> Registry:
    """The registry module of a project.

    Args:
        project: Folder from `find_project`.

    Raises:
        ConfigurationError: If the project names no such module, or the module is missing.
    """
    name = _tools(project).get("brpnas", {}).get("registry")
    if not isinstance(name, str):
        raise ConfigurationError(
            f"{project / 'pyproject.toml'} names no registry commands: [tool.brpnas] lacks "
            "`registry`. Is the checkout as new as the command?"
        )
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # another package is missing
        raise ConfigurationError(
            f"The project in {project} has no module {name}, named as `registry` in [tool.brpnas] "
            "of its pyproject.toml."
        ) from error
    return cast(Registry, module)


def _tools(folder: Path) -> dict[str, Any]:
    """Table ``tool`` of a folder's ``pyproject.toml``; empty if unreadable."""
    try:
        settings = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    tools: dict[str, Any] = settings.get("tool", {})
    return tools
