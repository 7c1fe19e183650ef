"""Catalogues in YAML: lists of named, typed entries without unknown keys.

`read_entries` reads the catalogues of published files (`brpnas.datasets.sources`) and of devices
(`brpnas.devices`), and a user's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from brpnas.errors import ConfigurationError
from brpnas.typed import explain
from brpnas.yaml_files import parse_yaml

__all__ = ["read_entries"]


_SHOWN = 200

E = TypeVar("E", bound=BaseModel)


def read_entries(path: Path, model: type[E]) -> dict[str, E]:
    """Read a catalogue: a YAML list of mappings, each one entry.

    Args:
        path: The YAML file.
        model: Pydantic model of an entry with a field ``name``, forbidding other keys.

    Returns:
        Entries by name, in the order of the file.

    Raises:
        ConfigurationError: If the file is missing or not such a list, a key is unknown, missing or
            of the wrong type, or two entries have the same name.
    """
    try:
        entries = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"The catalogue {path} cannot be read: {' '.join(str(error).split()):.500}. "
            "Give the path of an existing, well-formed YAML file."
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(
            f"The catalogue {path} must be a YAML list of entries, each starting with '- name:'."
        )
    found: dict[str, E] = {}
    for number, entry in enumerate(entries, start=1):
        name = str(entry.get("name", f"number {number}"))[:_SHOWN]
        if name in found:
            raise ConfigurationError(
                f"The catalogue {path} has two entries named {name!r}. Rename or remove one."
            )
        try:
            found[name] = model.model_validate(entry)
        except ValidationError as error:
            problems = explain(error, known=list(model.model_fields))
            why = " ".join(p if p.endswith("?") else f"{p}." for p in problems)
            raise ConfigurationError(f"The entry {name!r} of {path} is wrong: {why}") from error
    return found
