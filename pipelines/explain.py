"""Errors of the configuration in words: the key, the fault, the file of the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from brpnas.errors import (
    BrpNasError,
    ConfigurationError,
    ConstraintError,
    InfeasibleError,
    UnknownNameError,
    did_you_mean,
)
from brpnas.yaml_files import check_yaml
from pipelines.renamed import old_keys

__all__ = ["add_places", "check_sources", "explain", "leaves", "locate", "own_error"]

_GROUPED = re.compile(r"\b[a-z]\w*(?:\.\w+)+\b(?!=)")
"""A key of a group in the text of an error: ``search.seed``; ``search.seed=3`` is advice."""
_ALONE = re.compile(r"`(\w+)`")
_KINDS = {"device": "device", "data set": "dataset", "space": "space"}
"""Kinds of unknown names, and the keys of these names."""


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted path of every value except mappings."""
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path


def _has(values: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def check_sources(
    conf_source: Path, environments: Sequence[str], runtime: Mapping[str, Any]
) -> None:
    """Check the command line and each file of parameters before Kedro merges them.

    Kedro fails inside an unreadable file, and a group of one source hides an old key of the same
    name in another.

    Args:
        conf_source: Folder of the environments.
        environments: Their names.
        runtime: Parameters of the command line.

    Raises:
        ConfigurationError: If a file is nested too deep or its references expand too far; if a
            source has an old key.
    """
    sources: list[tuple[str, Any]] = [("in --params", runtime)]
    for file in (file for env in environments for file in _files(conf_source / env)):
        try:
            text = file.read_text(encoding="utf-8")
            check_yaml(text)
            sources.append((f"in {_short(file)}", yaml.safe_load(text)))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The file of parameters {_short(file)} cannot be read: "
                f"{' '.join(str(error).split()):.300}. Write plain keys and values."
            ) from error
    if old := [
        f"Renamed key {old!r} {place}: write {new!r}."
        for place, values in sources
        for old, new in old_keys(values)
    ]:
        raise ConfigurationError(" ".join(old))


def locate(
    path: str, conf_source: Path, environments: Sequence[str], runtime: Mapping[str, Any]
) -> str:
    """Return the place of a key: the command line or a file; for a missing key, its proper file.

    Args:
        path: Dotted path of the key.
        conf_source: Folder of the environments.
        environments: Their names in order of precedence, the base last.
        runtime: Parameters of the command line.
    """
    keys = path.split(".")
    if _has(runtime, keys):
        return "in --params"
    files = [file for env in environments for file in _files(conf_source / env)]
    for depth in range(len(keys), 0, -1):
        for file in files:
            if _has(yaml.safe_load(file.read_text(encoding="utf-8")), keys[:depth]):
                return f"in {_short(file)}"
    return f"in {_short(conf_source / environments[-1])}/parameters_*.yml"


def own_error(error: BaseException | None) -> BrpNasError | None:
    """First error of this project in the chain of causes."""
    while error is not None and not isinstance(error, BrpNasError):
        error = error.__cause__
    return error


def add_places(
    error: BaseException, parameters: Mapping[str, Any], where: Callable[[str], str]
) -> None:
    """Add a note to an error of this project: the places of the parameters in its message.

    Args:
        error: The error, or another error caused by it.
        parameters: All parameters.
        where: Returns the place of a key, given its dotted path.
    """
    own = own_error(error)
    if own is None:
        return
    places: dict[str, list[str]] = {}
    for key in _named(own, parameters):
        places.setdefault(where(key), []).append(key)
    if places:
        stand = (
            f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'} set {place}"
            for place, keys in places.items()
        )
        own.add_note(f"{'; '.join(stand)}.")


def _named(error: BrpNasError, parameters: Mapping[str, Any]) -> list[str]:
    """Keys named by an error: with their group, in backquotes, or by the kind of fault."""
    text, known = str(error), set(leaves(parameters))
    named = (
        [_KINDS[error.kind]] if isinstance(error, UnknownNameError) and error.kind in _KINDS else []
    )
    if isinstance(error, ConstraintError | InfeasibleError):
        named.append("constraints")
    named += _ALONE.findall(text) + _GROUPED.findall(text)
    return [key for key in dict.fromkeys(named) if key in known]


def _files(environment: Path) -> list[Path]:
    """Files of parameters, anywhere in the folder of an environment, like Kedro."""
    return sorted(
        file
        for file in environment.rglob("*")
        if file.suffix in {".yml", ".yaml", ".json"}
        and any(part.startswith("parameters") for part in file.relative_to(environment).parts)
    )


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _fields(model: type[BaseModel], keys: Sequence[str]) -> list[str]:
    """Names of the fields of the nested model at the path."""
    for key in keys:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _one(detail: ErrorDetails, model: type[BaseModel], where: Callable[[str], str]) -> str:
    keys = [str(part) for part in detail["loc"] if isinstance(part, str)]
    path = ".".join(keys)
    match detail["type"]:
        case "extra_forbidden":
            known = _fields(model, keys[:-1])
            return (
                f"Unknown key {path!r} {where(path)}.{did_you_mean(keys[-1], known)}"
                f" Known here: {', '.join(known)}."
            )
        case "missing":
            return f"Missing key {path!r} {where(path)}: every parameter must be set."
        case "model_type":
            return (
                f"Bad value {detail['input']!r} of {path!r} {where(path)}: it is a group of the "
                f"keys {', '.join(_fields(model, keys))}."
            )
        case "literal_error":
            options = str(detail.get("ctx", {}).get("expected", ""))
            names = options.replace("'", "").replace(" or ", ", ").split(", ")
            return (
                f"Unknown value {detail['input']!r} of {path!r} {where(path)}."
                f"{did_you_mean(str(detail['input']), names)} Known: {', '.join(names)}."
            )
        case "string_type":
            return (
                f"Bad value {detail['input']!r} of {path!r} {where(path)}: it must be a text, so "
                f"write it in quotes, as '{detail['input']}'."
            )
        case _:
            return f"Bad value {detail['input']!r} of {path!r} {where(path)}: {detail['msg']}."


def explain(error: ValidationError, model: type[BaseModel], where: Callable[[str], str]) -> str:
    """One paragraph for all faults of the configuration.

    Args:
        error: The error of pydantic.
        model: The validated model.
        where: Returns the place to set a key, given its dotted path.
    """
    return " ".join(_one(detail, model, where) for detail in error.errors())
