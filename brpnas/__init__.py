"""Hardware-aware neural architecture search with BRP-NAS (Dudziak et al., NeurIPS 2020).

The most common names are here; the rest is in the subpackages. Names are imported on first use:
``import brpnas`` is fast and needs no torch.

- Spaces and graphs: `get_space`, `NasBench201`, `SpaceGraphs`.
- Data: `fetch_group` gets published files, `get_device` looks a device up.
- Latency: `fit_metric` trains a `MetricPredictor` from `MeasuredRows`; `regression_metrics`
  scores it.
- Search: `run_search` runs a sampler (`get_sampler`) on a `ListedPool` against an `Oracle`, such
  as `TableOracle`; `Limits` reads constraints, `SearchStore` keeps the answers,
  `PairwiseRanker` ranks by accuracy. `TrainingConfig` sizes the networks of both.
- `BrpNasError` is the root of all expected errors.

Examples:
    >>> import brpnas
    >>> len(brpnas.get_space("nasbench201"))
    15625
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from brpnas.errors import UnsupportedPlatformError
from brpnas.front_door import front_door
from brpnas.telemetry import turn_off_telemetry

if sys.platform == "win32":
    raise UnsupportedPlatformError(
        "brpnas runs on Linux and macOS, not on Windows itself: its stores need the file locks of "
        "POSIX. On Windows, install it inside the Windows Subsystem for Linux (`wsl --install`), "
        "or use the containers (docs/containers.md)."
    )
turn_off_telemetry()

if TYPE_CHECKING:
    from brpnas.datasets import fetch_group
    from brpnas.devices import get_device
    from brpnas.errors import BrpNasError
    from brpnas.graphs import SpaceGraphs
    from brpnas.metrics import regression_metrics
    from brpnas.predictors import (
        MeasuredRows,
        MetricPredictor,
        PairwiseRanker,
        TrainingConfig,
        fit_metric,
    )
    from brpnas.search import (
        Limits,
        ListedPool,
        Oracle,
        SearchStore,
        TableOracle,
        get_sampler,
        run_search,
    )
    from brpnas.spaces import NasBench201, get_space

__all__ = [
    "BrpNasError",
    "Limits",
    "ListedPool",
    "MeasuredRows",
    "MetricPredictor",
    "NasBench201",
    "Oracle",
    "PairwiseRanker",
    "SearchStore",
    "SpaceGraphs",
    "TableOracle",
    "TrainingConfig",
    "fetch_group",
    "fit_metric",
    "get_device",
    "get_sampler",
    "get_space",
    "regression_metrics",
    "run_search",
]

_look_up, __dir__ = front_door(__name__, __file__)


def __getattr__(name: str) -> object:
    if name != "__version__":
        return _look_up(name)
    from importlib.metadata import version  # noqa: PLC0415 - half of the time of `import brpnas`

    return version("brpnas")
