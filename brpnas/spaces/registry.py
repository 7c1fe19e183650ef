"""Spaces by name: those of the library, and one's own by the path of their file."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.darts import Darts
from brpnas.spaces.nasbench101 import NasBench101
from brpnas.spaces.nasbench201 import NasBench201

__all__ = ["DEFAULT_SPACE", "SPACES", "get_space", "opened_space", "space_fingerprint"]

SPACES: dict[str, type[SearchSpace]] = {
    space.name: space for space in (NasBench201, NasBench101, Darts)
}
"""The spaces of the library."""
DEFAULT_SPACE = NasBench201.name
"""The space that is meant where none is named, and that of files that are too old to name one."""
_OPENED: dict[str, SearchSpace] = {}
"""Spaces of Python files that configuration, command line or caller have opened, by their names."""


def get_space(name: str | SearchSpace) -> SearchSpace:
    """Return the search space of that name.

    Args:
        name: ``nasbench201``, ``nasbench101``, ``darts``, or the path of a Python file
            (``spaces/mine.py``, seen from the working directory) that holds one subclass of
            `SearchSpace`. Such a space is called by its path everywhere: that is its ``name``,
            whatever its class says. A space is returned as it is, so that functions may take
            either.

    Raises:
        UnknownNameError: If there is none of that name.
        ConfigurationError: If the file is not there, cannot be imported, or does not hold one
            complete space.
    """
    if isinstance(name, SearchSpace):
        return name
    if name in SPACES:
        return SPACES[name]()
    if name.endswith(".py"):
        return _load(name)
    raise UnknownNameError("search space", name, SPACES)


def opened_space(
    name: str, origin: Path | str, given: SearchSpace | str | None = None
) -> SearchSpace:
    """Return the space that a file names: one of the library, or one that its reader has opened.

    A Python file is code. Which one runs is the choice of the configuration, the command line or
    the caller, never of a predictor or table that names it. So a space of a Python file must have
    been opened by `get_space` in this process, or be given.

    Args:
        name: Space that the file names.
        origin: The file, for messages.
        given: Space that the caller names instead, or its name.

    Raises:
        SchemaError: If the file names no space, a Python file that is not opened, or another
            space than the given one.
    """
    if given is not None:
        space = get_space(given)
        if space.name != name and Path(space.name).name != Path(name).name:
            raise SchemaError(
                f"{origin} is of the space {name!r:.200}, not of {space.name!r}: name the space "
                "that it was made in."
            )
        return space
    if name in SPACES:
        return SPACES[name]()
    if name in _OPENED:
        return _OPENED[name]
    if name.endswith(".py"):
        raise SchemaError(
            f"{origin} names the Python file {name!r:.200} as its search space, and a file may not "
            "choose the code that runs. If you trust that Python file, name it yourself: --space "
            "on the command line, `space` in the parameters of the project, or "
            "brpnas.get_space(PATH) before the file is loaded."
        )
    raise SchemaError(
        f"{origin} names the search space {name!r:.80}, which does not exist. Known: "
        f"{', '.join(sorted(SPACES))}. It is damaged, or was written by another version."
    )


def space_fingerprint(name: str) -> dict[str, str]:
    """What tells measurements and trainings in one space from those in another (JSON types).

    Nothing for the space that is meant where none is named, so that what was stored before there
    were others stays of use. For a space of one's own also a digest of its file: after an edit its
    networks may be others.

    Raises:
        UnknownNameError: If there is none of that name.
        ConfigurationError: If the file of a space is not there.
    """
    if name == DEFAULT_SPACE:
        return {}
    if name in SPACES:
        return {"space": name}
    get_space(name)
    return {"space": name, "space_file": _digest(_read(name))}


def _load(name: str) -> SearchSpace:
    module = _module(name)
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, SearchSpace)
        and value.__module__ == module.__name__
    ]
    whole = [value for value in own if not inspect.isabstract(value)]
    if not whole and own:
        lacking = "; ".join(
            f"{value.__name__} lacks {', '.join(sorted(value.__abstractmethods__))}"
            for value in own
        )
        raise ConfigurationError(
            f"The search space {name!r} is not complete: {lacking}. Write them; "
            "brpnas.spaces.SearchSpace says what each must do."
        )
    if len(whole) != 1:
        names = ", ".join(value.__name__ for value in whole) or "none"
        raise ConfigurationError(
            f"{name!r} must hold one subclass of brpnas.spaces.SearchSpace, and holds {names}. "
            "Put each space into a file of its own."
        )
    try:
        space: SearchSpace = whole[0]()
    except Exception as error:
        raise ConfigurationError(
            f"The search space {name!r} cannot be made: {whole[0].__name__}() says "
            f"{type(error).__name__}: {error}. It must take no arguments."
        ) from error
    space.name = name
    _OPENED[name] = space
    return space


def _module(name: str) -> ModuleType:
    """Import the file, or find it imported; after an edit it is another module."""
    content = _read(name)
    path = str(Path(name).resolve())
    module_name = f"brpnas_space_{_digest(path.encode() + b':' + content)}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before it runs, as dataclasses look for it there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise ConfigurationError(
            f"The search space {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return module


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"There is no file {name!r} of a search space (seen from {Path.cwd()}): "
            f"{error.strerror}."
        ) from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
