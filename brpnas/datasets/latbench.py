"""LatBench: measured latency of NAS-Bench-201 networks on 13 devices (arXiv 2007.08668).

`read_latency` reads the published file of one of `latbench_devices`. `near_twins` finds devices
with nearly the same table: an average must not count both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from brpnas.datasets.cells import arch_ids, cell_numbers
from brpnas.datasets.schemas import latency_rows
from brpnas.datasets.sources import load_catalogue
from brpnas.datasets.unpickle import safe_load
from brpnas.errors import SourceError

__all__ = ["latbench_devices", "near_twins", "read_latency"]


def latbench_devices() -> list[str]:
    """Names of the devices of LatBench, equal to the names of its files."""
    return [source.name for source in load_catalogue().values() if source.group == "latbench"]


def read_latency(path: Path, device: str) -> pd.DataFrame:
    """Read a file of LatBench into a latency table.

    Only cells with a path from input to output were measured: 15,284, or a few less on phones.

    Args:
        path: A pickled dict from six operation codes to mean latency in seconds.
        device: Name for the column ``device``.

    Returns:
        Latency table sorted by ``arch_id``, in ms, with null ``std_ms`` and ``repeats``: only means
        were published.

    Raises:
        SourceError: If the file is missing, corrupt, or of another kind.
        UnsafePickleError: If the pickle contains more than numbers.
        SchemaError: If a latency is impossible.
    """
    published = safe_load(path)
    if not isinstance(published, dict) or not published:
        raise SourceError(f"{path} is not a file of LatBench: expected is a dict of latencies.")
    numbers = cell_numbers(list(published), f"The LatBench file {path}")
    try:
        seconds = np.array(list(published.values()), dtype=np.float64).reshape(len(numbers))
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"{path} is not a file of LatBench: latencies must be numbers."
        ) from error
    origin = f"The LatBench file {path}"
    return latency_rows(arch_ids(numbers), device, seconds * 1000.0, origin=origin)


def near_twins(
    tables: Mapping[str, pd.DataFrame], threshold: float = 0.99, least: int = 30
) -> list[tuple[str, str, float]]:
    """Pairs of devices with nearly the same ranking of architectures.

    In LatBench these are the desktop CPU and the desktop GPU (0.997, with equal ms: probably one
    processor measured twice). The next pairs, CPU and GPU of one phone chip, have 0.98 and 0.97 and
    differ in ms.

    Args:
        tables: Latency table of each device, by name.
        threshold: Smallest reported Spearman correlation, over the common architectures.
        least: Smallest number of common architectures.

    Returns:
        ``(device, device, Spearman)`` once per pair, in decreasing order.
    """
    wide = pd.DataFrame({name: t.set_index("arch_id")["latency_ms"] for name, t in tables.items()})
    correlation = wide.corr(method="spearman", min_periods=least).to_numpy()
    alike = np.argwhere(np.triu(correlation >= threshold, k=1))
    names = list(tables)
    pairs = [(names[i], names[j], float(correlation[i, j])) for i, j in alike.tolist()]
    return sorted(pairs, key=lambda pair: -pair[2])
