"""The next command after a run, for pasting into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from brpnas.datasets import fitting_rows
from brpnas.spaces import DEFAULT_SPACE

__all__ = ["after_measure"]

_STAGES = "ingest,featurise,train"


def after_measure(
    device: str,
    arch_ids: Sequence[str],
    parameters: Mapping[str, Any],
    environment: str | None,
    given: Mapping[str, Any],
) -> str | None:
    """Command to train the predictor of a measured device, for pasting into a shell.

    Args:
        device: Name of the device.
        arch_ids: Measured architectures.
        parameters: All parameters of the run.
        environment: Environment of the run; None for none.
        given: Parameters of its command line; the new command repeats them.

    Returns:
        None if there are too few rows to train on.
    """
    values = {
        name: value
        for name, value in _flat(given)
        if name not in ("device", "train.train_rows", "train.valid_rows")
        and not name.startswith(("measure.", "timing."))
    }
    values["device"] = device
    if "measured" not in parameters["ingest"]["benchmarks"]:
        values["ingest.benchmarks"] = ["measured"]
    train = parameters["train"]
    if train["method"] == "networks" or parameters["space"] != DEFAULT_SPACE:
        rows = fitting_rows(arch_ids, parameters["test_share"])
        if rows is None:
            return None
        values["train.train_rows"], values["train.valid_rows"] = rows
    pairs = ",".join(f"{name}={_typed(value)}" for name, value in values.items())
    words = ["kedro", "run", *([f"--env={environment}"] if environment else [])]
    return shlex.join([*words, f"--pipelines={_STAGES}", f"--params={pairs}"])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _typed(value: Any) -> str:
    """A value in the notation of the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_typed, value))}]"
    return str(value)
