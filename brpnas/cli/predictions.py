"""Work and text of ``brpnas predict`` and ``brpnas rank``: answers of saved predictors.

Exported predictors answer without torch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.cli.cells import read_cell
from brpnas.cli.text import table
from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.errors import ConfigurationError, ConstraintError, SchemaError, UnknownNameError
from brpnas.graphs import SpaceGraphs
from brpnas.search import Limits
from brpnas.search.limits import METRICS
from brpnas.serving import MAX_BATCH, OUTPUTS, OnnxPredictor
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, SearchSpace, get_space
from brpnas.spaces.select import select_cells

__all__ = [
    "as_json",
    "as_text",
    "find_predictor",
    "predict",
    "rank",
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
_SAMPLE = 10_000


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
        served = _served(file, MEASURED)
        said = served.predict([read_cell(text, served.space) for text in texts])
        return said[[*served.outputs, "arch_id"]]
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


def _served(file: Path, values: Collection[str]) -> OnnxPredictor:
    """An exported predictor of one of some values, such as ``latency_ms`` or ``score``."""
    served = OnnxPredictor(file)
    if served.value not in values:
        raise SchemaError(f"{file} predicts {served.value}, not {' or '.join(values)}.")
    return served


def _by_onnx(file: Path, value: str, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
    """Prediction of an exported predictor for each architecture."""
    served = _served(file, [value])
    chunks = [graphs.arch_ids[i : i + MAX_BATCH] for i in range(0, len(graphs), MAX_BATCH)]
    return np.concatenate([served.predict(chunk)[value].to_numpy() for chunk in chunks])


def _latency(file: Path, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
    """Latency of each architecture by a predictor of any kind."""
    if file.suffix == ".onnx":
        return _by_onnx(file, "latency_ms", graphs)
    from brpnas.predictors import load_predictor  # noqa: PLC0415 - torch

    predictor = load_predictor(file)
    if predictor.metric != LATENCY_MS:
        raise SchemaError(f"{file} predicts {predictor.metric}, not {LATENCY_MS}.")
    return predictor.predict(graphs)


def _scores(file: Path, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
    """Score of every architecture by a pairwise ranker, saved or exported."""
    if file.suffix == ".onnx":
        return _by_onnx(file, "score", graphs)
    from brpnas.predictors import PairwiseRanker  # noqa: PLC0415 - torch

    ranker = PairwiseRanker.load(file)
    return ranker.score(graphs.view(ranker.view))


def rank(
    file: Path,
    top: int,
    latency_file: Path | None = None,
    constraints: Sequence[str] = (),
    *,
    every: bool = False,
    space: SearchSpace | str = DEFAULT_SPACE,
    sample: int | None = None,
    network_size: str | None = None,
) -> pd.DataFrame:
    """Best architectures of the whole space by a saved or exported ranker.

    Args:
        file: File of a `PairwiseRanker`, saved or exported (``.onnx``).
        top: How many.
        latency_file: A latency predictor, so that constraints may use ``latency_ms``.
        constraints: What they must satisfy, on predicted latency, parameters and multiply-adds.
        every: Keep every architecture; else the fastest of those that compute the same function.
        space: What is ranked, or its name: the space that the predictors were trained on.
        sample: Rank so many random architectures instead; by default the whole space, or 10,000
            where it is too large to be listed.
        network_size: Size of the networks whose parameters and multiply-adds count, without dead
            operations, as they are exported (`NetworkConfig.size`); by default the published one.

    Returns:
        Columns ``rank, score, latency_ms`` (with a latency predictor), ``params_m, flops_m,
        arch_id``, best first.

    Raises:
        SchemaError: If a file is not such a predictor.
        ConfigurationError: If ``network_size`` is not the size of a network.
        ConstraintError: If a constraint cannot be read, or needs latency without a predictor.
        InfeasibleError: If no architecture satisfies them.
    """
    limits = Limits.parse(constraints, METRICS)
    for constraint in limits.constraints:
        if latency_file is None and "latency_ms" in constraint.metrics:
            raise ConstraintError(
                f"Constraint {constraint.text!r} needs predicted latency: give a latency predictor "
                "by --predictor FILE."
            )
    known = get_space(space)
    if sample is None and not known.enumerable:
        sample = _SAMPLE
    graphs = known.graphs(None if sample is None else select_cells(sample, space=known))
    network = known.published if network_size is None else NetworkConfig.of_size(network_size)
    params, flops = known.cost(graphs.arch_ids, network.as_exported)
    for name, values in (("params_m", params), ("flops_m", flops)):
        named = [c.text for c in limits.constraints if name in c.metrics]
        if named and np.isnan(values).any():
            raise ConstraintError(
                f"Constraint {named[0]!r} needs {name}, which the space {known.name} does not "
                "know of its networks."
            )
    ranking = pd.DataFrame({"score": _scores(file, graphs)})
    if latency_file is not None:
        ranking["latency_ms"] = _latency(latency_file, graphs)
    ranking = ranking.assign(params_m=params / 1e6, flops_m=flops / 1e6, arch_id=graphs.arch_ids)
    metrics = {name: ranking[name].to_numpy() for name in METRICS if name in ranking}
    feasible = limits.within(graphs.arch_ids, metrics)
    if not feasible.any():
        raise limits.infeasible(graphs.arch_ids, metrics)
    ranking = ranking[feasible]
    cheapest = "latency_ms" if latency_file is not None else "flops_m"
    ranking = ranking.sort_values(["score", cheapest], ascending=[False, True], kind="stable")
    if not every:
        ranking = ranking[~_repeated(known, ranking["arch_id"])]
    ranking = ranking.head(top)
    ranking.insert(0, "rank", range(1, len(ranking) + 1))
    return ranking.reset_index(drop=True)


def _repeated(space: SearchSpace, arch_ids: pd.Series[str]) -> pd.Series[bool]:
    """Which rows compute the same function as a row above them."""
    ids = pd.Series(space.isomorphism_ids(arch_ids.tolist()), index=arch_ids.index)
    return ids.duplicated()


def as_text(rows: pd.DataFrame) -> str:
    """Lay out a table, numbers at their right edge."""
    cells = [
        [f"{value:.{_DIGITS[name]}f}" if name in _DIGITS else str(value) for name, value in row]
        for row in (record.items() for record in rows.to_dict("records"))
    ]
    names = [str(name) for name in rows.columns]
    return table(names, cells, right=[name for name in names if name != "arch_id"])


def as_json(rows: pd.DataFrame) -> str:
    """One JSON list with an object per row."""
    return json.dumps(rows.to_dict("records"), indent=2)
