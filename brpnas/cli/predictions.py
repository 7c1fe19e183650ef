"""Work of ``brpnas predict``, and the text of predictions: answers of saved predictors."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from brpnas.cli.cells import read_cell
from brpnas.cli.text import fields, table
from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.devices import load_devices
from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.predictors import load_predictor
from brpnas.predictors.transfer import (
    DeviceAnswers,
    DevicePredictor,
    DevicePrior,
    known_device,
    predict_known,
    shipped_prior,
)
from brpnas.predictors.transfer.known_device import COVERAGE
from brpnas.serving import OUTPUTS, OnnxPredictor
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, SearchSpace, get_space, opened_space

__all__ = [
    "KnownLatencies",
    "as_json",
    "as_text",
    "find_predictor",
    "predict",
    "predict_device",
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
    arch_ids = [read_cell(text, known) for text in texts]
    graphs = known.graphs(arch_ids)
    predictor = load_predictor(file)
    if isinstance(predictor, DevicePredictor):
        names = OUTPUTS[predictor.metric]
        columns = dict(zip(names, predictor.intervals(graphs).T, strict=True))
    else:
        columns = {predictor.metric: predictor.predict(graphs)}
    return pd.DataFrame({**columns, "arch_id": arch_ids})


@dataclass(frozen=True, eq=False)
class KnownLatencies:
    """Latencies on a device that a prior knows, and the error to expect.

    Attributes:
        device: Name of the device.
        network_size: Size of its networks.
        answers: Error of the prior on this device.
        rows: Columns ``latency_ms, lower_ms, upper_ms, arch_id``.
    """

    device: str
    network_size: str
    answers: DeviceAnswers
    rows: pd.DataFrame

    def as_text(self) -> str:
        """The table, and below it device and error."""
        error, described = self.answers, load_devices().get(self.device)
        order = "undefined" if error.spearman is None else f"{error.spearman:.3f}"
        facts = {
            "device": self.device,
            "hardware": "" if described is None else described.hardware,
            "networks": self.network_size,
            "error": f"median {100 * error.median:.1f} %, {100 * error.within_10:.1f} % of cells "
            f"within ±10 %, Spearman {order}",
            "measured on": f"{error.rows:,} cells of this device, unknown to the prior",
            "interval": f"holds {100 * COVERAGE:.0f} % of these cells",
        }
        return f"{as_text(self.rows)}\n\n{fields(facts)}"

    def as_json(self) -> str:
        """One JSON object: device, size, error, and a list with an object per row."""
        names = ("rows", "median", "within_10", "spearman")
        error = {name: value for name, value in asdict(self.answers).items() if name in names}
        return json.dumps(
            {
                "device": self.device,
                "network_size": self.network_size,
                "coverage": COVERAGE,
                "error": error,
                "predictions": self.rows.to_dict("records"),
            },
            indent=2,
        )


def predict_device(
    device: str,
    texts: Sequence[str],
    *,
    prior: Path | None = None,
    network_size: str | None = None,
    space: str = DEFAULT_SPACE,
) -> KnownLatencies:
    """Latency of architectures on a device that a prior knows.

    Args:
        device: Name of the device.
        texts: Architectures, in any notation of the space.
        prior: File of the prior; None for the packaged one.
        network_size: Size of their networks; None for that of the device.
        space: Space of the packaged prior. A file names its own.

    Raises:
        UnknownNameError: If the prior does not know the device; lists those that it knows.
        SchemaError: If the file is not a prior, or the networks have another size.
        ArchitectureError: If a text is not an architecture, or nothing like it was measured.
    """
    known = shipped_prior(get_space(space).name) if prior is None else DevicePrior.load(prior)
    if network_size is not None:
        network_size = NetworkConfig.of_size(network_size).size
    answers, size = known_device(known, device, network_size)
    opened = opened_space(known.space, prior or "The prior that ships")
    arch_ids = [read_cell(text, opened) for text in texts]
    latencies = predict_known(known, device, opened.graphs(arch_ids))
    columns = dict(zip(OUTPUTS[LATENCY_MS], latencies.T, strict=True))
    return KnownLatencies(device, size, answers, pd.DataFrame({**columns, "arch_id": arch_ids}))


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
