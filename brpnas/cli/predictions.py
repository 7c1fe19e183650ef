"""What ``brpnas predict`` and ``brpnas rank`` print: answers of saved predictors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from brpnas.cli.text import table
from brpnas.errors import ConstraintError
from brpnas.predictors import BinaryRelationPredictor, LatencyPredictor
from brpnas.search import Constraint, feasible_mask
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201.cost import cost

__all__ = ["as_json", "as_text", "predict", "rank"]

_DIGITS = {"latency_ms": 4, "score": 4, "params_m": 3, "flops_m": 2}
_METRICS = ("latency_ms", "params_m", "flops_m")


def predict(file: Path, texts: Sequence[str]) -> pd.DataFrame:
    """Latency of architectures by a saved predictor.

    Args:
        file: What `LatencyPredictor.save` wrote.
        texts: Architectures of NAS-Bench-201.

    Returns:
        Columns ``latency_ms, arch_id``, in the order given.

    Raises:
        SchemaError: If the file is not a latency predictor.
        ArchitectureError: If a text is not an architecture.
    """
    space = NasBench201()
    arch_ids = [space.canonical(text) for text in texts]
    predictor = LatencyPredictor.load(file)
    latency = predictor.predict_batch(space.encode(arch_ids, predictor.view))
    return pd.DataFrame({"latency_ms": latency, "arch_id": arch_ids})


def rank(
    file: Path,
    top: int,
    latency_file: Path | None = None,
    constraints: Sequence[str] = (),
    *,
    every: bool = False,
) -> pd.DataFrame:
    """Best architectures of the whole space by a saved binary relation predictor.

    Args:
        file: What `BinaryRelationPredictor.save` wrote.
        top: How many.
        latency_file: A latency predictor, so that constraints may use ``latency_ms``.
        constraints: What they must satisfy, on predicted latency, parameters and multiply-adds.
        every: Keep every architecture; else the fastest of those that compute the same function.

    Returns:
        Columns ``rank, score, latency_ms`` (with a latency predictor), ``params_m, flops_m,
        arch_id``, best first.

    Raises:
        SchemaError: If a file is not such a predictor.
        ConstraintError: If a constraint cannot be read, or needs latency without a predictor.
        InfeasibleError: If no architecture satisfies them.
    """
    parsed = [Constraint.parse(text, _METRICS) for text in constraints]
    for constraint in parsed:
        if latency_file is None and "latency_ms" in dict(constraint.terms):
            raise ConstraintError(
                f"Constraint {constraint.text!r} needs predicted latency: give a latency predictor "
                "by --predictor FILE."
            )
    space = NasBench201()
    relation = BinaryRelationPredictor.load(file)
    graphs = space.graphs()
    params, flops = cost(space.codes(graphs.arch_ids))
    ranking = pd.DataFrame({"score": relation.score(graphs.view(relation.view))})
    if latency_file is not None:
        ranking["latency_ms"] = LatencyPredictor.load(latency_file).predict(graphs)
    ranking = ranking.assign(params_m=params / 1e6, flops_m=flops / 1e6, arch_id=graphs.arch_ids)
    metrics = {name: ranking[name].to_numpy() for name in _METRICS if name in ranking}
    ranking = ranking[feasible_mask(parsed, metrics, len(ranking))]
    cheapest = "latency_ms" if latency_file is not None else "flops_m"
    ranking = ranking.sort_values(["score", cheapest], ascending=[False, True], kind="stable")
    if not every:
        ranking = ranking[~_repeated(space, ranking["arch_id"])]
    ranking = ranking.head(top)
    ranking.insert(0, "rank", range(1, len(ranking) + 1))
    return ranking.reset_index(drop=True)


def _repeated(space: NasBench201, arch_ids: pd.Series[str]) -> pd.Series[bool]:
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
