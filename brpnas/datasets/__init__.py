"""Benchmarks as tables: the published ones and the embedded one.

- Without a download: `list_architectures` for the space, `read_embedded_accuracy` and
  `read_embedded_latency` for the embedded benchmark, `read_embedded_curves` for its learning
  curves.
- Getting files: `load_catalogue` lists published files; `fetch_group` gets all files of a benchmark
  (`fetch` one of them) from a mirror or the network and verifies their hashes.
- Reading them: `read_latency` for LatBench, `read_help_latency` for HELP, `read_accuracy` for
  NAS-Bench-201, `read_nasbench101_accuracy` and `read_nasbench101_architectures` for the public
  sample of NAS-Bench-101, `read_fbnet_latency` and `read_fbnet_architectures` for FBNet. Only
  `safe_load` and `safe_loads` open pickles.
- Predicting the accuracy of a DARTS architecture on CIFAR-10: `Surrogate` of NAS-Bench-301.
- Naming a metric: `METRICS` with units and plausible ranges, `DeviceMetric` for
  ``latency_ms@my-phone``.
- Reading the predictions of several device metrics: `predicted_metrics`, `rows_of`.
- Checking a table: `validate` with `LATENCY`, `ACCURACY`, `CURVES`, `ARCHITECTURES` or
  `OPERATIONS`.
- Querying a table: `mean_accuracy` for one accuracy per architecture, `near_twins` for devices with
  nearly the same table, `brpnas.datasets.noise` for the noise of a measurement,
  `brpnas.datasets.curves` for learning curves.
- Reading a user's table: `read_own_table`.
- Splitting a growing table: `held_out` marks the test rows.
- `share_with_isomorphic` copies accuracies to isomorphic cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.datasets.architectures import list_architectures
    from brpnas.datasets.fbnet import (
        fbnet_devices,
        read_fbnet_architectures,
        read_fbnet_latency,
    )
    from brpnas.datasets.help import help_devices, read_help_latency
    from brpnas.datasets.holdout import TEST_SHARE, fitting_rows, held_out
    from brpnas.datasets.isomorphic import share_with_isomorphic
    from brpnas.datasets.latbench import latbench_devices, near_twins, read_latency
    from brpnas.datasets.lookup import mean_accuracy
    from brpnas.datasets.metrics import COMPUTED, MEASURED, METRICS, DeviceMetric, Metric
    from brpnas.datasets.names import DATASETS, EMBEDDED_DATASETS
    from brpnas.datasets.nasbench101 import (
        NASBENCH101_EPOCHS,
        read_nasbench101_accuracy,
        read_nasbench101_architectures,
    )
    from brpnas.datasets.nasbench201 import SEEDS, read_accuracy
    from brpnas.datasets.nasbench301 import Surrogate
    from brpnas.datasets.own import read_own_table
    from brpnas.datasets.predictions import predicted_metrics, rows_of
    from brpnas.datasets.schemas import (
        ACCURACY,
        ARCHITECTURES,
        CURVES,
        LATENCY,
        OPERATIONS,
        stated_precision,
        stated_size,
        validate,
    )
    from brpnas.datasets.shipped import (
        embedded_devices,
        embedded_facts,
        embedded_network,
        embedded_notes,
        read_embedded_accuracy,
        read_embedded_curves,
        read_embedded_latency,
        read_embedded_operations,
    )
    from brpnas.datasets.sources import Source, fetch, fetch_group, get_source, load_catalogue
    from brpnas.datasets.unpickle import safe_load, safe_loads

__all__ = [
    "ACCURACY",
    "ARCHITECTURES",
    "COMPUTED",
    "CURVES",
    "DATASETS",
    "EMBEDDED_DATASETS",
    "LATENCY",
    "MEASURED",
    "METRICS",
    "NASBENCH101_EPOCHS",
    "OPERATIONS",
    "SEEDS",
    "TEST_SHARE",
    "DeviceMetric",
    "Metric",
    "Source",
    "Surrogate",
    "embedded_devices",
    "embedded_facts",
    "embedded_network",
    "embedded_notes",
    "fbnet_devices",
    "fetch",
    "fetch_group",
    "fitting_rows",
    "get_source",
    "held_out",
    "help_devices",
    "latbench_devices",
    "list_architectures",
    "load_catalogue",
    "mean_accuracy",
    "near_twins",
    "predicted_metrics",
    "read_accuracy",
    "read_embedded_accuracy",
    "read_embedded_curves",
    "read_embedded_latency",
    "read_embedded_operations",
    "read_fbnet_architectures",
    "read_fbnet_latency",
    "read_help_latency",
    "read_latency",
    "read_nasbench101_accuracy",
    "read_nasbench101_architectures",
    "read_own_table",
    "rows_of",
    "safe_load",
    "safe_loads",
    "share_with_isomorphic",
    "stated_precision",
    "stated_size",
    "validate",
]

__getattr__, __dir__ = front_door(__name__, __file__)
