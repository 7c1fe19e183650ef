"""Node of the stage `pretrain`: a prior for new devices from known ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from brpnas.datasets import held_out, stated_size
from brpnas.graphs import SpaceGraphs
from brpnas.predictors.transfer import DevicePrior, SharedNetworkConfig, fit_prior
from brpnas.predictors.transfer.known_device import LEAST_ROWS
from brpnas.spaces import get_space
from pipelines.config import PretrainConfig, parse

__all__ = ["learn_prior"]

_log = logging.getLogger(__name__)


def learn_prior(
    graphs: SpaceGraphs,
    latency: Mapping[str, Callable[[], pd.DataFrame]],
    test_share: float,
    params: Mapping[str, Any],
) -> DevicePrior:
    """Learn a prior from the tables of all devices read by `ingest`.

    Every table loses the cells reserved for tests: the prior is tested on them, and so is a later
    retraining of one of these devices.

    Args:
        graphs: The whole space.
        latency: Loaders of the latency tables, by device.
        test_share: Share of the cells that are always test rows.
        params: Parameters of the stage.

    Raises:
        ConfigurationError: If there are fewer than two devices.
    """
    config = parse(PretrainConfig, params)
    tables, tests = {}, {}
    for device, load in sorted(latency.items()):
        table = load()
        test = held_out(table["arch_id"].tolist(), test_share)
        tables[device], tests[device] = table[~test], table[test]
    _log.info("Learning from %d devices: %s", len(tables), ", ".join(tables))
    network = SharedNetworkConfig(
        **config.model_dump(include=set(SharedNetworkConfig.__dataclass_fields__))
    )
    prior = fit_prior(
        graphs,
        tables,
        network,
        held_out=tests,
        keep_tables=config.keep_tables,
        seed=config.seed,
        progress=True,
    )
    for device, answers in zip(prior.devices, prior.answers, strict=True):
        if answers is None:
            _log.warning(
                "%s has fewer than %d test rows, so its error is unknown and `brpnas predict "
                "--device` refuses it",
                *(device, LEAST_ROWS),
            )
        else:
            _log.info(
                "%s: median error %.1f %%, %.0f %% within ±10 %%, on %d test rows",
                *(device, 100 * answers.median, 100 * answers.within_10, answers.rows),
            )
    published = get_space(graphs.space).published.size
    sizes = [stated_size(tables[device]) or published for device in prior.devices]
    return replace(prior, network_sizes=tuple(sizes))
