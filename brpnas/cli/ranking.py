"""Work of ``brpnas rank``: the best architectures of a space by saved predictors.

Exported predictors answer without torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.cli.predictions import served
from brpnas.datasets.metrics import COMPUTED, MEASURED, DeviceMetric
from brpnas.errors import BrpNasError, ConfigurationError, ConstraintError
from brpnas.graphs import SpaceGraphs
from brpnas.search import Limits
from brpnas.serving import MAX_BATCH, OnnxPredictor
from brpnas.spaces import DEFAULT_SPACE, NetworkConfig, SearchSpace, get_space
from brpnas.spaces.select import select_cells

__all__ = ["rank"]

_Floats = npt.NDArray[np.float64]
_SAMPLE = 10_000
_SHOWN = ("params_m", "flops_m")
"""Costs in every ranking; others are computed for constraints only."""


def rank(
    file: Path,
    top: int,
    predictors: Sequence[Path] = (),
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
        predictors: Files of predictors of metrics, for columns and constraints.
        constraints: Constraints on predicted metrics and on computed costs.
        every: Keep every architecture; else of those that compute the same function the one with
            the least first predicted metric, or the fewest multiply-adds.
        space: Ranked space, or its name: the space that the predictors were trained on.
        sample: Number of random architectures to rank; by default the whole space, or 10,000 if it
            is too large to be listed.
        network_size: Size of the networks whose costs count, without dead operations, as they are
            exported (`NetworkConfig.size`); by default the published one.

    Returns:
        Columns ``rank, score``, the predicted metrics, ``params_m, flops_m``, other costs of the
        constraints, and ``arch_id``, best first. A metric predicted on several devices is named
        ``metric@device``.

    Raises:
        SchemaError: If a file is not such a predictor.
        ConfigurationError: If ``network_size`` is not the size of a network, or two predictors
            predict the same metric.
        ConstraintError: If a constraint cannot be read, or lacks a predictor or a cost.
        InfeasibleError: If no architecture satisfies them.
    """
    limits = Limits.parse(constraints)
    predicted = _Predicted.read(predictors)
    predicted.check(limits)
    known = get_space(space)
    if sample is None and not known.enumerable:
        sample = _SAMPLE
    graphs = known.graphs(None if sample is None else select_cells(sample, space=known))
    network = known.published if network_size is None else NetworkConfig.of_size(network_size)
    ranking = pd.DataFrame({"score": _scores(file, graphs)})
    ranking = ranking.assign(
        **predicted.values(graphs), **_costs(known, graphs, network.as_exported, limits)
    )
    metrics = {str(name): column.to_numpy() for name, column in ranking.items()}
    metrics |= {name: metrics[column] for name, column in predicted.names.items()}
    feasible = limits.within(graphs.arch_ids, metrics)
    if not feasible.any():
        raise limits.infeasible(graphs.arch_ids, metrics)
    ranking = ranking.assign(arch_id=graphs.arch_ids)[feasible]
    cheapest = next(iter(predicted.columns), "flops_m")
    ranking = ranking.sort_values(["score", cheapest], ascending=[False, True], kind="stable")
    if not every:
        ranking = ranking[~_repeated(known, ranking["arch_id"])]
    ranking = ranking.head(top)
    ranking.insert(0, "rank", range(1, len(ranking) + 1))
    return ranking.reset_index(drop=True)


