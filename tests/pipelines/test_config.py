from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from brpnas.errors import ConfigurationError
from pipelines.config import IngestConfig, Parameters, RankerConfig, parse
from tests.pipelines.parameters import base

RANKER = base("search")["sampler"]["ranker"] | {"learning_rate": 0.1}


def test_values_become_a_frozen_model() -> None:
    config = parse(RankerConfig, RANKER)
    assert config.learning_rate == 0.1
    with pytest.raises(ValidationError):
        config.epochs = 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 3}, r"Unknown key 'epoch' .*'epochs'\?"),
        ({"epochs": 0}, r"Bad value 0 of 'epochs' .* 1\."),
        ({"epochs": "many"}, "Bad value 'many' of 'epochs'.*integer"),
        ({"learning_rate": -1}, "Bad value -1 of 'learning_rate'"),
        ({"view": "auto"}, "Unknown value 'auto' of 'view'.*Known: pruned, raw"),
        ({"epochs": 2.5}, "Bad value 2.5 of 'epochs'"),
    ],
)
def test_bad_values_are_explained(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse(RankerConfig, RANKER | change)


def test_missing_key_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="Missing key 'epochs' "):
        parse(RankerConfig, {k: v for k, v in RANKER.items() if k != "epochs"})


def test_unknown_name_suggests_one() -> None:
    with pytest.raises(ConfigurationError, match=r"'latbnch' of 'benchmarks' .*'latbench'\?"):
        parse(IngestConfig, {"benchmarks": ["latbnch"], "sample": None, "seed": 0})


@pytest.mark.parametrize("seed", [-1, 2**32, 2**63])
def test_seeds_that_no_generator_takes_are_refused(seed: int) -> None:
    with pytest.raises(ConfigurationError, match=r"Bad value .* of 'seed'"):
        parse(IngestConfig, {"benchmarks": ["latbench"], "sample": None, "seed": seed})


def test_no_model_has_a_default() -> None:
    def models(model: type[BaseModel]) -> list[type[BaseModel]]:
        nested = [f.annotation for f in model.model_fields.values()]
        found = [n for n in nested if isinstance(n, type) and issubclass(n, BaseModel)]
        return [model, *(m for n in found for m in models(n))]

    optional = [
        f"{model.__name__}.{name}"
        for model in models(Parameters)
        for name, field in model.model_fields.items()
        if not field.is_required()
    ]
    assert optional == [], "defaults belong into conf/base/parameters_*.yml alone"
