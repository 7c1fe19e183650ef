"""Work of ``brpnas predict``, and the text of predictions: answers of saved predictors.

Exported predictors answer without torch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from brpnas.cli.cells import read_cell
from brpnas.cli.text import table
from brpnas.datasets.metrics import MEASURED
from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.serving import OUTPUTS, OnnxPredictor
from brpnas.spaces import DEFAULT_SPACE, SearchSpace, get_space

__all__ = [
    "as_json",
    "as_text",
    "find_predictor",
    "predict",
    "served",
]

_MADE = (
    "data/06_models/devices/*/predictor.onnx",
    "data/*/06_models/devices/*/predictor.onnx",
)
"""What `retrain` leaves, in the environment that is used where none is named and in others."""
_KIND = (
    "file of a predictor, or device whose predictor was made by "
    "`kedro run --pipelines=retrain --params=device=NAME`,"
)
_DIGITS = {name: 4 for names in OUTPUTS.values() for name in names} | {"params_m": 3, "flops_m": 2}


def find_predictor(name: str) -> Path:
    """File of a predictor, by its path, its device or its device metric.

    The predictor of a device, made by `retrain`, is in ``data/06_models/devices`` below the current
    folder or one of its parents; that of another environment in ``data/*/06_models/devices``.

    Raises:
        UnknownNameError: If neither the file nor the device exists.
        ConfigurationError: If several environments have a predictor of the device, but not the
            default one.
    """
    if Path(name).is_file():
        return Path(name)
    start = Path.cwd()
    found: list[Path] = []
    for root in (start, *start.parents):
        found = sorted(file for pattern in _MADE for file in root.glob(pattern))
        if found:
            break
    of_device = [file for file in found if file.parent.name == name]
    base = [file for file in of_device if file.parents[4] == root]
    if len(of_device) > 1 and not base:
        raise ConfigurationError(
            f"Several environments have a predictor of {name!r}: give the path of one, "
            f"{' or '.join(map(str, of_device))}."
        )
    if not of_device:
        raise UnknownNameError(_KIND, name, {file.parent.name for file in found})
    return (base or of_device)[0]


def predict(
    file: Path, texts: Sequence[str], space: SearchSpace | str = DEFAULT_SPACE
) -> pd.DataFrame:
    """A metric of architectures by a saved or an exported predictor.

    Args:
        file: File of a saved or an exported predictor of a metric (``.onnx``).
        texts: Architectures, in any notation of the space.
        space: Training space of a saved predictor, or its name. An exported predictor names its
            own.

    Returns:
        The metric, such as ``latency_ms``, and ``arch_id`` in the order given; the ends of the
        interval between them, such as ``lower_ms, upper_ms``, if the predictor gives intervals.

    Raises:
        SchemaError: If the file is not a predictor of a metric.
        ArchitectureError: If a text is not an architecture.
    """
    known = get_space(space)  # opened first: a predictor must not choose a space from a file
    if file.suffix == ".onnx":
        exported = served(file, MEASURED)
        said = exported.predict([read_cell(text, exported.space) for text in texts])
        return said[[*exported.outputs, "arch_id"]]
    from brpnas.predictors import load_predictor  # noqa: PLC0415 - torch
    from brpnas.predictors.transfer import DevicePredictor  # noqa: PLC0415

    arch_ids = [read_cell(text, known) for text in texts]
    graphs = known.graphs(arch_ids)
    predictor = load_predictor(file)
    if isinstance(predictor, DevicePredictor):
        names = OUTPUTS[predictor.metric]
        columns = dict(zip(names, predictor.intervals(graphs).T, strict=True))
    else:
        columns = {predictor.metric: predictor.predict(graphs)}
    return pd.DataFrame({**columns, "arch_id": arch_ids})


def served(file: Path, values: Collection[str]) -> OnnxPredictor:
    """An exported predictor of one of some values, such as ``latency_ms`` or ``score``."""
    found = OnnxPredictor(file)
    if found.value not in values:
        raise SchemaError(f"{file} predicts {found.value}, not {' or '.join(values)}.")
    return found


def as_text(rows: pd.DataFrame) -> str:
    """Lay out a table, numbers at their right edge."""
    cells = [
        [_cell(str(name), value) for name, value in row]
        for row in (record.items() for record in rows.to_dict("records"))
    ]
    names = [str(name) for name in rows.columns]
    return table(names, cells, right=[name for name in names if name != "arch_id"])


def _cell(name: str, value: object) -> str:
    """A number of a metric, also of one named with its device, or a text."""
    digits = _DIGITS.get(name.partition("@")[0])
    return str(value) if digits is None else f"{value:.{digits}f}"


def as_json(rows: pd.DataFrame) -> str:
    """One JSON list with an object per row."""
    return json.dumps(rows.to_dict("records"), indent=2)
