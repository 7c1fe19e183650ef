"""The parameters of a search, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from brpnas.search.fronts import Known, Objectives
from brpnas.spaces import NetworkConfig
from pipelines.config import ImagesConfig, SearchConfig, parse
from pipelines.network import network_config

__all__ = ["SearchSettings", "read_settings"]


@dataclass(frozen=True)
class SearchSettings:
    """The common parameters of the stage's nodes.

    Attributes:
        space: Name of the space.
        dataset: Data set of the accuracies.
        constraints: Constraints, as strings.
        search: Parameters of the stage.
        network: Size of the trained, measured and delivered networks.
        images: Training images, if the oracle trains.
        objectives: Objectives of the search.
        known: Measured values of their costs, which replace predictions.
    """

    space: str
    dataset: str
    constraints: tuple[str, ...]
    search: SearchConfig
    network: NetworkConfig
    images: ImagesConfig
    objectives: Objectives = field(default_factory=Objectives)
    known: Known = field(default_factory=dict, repr=False)

    def task(self) -> dict[str, Any]:
        """The parameters that decide the result, as JSON values: the groups as configured."""
        return {
            "space": self.space,
            "dataset": self.dataset,
            "constraints": list(self.constraints),
            "objectives": list(map(str, self.objectives)),
            **self.search.model_dump(mode="json", exclude={"report", "workers"}),
        }


def read_settings(
    space: str,
    dataset: str,
    constraints: Sequence[str],
    search: Mapping[str, Any],
    network: Mapping[str, Any],
    images: Mapping[str, Any],
) -> SearchSettings:
    """Check the parameters.

    Raises:
        ConfigurationError: If a key is unknown or missing, or a value is out of range.
    """
    return SearchSettings(
        space,
        dataset,
        tuple(constraints),
        parse(SearchConfig, search),
        network_config(network),
        parse(ImagesConfig, images),
    )
