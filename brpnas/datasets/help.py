"""HELP: measured latency of NAS-Bench-201 networks (Lee et al., NeurIPS 2021, arXiv 2106.08630).

`read_help_latency` reads the published file of one of `help_devices`. The catalogue contains three
of the published devices: a GPU, a CPU and a phone. Unlike LatBench they include cells without a
path from input to output, and most were run by software that executes every operation.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from brpnas.datasets.schemas import MIN_LATENCY_MS, latency_rows
from brpnas.datasets.sources import load_catalogue
from brpnas.datasets.torch_lists import read_numbers
from brpnas.spaces.nasbench201 import NasBench201, published_cells

__all__ = ["help_devices", "read_help_latency"]

_log = logging.getLogger(__name__)

_INPUT = "0"  # in an isomorphism id


def help_devices() -> list[str]:
    """Names of the catalogued devices of HELP, equal to the names of their files."""
    return [source.name for source in load_catalogue().values() if source.group == "help"]


def read_help_latency(path: Path, device: str) -> pd.DataFrame:
    """Read a file of HELP into a latency table.

    Rows below `MIN_LATENCY_MS` are left out, with a warning, if their cell has no path from input
    to output: the runtime may have replaced the network by a constant. This affects 128 rows of
    ``pixel3``; 95 more rows of such cells are kept, 30 to 400 times below the median.

    Args:
        path: File of ``torch.save`` with a list of 15,625 latencies in ms, in the published order
            of cells, whole or not. It is read without torch, and nothing else is accepted in it.
        device: Name for the column ``device``.

    Returns:
        Latency table sorted by ``arch_id``, in ms, with null ``std_ms`` and ``repeats``: only means
        were published.

    Raises:
        SourceError: If the file is missing, corrupt, or of another kind.
        UnsafePickleError: If the pickle contains more than numbers.
        SchemaError: If the latency of a cell with a path is impossible.
    """
    arch_ids = np.array(published_cells(), dtype=object)
    values = read_numbers(path, len(arch_ids))
    impossible = np.flatnonzero((values >= 0) & (values < MIN_LATENCY_MS))
    functions = NasBench201().isomorphism_ids(arch_ids[impossible].tolist())
    left_out = impossible[[_INPUT not in function for function in functions]]
    if len(left_out):
        _log.warning(
            "%s: %d of %d latencies are left out: they are below %g ms, of cells without a path "
            "from input to output, which the runtime may have replaced by a constant",
            *(device, len(left_out), len(arch_ids), MIN_LATENCY_MS),
        )
    kept = np.delete(np.arange(len(arch_ids)), left_out)
    return latency_rows(arch_ids[kept], device, values[kept], origin=f"The HELP file {path}")
