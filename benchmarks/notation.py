"""How often latencies tell that cells are written in the notation of NASLib, and how often wrongly.

Rows are drawn from each table and written once as NASLib writes cells and once as NAS-Bench-201
does. Found: of the first, those that `brpnas.devices.intake.notation` reports. False: of the
second, those that it reports. `--quick` takes the tables that ship; else those of LatBench and HELP
too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import bench
from brpnas.datasets import (
    embedded_devices,
    help_devices,
    latbench_devices,
    read_embedded_latency,
)
from brpnas.devices.intake.notation import CERTAIN, LIKELY
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201.naslib import NASLIB

__all__ = ["figures", "run", "tables", "written"]

SEEDS = 5, 40
ROWS = (20, 50, 100, 300, 900)
FAR = 30.0


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Shares found, refused and falsely reported by number of rows; ``seeds`` are the draws."""
    return figures(tables(published=not quick), draws=seeds)


def tables(*, published: bool) -> dict[str, pd.DataFrame]:
    """Latency tables by device, without the rows that the intake of a device refuses.

    Args:
        published: Whether to take those of LatBench and HELP beside those that ship.
    """
    found = {name: read_embedded_latency(name) for name in embedded_devices()}
    if published:
        found |= {name: bench().latency(name) for name in latbench_devices()}
        found |= {name: bench().help_latency(name) for name in help_devices()}
    near = {}
    for name, table in found.items():
        ratio = table["latency_ms"] / table["latency_ms"].median()
        near[name] = table[ratio.between(1 / FAR, FAR)]
    return near


def written(space: NasBench201, arch_ids: list[str]) -> list[str]:
    """Cells as NASLib writes them; reading twice is reading as it stands."""
    cells = [NASLIB.read(str(tuple(codes))) for codes in space.codes(arch_ids).tolist()]
    return [str(tuple(codes)) for codes in space.codes(cells).tolist()]


def figures(devices: Mapping[str, pd.DataFrame], *, draws: int) -> dict[str, Any]:
    """Number of devices and draws, and by rows the shares found, refused and falsely reported.

    A draw of more rows than a table holds is left out.
    """
    space, rng = NasBench201(), np.random.default_rng(0)
    ratios: dict[int, list[tuple[float, float]]] = {rows: [] for rows in ROWS}
    for table in devices.values():
        for rows in (count for count in ROWS if count <= len(table)):
            for _ in range(draws):
                drawn = table.iloc[rng.choice(len(table), rows, replace=False)]
                cells, values = drawn["arch_id"].tolist(), drawn["latency_ms"].to_numpy(np.float64)
                ours = [str(tuple(codes)) for codes in space.codes(cells).tolist()]
                theirs = written(space, cells)
                ratios[rows].append(
                    (NASLIB.evidence(theirs, values)[1], NASLIB.evidence(ours, values)[1])
                )
    shares = {}
    for rows, pairs in ratios.items():
        theirs_ratio, ours_ratio = np.array(pairs).T
        shares[str(rows)] = {
            "found": round(float(np.mean(theirs_ratio >= LIKELY)), 4),
            "refused": round(float(np.mean(theirs_ratio >= CERTAIN)), 4),
            "false": round(float(np.mean(ours_ratio >= LIKELY)), 4),
            "largest_true": round(float(ours_ratio.max()), 2),
        }
    return {"devices": len(devices), "draws": draws, "rows": shares}
