"""Published benchmarks as tables.

- To get files: `load_catalogue` lists what is published where, `fetch_group` brings all files of a
  benchmark (`fetch` one of them) from a mirror or from the network, verified by hash.
- To read them: `read_latency` for LatBench, `read_accuracy` and `read_architectures` for
  NAS-Bench-201. Pickles are opened by `safe_load` only.
- To check any table of the project, also a user's own: `validate` with `LATENCY`, `ACCURACY` or
  `ARCHITECTURES`.
- To ask a table: `mean_accuracy` for one accuracy per architecture, `near_twins` for devices whose
  tables are nearly the same measurement.
"""

from brpnas.datasets.latbench import latbench_devices, near_twins, read_latency
from brpnas.datasets.lookup import mean_accuracy
from brpnas.datasets.nasbench201 import DATASETS, SEEDS, read_accuracy, read_architectures
from brpnas.datasets.schemas import ACCURACY, ARCHITECTURES, LATENCY, validate
from brpnas.datasets.sources import Source, fetch, fetch_group, get_source, load_catalogue
from brpnas.datasets.unpickle import safe_load

__all__ = [
    "ACCURACY",
    "ARCHITECTURES",
    "DATASETS",
    "LATENCY",
    "SEEDS",
    "Source",
    "fetch",
    "fetch_group",
    "get_source",
    "latbench_devices",
    "load_catalogue",
    "mean_accuracy",
    "near_twins",
    "read_accuracy",
    "read_architectures",
    "read_latency",
    "safe_load",
    "validate",
]
