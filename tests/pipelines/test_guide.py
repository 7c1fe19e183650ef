"""The command printed by `measure`, parsed by Kedro's own options, trains on the measured cells."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader

from brpnas.datasets import DeviceMetric
from brpnas.predictors.transfer import shipped_prior
from brpnas.spaces import get_space
from pipelines import settings
from pipelines.cli import cli
from pipelines.config import Parameters, parse
from pipelines.guide import after_measure
from pipelines.train.nodes import split_rows
from pipelines.train.targets import Targets
from tests.contracts.pages import ROOT


def options_of(command: str) -> dict[str, Any]:
    """Parameters parsed by Kedro's `run` from a command pasted into a shell."""
    program, run, *words = shlex.split(command)
    assert (program, run) == ("kedro", "run")
    options: dict[str, Any] = cli.commands["run"].make_context("run", words).params
    return options


def parameters_of(environment: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    loader = OmegaConfigLoader(
        str(ROOT / "conf"),
        env=environment or "local",
        base_env="base",
        runtime_params=dict(given),
        **{k: v for k, v in settings.CONFIG_LOADER_ARGS.items() if k not in ("base_env", "env")},
    )
    parameters: dict[str, Any] = loader["parameters"]
    parse(Parameters, parameters)
    return parameters


ENVIRONMENTS = [None, "chain", "darts", "fbnet", "latbench", "live", "nasbench101"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(("rows", "device"), [(12, "my-board"), (150, "855"), (12, "1e5")])
def test_it_trains_on_what_was_measured(environment: str | None, rows: int, device: str) -> None:
    before = parameters_of(environment, {"measure": {"cells": rows}})
    space = get_space(before["space"])
    cells = space.sample(np.random.default_rng(rows), rows)
    command = after_measure(device, cells, before, environment, {"measure": {"cells": rows}})
    assert command is not None
    options = options_of(command)
    assert options["env"] == environment
    assert options["pipelines"] == ["ingest", "featurise", "train"]
    after = parameters_of(environment, options["params"])
    assert (after["device"], after["space"]) == (device, before["space"])
    assert "measured" in after["ingest"]["benchmarks"]
    table = pd.DataFrame({"arch_id": cells, "latency_ms": 1.0, "network_size": "x"})
    prior = shipped_prior("nasbench201")
    targets = Targets(after["space"], (DeviceMetric("latency_ms", device),))
    given = (prior, after["test_share"], after["train"])
    split = split_rows(targets, {device: lambda **_: table}, *given)["split"]
    assert (split == "train").sum() >= min(5, rows // 2)
    assert {"train"} < set(split) | {"test"}


def test_what_was_given_is_given_again_but_for_what_is_over() -> None:
    given = {
        "measure": {"cells": 40, "device": "mine"},
        "timing": {"threads": 2},
        "network": {"channels": 4},
        "device": "another",
        "images": {"path": "my pictures"},
        "search": {"report": {"comparison_seeds": 0}, "sampler": {"candidates": None}},
        "train": {"train_rows": 3, "seed": 7},
    }
    before = parameters_of(None, given)
    cells = get_space("nasbench201").sample(np.random.default_rng(0), 40)
    command = after_measure("mine", cells, before, None, given)
    assert command is not None
    params = options_of(command)["params"]
    assert params == {
        "network": {"channels": 4},
        "images": {"path": "my pictures"},
        "search": {"report": {"comparison_seeds": 0}, "sampler": {"candidates": None}},
        "train": {"seed": 7},
        "device": "mine",
    }


def test_too_few_rows_for_networks_are_no_command() -> None:
    before = parameters_of("chain", {})
    assert after_measure("mine", ["skip-skip-skip-skip-skip"], before, "chain", {}) is None
