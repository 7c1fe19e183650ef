"""Text parameters of the command line: `--params=device=855` names a device.

Kedro reads every value as YAML: 855 becomes an integer, 1e5 a float, 007 seven and true a boolean.
If the configuration has a text, the typed characters are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_args, get_origin

import click
from kedro.framework.cli.utils import _split_params
from pydantic import BaseModel

from pipelines.config import Parameters

__all__ = ["read_params"]


def read_params(context: click.Context, option: click.Parameter, given: Any) -> Any:
    """Read ``--params`` like Kedro, but texts as typed.

    Args:
        context: Of the command.
        option: The option, for the message of a malformed value.
        given: ``key=value`` pairs, separated by commas; or a mapping, from a file of options.

    Returns:
        Nested mapping of the values.
    """
    parsed = _split_params(context, option, given)
    if not isinstance(given, str):
        return parsed
    for item in given.split(","):
        key, _, typed = item.partition("=")
        keys = key.strip().split(".")
        parent = parsed
        for part in keys[:-1]:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if not isinstance(parent, dict) or keys[-1] not in parent:
            continue
        value, optional = parent[keys[-1]], _is_text(Parameters, keys)
        if optional is None or isinstance(value, str | list | dict) or (value is None and optional):
            continue
        parent[keys[-1]] = typed.strip()
    return parsed


def _is_text(model: type[BaseModel], keys: Sequence[str]) -> bool | None:
    """Whether a text key may also be null; None if it holds no text."""
    for key in keys[:-1]:
        field = model.model_fields.get(key)
        annotation = None if field is None else field.annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    field = model.model_fields.get(keys[-1])
    if field is None:
        return None
    one_of = get_args(field.annotation) or (field.annotation,)
    kinds = {get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in one_of}
    return type(None) in kinds if kinds - {type(None)} == {str} else None
