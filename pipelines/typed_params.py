"""Values of the command line: `--params=device=855` names a device, and lists have brackets.

Kedro reads every value as YAML: 855 becomes an integer, 1e5 a float, 007 seven and true a boolean.
If the configuration has a text, the typed characters are kept. Kedro also splits at every comma;
here those of a list or mapping are part of it: `--params="objectives=[accuracy, -latency_ms]"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import click
import yaml
from kedro.framework.cli.utils import _split_params
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel

from pipelines.config import Parameters

__all__ = ["read_params"]

_CLOSING = {"[": "]", "{": "}"}
_EXAMPLES = {
    "constraints": "latency_ms <= 5, energy_mj@my-board <= 2",
    "objectives": "accuracy, -latency_ms",
}


def read_params(context: click.Context, option: click.Parameter, given: Any) -> Any:
    """Read ``--params`` like Kedro, but texts as typed, and lists and mappings as a whole.

    Args:
        context: Of the command.
        option: The option, for the message of a malformed value.
        given: ``key=value`` pairs, separated by commas; or a mapping, from a file of options.

    Returns:
        Nested mapping of the values.
    """
    if not isinstance(given, str):
        return _split_params(context, option, given)
    read = DictConfig({})
    for item in _items(given):
        key, equals, typed = item.partition("=")
        if not equals or not key.strip():
            return _split_params(context, option, item)  # with Kedro's message
        try:
            read = OmegaConf.merge(read, _read(key.strip(), typed.strip()))
        except (ValueError, yaml.YAMLError) as error:
            reason = error if isinstance(error, ValueError) else f"{typed.strip()} is no YAML value"
            context.fail(f"Invalid value of `{option.name}`: {key.strip()}: {reason}.")
    return OmegaConf.to_container(read)


def _items(given: str) -> Iterator[str]:
    """The pairs of ``--params``; commas within brackets at the start of a value split nothing."""
    waiting = ""
    for piece in given.split(","):
        waiting += piece
        value = waiting.partition("=")[2].strip()
        opening = value[:1]
        if opening in _CLOSING and value.count(opening) > value.count(_CLOSING[opening]):
            waiting += ","
        elif waiting.strip():
            yield waiting.strip()
            waiting = ""
    if waiting.strip():
        yield waiting.strip().removesuffix(",")


def _read(key: str, typed: str) -> DictConfig:
    """One value with its key.

    Raises:
        ValueError: If the value is no list, and the parameter is one.
        YAMLError: If it is malformed.
    """
    keys = key.split(".")
    kinds = _kinds(Parameters, keys)
    try:
        value = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={typed}"]))["value"]  # type: ignore[call-overload, index]
    except yaml.YAMLError:
        if str not in kinds:
            raise
        return _text(key, typed)
    if kinds == {tuple} and not isinstance(value, list):
        example = _EXAMPLES.get(key, "..., ...")
        raise ValueError(f'it is a list, so write it in brackets: "{key}=[{example}]"')
    kept = isinstance(value, str | list | dict) or (value is None and type(None) in kinds)
    if kinds - {type(None)} == {str} and not kept:
        return _text(key, typed)
    return OmegaConf.from_dotlist([f"{key}={typed}"])


def _text(key: str, typed: str) -> DictConfig:
    return OmegaConf.from_dotlist([f"{key}={json.dumps(typed)}"])


def _kinds(model: type[BaseModel], keys: Sequence[str]) -> set[Any]:
    """Types of the values of a parameter, `tuple` for any tuple; empty for an unknown key."""
    for key in keys[:-1]:
        field = model.model_fields.get(key)
        annotation = None if field is None else field.annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return set()
        model = annotation
    field = model.model_fields.get(keys[-1])
    return set() if field is None else {_kind(one) for one in _alternatives(field.annotation)}


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    union = get_origin(annotation) in {Union, UnionType}
    return get_args(annotation) if union else (annotation,)


def _kind(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    return get_origin(annotation) or annotation
