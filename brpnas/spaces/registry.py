"""Spaces by name: those of the library, and custom ones by the path of their file."""

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
from brpnas.spaces.fbnet import FbNet
from brpnas.spaces.nasbench101 import NasBench101
from brpnas.spaces.nasbench201 import NasBench201

__all__ = ["DEFAULT_SPACE", "SPACES", "get_space", "opened_space", "space_fingerprint"]

SPACES: dict[str, type[SearchSpace]] = {
    space.name: space for space in (NasBench201, NasBench101, Darts, FbNet)
}
"""The spaces of the library."""
DEFAULT_SPACE = NasBench201.name
"""The default space, also of files too old to name one."""
_OPENED: dict[str, SearchSpace] = {}
"""Opened spaces of Python files by name."""


def get_space(name: str | SearchSpace) -> SearchSpace:
    """Return the search space of a name.

    Args:
        name: ``nasbench201``, ``nasbench101``, ``darts``, ``fbnet``, or the path of a Python file
            (``spaces/mine.py``, relative to the working directory) with one subclass of
            `SearchSpace`. The path becomes the ``name`` of such a space. A space is returned
            unchanged, so functions may take either.

    Raises:
        UnknownNameError: If the space is unknown.
        ConfigurationError: If the file is missing, cannot be imported, or does not hold one
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
    """Return the space named in a file: one of the library, or one already opened.

    A Python file is code. The configuration, the command line or the caller choose the code to run,
    never a predictor or a table. So a space in a Python file must be given, or have been opened by
    `get_space` in this process.

    Args:
        name: Space named in the file.
        origin: The file, for messages.
        given: Space named by the caller, or its name.

    Raises:
        SchemaError: If the file names no space, a Python file not opened yet, or another space than
            the given one.
    """
    if given is not None:
        space = get_space(given)
        if space.name != name and Path(space.name).name != Path(name).name:
            raise SchemaError(
                f"{origin} is of the space {name!r:.200}, not of {space.name!r}: give the former."
            )
        return space
    if name in SPACES:
        return SPACES[name]()
    if name in _OPENED:
        return _OPENED[name]
    if name.endswith(".py"):
        raise SchemaError(
            f"{origin} names the Python file {name!r:.200} as its search space, and a file may not "
            "choose the code to run. If you trust the Python file, name it yourself: --space "
            "on the command line, `space` in the parameters of the project, or "
            "brpnas.get_space(PATH) before the file is loaded."
        )
    raise SchemaError(
        f"{origin} names an unknown search space, {name!r:.80}. Known: "
        f"{', '.join(sorted(SPACES))}. It is damaged, or was written by another version."
    )


def space_fingerprint(name: str) -> dict[str, str]:
    """Identity of a space for stored measurements and trainings (JSON types).

    Empty for the default space, so results stored by old versions stay valid. A custom space adds a
    digest of its file: an edit may change its networks.

    Raises:
        UnknownNameError: If the space is unknown.
        ConfigurationError: If the file of a space is missing.
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
            f"The search space {name!r} is not complete: {lacking}. Write them, as described in "
            "brpnas.spaces.SearchSpace."
        )
    if len(whole) != 1:
        names = ", ".join(value.__name__ for value in whole) or "none"
        raise ConfigurationError(
            f"{name!r} must hold one subclass of brpnas.spaces.SearchSpace, and holds {names}. "
            "Put each space into a separate file."
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
    """Import the file once; an edit makes it another module.

    Compiled from its content, without bytecode files: these are out of date after an edit within
    the same second, and do not belong beside a file of the user.
    """
    content = _read(name)
    path = str(Path(name).resolve())
    module_name = f"brpnas_space_{_digest(path.encode() + b':' + content)}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before it runs, as dataclasses look for it there
    try:
        exec(compile(content, path, "exec"), vars(module))
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
            f"The file {name!r} of a search space cannot be read (seen from {Path.cwd()}): "
            f"{error.strerror}."
        ) from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
