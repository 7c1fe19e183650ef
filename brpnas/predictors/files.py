"""Predictors as safetensors files: tensors, and metadata as JSON.

Such a file holds no code. `read_file` reads it, `checked` validates its metadata, `as_config` the
settings of a network. The claims of the metadata are compared with the tensors before a network is
built, so a file of a few kB cannot claim a network larger than the memory.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, JsonValue
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from brpnas.errors import SchemaError
from brpnas.typed import parse_typed

__all__ = [
    "SavedModel",
    "as_config",
    "check_finite",
    "checked",
    "count_parts",
    "kind_of",
    "part",
    "read_file",
    "refuse_file",
    "write_file",
]

_LENGTH_BYTES = 8
_MAX_HEADER = 4 * 2**20
_EARLIER_KIND = "binary-relation"
"""Kind of pairwise rankers in files of earlier versions."""

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C")


class SavedModel(BaseModel):
    """Metadata of a predictor; subclasses add the keys of their kind.

    Attributes:
        kind: Kind of the predictor.
        config: Settings of its networks, see `as_config`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    config: dict[str, JsonValue]


def write_file(
    path: Path, kind: str, metadata: Mapping[str, object], tensors: Mapping[str, Tensor]
) -> None:
    """Write tensors, JSON values and the kind of the predictor."""
    values = {name: json.dumps(value) for name, value in {"kind": kind, **metadata}.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, values)


def read_file(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read metadata and tensors from the file of `write_file`.

    Raises:
        FileNotFoundError: If the file is missing.
        SchemaError: If the file is of another kind, or a ranker of an earlier version.
    """
    metadata = _metadata(path)
    found = metadata.get("kind")
    if found == _EARLIER_KIND and kind == "pairwise_ranker":
        raise SchemaError(
            f"{path} holds a pairwise ranker of an earlier version ({found!r}): train it again "
            "with this version, by the stage search or PairwiseRanker.fit."
        )
    if found != kind:
        raise SchemaError(f"{path} holds {found!r:.80}, not a {kind!r} predictor.")
    with safe_open(path, framework="pt") as file:
        # Copies: a mapped tensor would change with the file.
        return metadata, {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118


def kind_of(path: Path) -> object:
    """Kind of predictor in a file; None if it is not stated.

    Raises:
        SchemaError: If the file is not safetensors.
    """
    return _metadata(path).get("kind")


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Tensors with names of the form ``name.rest``, by ``rest``."""
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def checked(path: Path, metadata: Mapping[str, Any], model: type[M]) -> M:
    """Validate the metadata of a file.

    Raises:
        SchemaError: If a key is unknown or missing, or a value of another type or out of range.
    """
    try:
        return parse_typed(model, metadata)
    except ValueError as error:
        refuse_file(path, str(error), error)


def as_config(path: Path, values: Mapping[str, JsonValue], config: type[C]) -> C:
    """Settings of a network, a dataclass, from the metadata of a file.

    Raises:
        SchemaError: If a key is unknown, or a value of another type or out of range.
    """
    try:
        return parse_typed(config, values, "config.")
    except ValueError as error:
        refuse_file(path, str(error), error)


def check_finite(path: Path, tensors: Mapping[str, Tensor], but: Collection[str] = ()) -> None:
    """Check that floating-point tensors are finite, except for some.

    Raises:
        SchemaError: If one is not finite.
    """
    for name, tensor in tensors.items():
        if name in but or not tensor.is_floating_point():
            continue
        if not bool(torch.isfinite(tensor).all()):
            refuse_file(path, f"the tensor {name!r:.80} is not finite")


def count_parts(names: Iterable[str], prefix: str) -> int:
    """Number of the parts of a list of modules, such as ``members.0``, from names of tensors.

    Examples:
        >>> count_parts(["members.0.head.bias", "members.1.head.bias"], "members.")
        2
    """
    return len({n.removeprefix(prefix).partition(".")[0] for n in names if n.startswith(prefix)})


def refuse_file(path: Path, why: str, error: Exception | None = None) -> NoReturn:
    """Raise the SchemaError of a damaged file or one of another version."""
    raise SchemaError(
        f"{path} cannot be loaded by this version: {' '.join(why.split()):.300}. It is damaged, "
        "or was written by another version: train again, or get the file again."
    ) from error


def _metadata(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as raw:
            length = int.from_bytes(raw.read(_LENGTH_BYTES), "little")
        if length > min(_MAX_HEADER, path.stat().st_size):
            raise ValueError(f"its header claims {length:,} bytes")
        with safe_open(path, framework="pt") as file:
            return {key: _plain(key, text) for key, text in (file.metadata() or {}).items()}
    except FileNotFoundError:
        raise
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        raise SchemaError(f"{path} is not a predictor of this project: {error!s:.300}.") from error


def _plain(key: str, text: str) -> Any:
    """A value of the metadata: JSON without infinities and NaN."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
        return value
    except ValueError as error:
        raise ValueError(f"{key:.80}: {error}") from error
