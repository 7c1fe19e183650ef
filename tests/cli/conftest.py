"""Shared by the tests of the command line: the command, and predictors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from torch import Tensor
from typer.testing import CliRunner, Result

from brpnas.cli import app
from brpnas.graphs import GraphBatch, View
from brpnas.predictors.transfer import shipped_prior
from brpnas.predictors.transfer.prior import PriorFeatures
from brpnas.spaces import NasBench201
from tests.cells_once import cells_once
from tests.cli.models import LATENCY, RANKER, write_models

__all__ = ["cells_once"]

Brpnas = Callable[..., Result]
shipped_once = cache(shipped_prior)
_features_of = PriorFeatures.of
_features: dict[tuple[PriorFeatures, int], list[Tensor]] = {}


def features_once(
    features: PriorFeatures, views: Mapping[View, GraphBatch], *arguments: int
) -> list[Tensor]:
    """As `PriorFeatures.of`; those of all cells are kept, whose graphs `cells_once` keeps."""
    if len(views["raw"]) < len(NasBench201()):
        return _features_of(features, views, *arguments)
    key = features, id(views)
    if key not in _features:
        _features[key] = _features_of(features, views)
    return _features[key]


@pytest.fixture(scope="module", autouse=True)
def _suggest_quickly() -> Iterator[None]:
    """Suggest from 200 candidates, not 1,500, with the features of all cells computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brpnas.predictors.transfer.suggest._CANDIDATES", 200)
        patch.setattr("brpnas.cli.suggestions.shipped_prior", shipped_once)
        patch.setattr(PriorFeatures, "of", features_once)
        yield


@pytest.fixture
def brpnas(monkeypatch: pytest.MonkeyPatch) -> Brpnas:
    """Run ``brpnas`` with arguments, and optionally text on stdin."""
    for name in ("BRPNAS_MIRROR", "BRPNAS_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, prog_name="brpnas")

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with two small predictors in the places used by the pipeline."""
    root = tmp_path_factory.mktemp("models")
    write_models(root)
    return root


@pytest.fixture
def latency(models: Path) -> Path:
    """A saved latency predictor."""
    return models / LATENCY


@pytest.fixture
def ranker(models: Path) -> Path:
    """A saved pairwise ranker."""
    return models / RANKER


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A space of a user's own, without costs, and not to be listed."""
    path = tmp_path / "mine.py"
    path.write_text(
        "from brpnas.spaces import NasBench201, SearchSpace\n\n\n"
        "class Mine(NasBench201):\n    enumerable = False\n    cost = SearchSpace.cost\n"
    )
    return path