class _Predicted:
    """The predicted metrics of a ranking.

    Attributes:
        columns: File of each column.
        names: Column of each name that a constraint may use: with and without device.
    """

    def __init__(self, columns: Mapping[str, Path], names: Mapping[str, str]) -> None:
        self.columns, self.names = columns, names

    @classmethod
    def read(cls, files: Sequence[Path]) -> _Predicted:
        """Name the columns.

        Raises:
            SchemaError: If a file predicts no metric of a device.
            ConfigurationError: If two predict the same one, or the device of one is not known.
        """
        metrics = [_metric(file) for file in files]
        counts = Counter(metric.metric for metric in metrics)
        columns: dict[str, Path] = {}
        names: dict[str, str] = {}
        for metric, file in zip(metrics, files, strict=True):
            alone = counts[metric.metric] == 1
            if not alone and metric.device is None:
                raise ConfigurationError(
                    f"Several predictors predict {metric.metric}, and the name of {file} does not "
                    f"say the device: rename it {metric.metric}@DEVICE{file.suffix}."
                )
            column = metric.metric if alone else str(metric)
            if column in columns:
                raise ConfigurationError(
                    f"{columns[column]} and {file} both predict {column}: give one of them."
                )
            columns[column] = file
            names |= {str(metric): column}
        return cls(columns, names)

    def check(self, limits: Limits) -> None:
        """Refuse a constraint on a metric without predictor.

        Raises:
            ConstraintError: If there is one.
        """
        known = {*self.columns, *self.names, *COMPUTED}
        for constraint in limits.constraints:
            for name in sorted(set(constraint.metrics) - known):
                given = ", ".join(sorted(known - set(COMPUTED)))
                raise ConstraintError(
                    f"Constraint {constraint.text!r} needs predicted {name}: give its predictor by "
                    f"--predictor FILE.{given and f' Predicted are {given}.'}"
                )

    def values(self, graphs: SpaceGraphs) -> dict[str, _Floats]:
        """Predictions of each architecture by column."""
        return {column: _predict(file, graphs) for column, file in self.columns.items()}


def _metric(file: Path) -> DeviceMetric:
    """Metric of a predictor; its device by the metadata, the file, or the folder of `retrain`."""
    if file.suffix == ".onnx":
        exported = served(file, MEASURED)
        metric, device = exported.value, exported.metadata.get("device")
    else:
        from brpnas.predictors import load_predictor  # noqa: PLC0415 - torch

        metric, device = load_predictor(file).metric, None
    named = file.stem if file.stem.startswith(f"{metric}@") else file.parent.name
    if device is None and (named.startswith(f"{metric}@") or file.parents[1].name == "devices"):
        device = named.rpartition("@")[2]
    try:
        return DeviceMetric(metric, device)
    except BrpNasError:  # the folder or file has another kind of name
        return DeviceMetric(metric)


def _predict(file: Path, graphs: SpaceGraphs) -> _Floats:
    """Metric of each architecture by a predictor of any kind."""
    if file.suffix == ".onnx":
        return _by_onnx(served(file, MEASURED), graphs)
    from brpnas.predictors import load_predictor  # noqa: PLC0415 - torch

    return load_predictor(file).predict(graphs)


def _scores(file: Path, graphs: SpaceGraphs) -> _Floats:
    """Score of every architecture by a pairwise ranker, saved or exported."""
    if file.suffix == ".onnx":
        return _by_onnx(served(file, ["score"]), graphs)
    from brpnas.predictors import PairwiseRanker  # noqa: PLC0415 - torch

    ranker = PairwiseRanker.load(file)
    return ranker.score(graphs.view(ranker.view))


def _by_onnx(predictor: OnnxPredictor, graphs: SpaceGraphs) -> _Floats:
    chunks = [graphs.arch_ids[i : i + MAX_BATCH] for i in range(0, len(graphs), MAX_BATCH)]
    value = predictor.value
    return np.concatenate([predictor.predict(chunk)[value].to_numpy() for chunk in chunks])


def _costs(
    space: SearchSpace, graphs: SpaceGraphs, network: NetworkConfig, limits: Limits
) -> dict[str, _Floats]:
    """Costs of each architecture: those always shown, and others that a constraint names.

    Raises:
        ConstraintError: If the space does not know a cost that a constraint names.
    """
    needed = {name for limit in limits.constraints for name in limit.metrics if name in COMPUTED}
    if needed <= set(_SHOWN):  # the others take longer
        params, flops = space.cost(graphs.arch_ids, network)
        costs = {"params_m": params / 1e6, "flops_m": flops / 1e6}
    else:
        costs = space.costs(graphs.arch_ids, network)
    for name in sorted(needed):
        if np.isnan(costs[name]).any():
            text = next(limit.text for limit in limits.constraints if name in limit.metrics)
            raise ConstraintError(
                f"Constraint {text!r} needs {name}, which the space {space.name} does not know of "
                "its networks."
            )
    return {name: costs[name] for name in costs if name in {*_SHOWN, *needed}}


def _repeated(space: SearchSpace, arch_ids: pd.Series[str]) -> pd.Series[bool]:
    """Which rows compute the same function as a row above them."""
    ids = pd.Series(space.isomorphism_ids(arch_ids.tolist()), index=arch_ids.index)
    return ids.duplicated()
