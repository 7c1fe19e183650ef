"""Checks of the latencies as a whole: unit, outliers, timer, architectures.

The thresholds come from 19 tables of NAS-Bench-201: the 13 of LatBench, three of HELP and the three
embedded ones. Their medians range from 0.9 to 26 ms. Networks with a path from input to output are
at most 10 times faster and 5 times slower than the median, except for one outlier of 11 times.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.schemas import MAX_LATENCY_MS, MIN_LATENCY_MS
from brpnas.graphs import INPUT, OUTPUT
from brpnas.spaces import SearchSpace
from brpnas.tables import Finding, error, warning

__all__ = [
    "FAR_FACTOR",
    "FASTEST_MEDIAN_MS",
    "FAST_FACTOR",
    "ISOMORPHIC_FACTOR",
    "SLOWEST_MEDIAN_MS",
    "SLOW_FACTOR",
    "check_values",
]

FASTEST_MEDIAN_MS = 0.05
"""Lower medians are taken for seconds: a seventeenth of the fastest known median, 0.9 ms. The
slowest known median in seconds, 0.026, is below it."""
SLOWEST_MEDIAN_MS = 500.0
"""Higher medians are taken for microseconds: twenty times the slowest known median, 26 ms. The
fastest known median in microseconds, 900, is above it. A microcontroller may be slower: switch the
check off for it."""
NANOSECONDS_ABOVE = 5e5
"""Higher medians are taken for nanoseconds."""
FAR_FACTOR = 30.0
"""Largest ratio to the median. Known tables exceed it only for networks without a path to the
output: the runtime replaced them by a constant."""
SLOW_FACTOR, FAST_FACTOR = 8.0, 15.0
"""Ratios to the median, slower and faster, above which a latency is flagged."""
ISOMORPHIC_FACTOR = 10.0
"""Ratio above which isomorphic cells are flagged. In tables of phones dozens differ by up to 9."""
COARSE_STEP = 0.02
"""Step of the timer, as a share of the median, above which it is flagged."""
UNRELATED_ROWS, UNRELATED_SHARE = 50, 0.15
"""From this number of rows a smaller share of the variance of log latency explained by the
operations is flagged. The least share in 200 draws of 50 rows from each known table is 0.18; nine
in ten shuffled draws are below 0.1."""
_BETWEEN_UNITS = 10.0
_AGAIN = "Measure these cells again, or remove the rows."
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def check_values(
    rows: pd.DataFrame, space: SearchSpace, *, unit_check: bool = True
) -> list[Finding]:
    """Check the latencies of a file as a whole.

    Args:
        rows: Sound rows: ``line``, ``arch_id``, ``latency_ms`` above zero.
        space: Space of the cells.
        unit_check: Whether to refuse a file whose median is far from all known devices.
    """
    if rows.empty:
        return []
    values = rows["latency_ms"].to_numpy(np.float64)
    middle = _middle(values)
    unit = list(_unit(middle)) if unit_check else []
    ratio = values / middle
    near = (ratio <= FAR_FACTOR) & (ratio >= 1 / FAR_FACTOR)
    folded = _folded(rows, ~near & (ratio < 1), space)
    mixed = ~near & ~folded & _shifted(values, values[near])
    bounds = (values < MIN_LATENCY_MS) | (values > MAX_LATENCY_MS)
    impossible = bounds & ~mixed & ~(near if unit else np.zeros_like(near))
    far = ~near & ~mixed & ~impossible
    found = [*unit, *_mixed(rows[mixed], middle)]
    found += _impossible(rows[impossible], int(folded[impossible].sum()))
    found += _far(rows[far], middle, int(folded[far].sum()))
    rest = rows[near & ~impossible]
    found += [*_moderate(rest, middle), *_isomorphic(rest, space), *_timer(rest)]
    return found + list(_unrelated(rest, space))


def _middle(values: Floats) -> float:
    """Median of the largest cluster of values; clusters are a factor of ten apart.

    Of two clusters of equal size, the one with a median in the range of milliseconds.
    """
    ordered = np.sort(values)
    cuts = np.flatnonzero(np.diff(np.log(ordered)) > np.log(_BETWEEN_UNITS)) + 1
    clusters = np.split(ordered, cuts)

    def size(cluster: Floats) -> tuple[int, bool]:
        in_ms = FASTEST_MEDIAN_MS <= float(np.median(cluster)) <= SLOWEST_MEDIAN_MS
        return len(cluster), in_ms

    return float(np.median(max(clusters, key=size)))


def _unit(middle: float) -> Iterator[Finding]:
    remedy, guess = "", ""
    if middle < FASTEST_MEDIAN_MS:
        guess, remedy = "seconds", "Multiply all latencies by 1,000"
    elif middle > NANOSECONDS_ABOVE:
        guess, remedy = "nanoseconds", "Divide all latencies by 1,000,000"
    elif middle > SLOWEST_MEDIAN_MS:
        guess, remedy = "microseconds", "Divide all latencies by 1,000"
    if guess:
        message = f"a median of {middle:.4g} is not in ms; it looks like {guess}."
        pace = "fast" if middle < FASTEST_MEDIAN_MS else "slow"
        remedy += f"; only if the device is that {pace}, switch this check off (--no-unit-check)."
        yield error("unit", message, remedy)


def _shifted(values: Floats, near: Floats) -> Mask:
    """Mask of the values that lie among the others after a change of unit."""
    low, high = near.min() / 2, near.max() * 2
    with np.errstate(over="ignore"):
        scaled = values * np.array([[1e-6], [1e-3], [1e3]])
    result: Mask = ((scaled >= low) & (scaled <= high)).any(axis=0)
    return result


def _mixed(rows: pd.DataFrame, middle: float) -> Iterator[Finding]:
    if len(rows):
        message = (
            f"{_few(rows['latency_ms'])}, about 1,000 or a million times off the median of the "
            f"others, {middle:.4g}; these rows are in another unit, or failed."
        )
        remedy = "Write every latency in milliseconds, or remove the rows."
        yield error("mixed units", message, remedy, rows["line"])


def _impossible(rows: pd.DataFrame, folded: int) -> Iterator[Finding]:
    if len(rows):
        message = (
            f"{_few(rows['latency_ms'])} ms; a network takes {MIN_LATENCY_MS:g} to "
            f"{MAX_LATENCY_MS:,.0f} ms."
        )
        yield error("impossible latency", message + _no_path(folded), _AGAIN, rows["line"])


def _far(rows: pd.DataFrame, middle: float, folded: int) -> Iterator[Finding]:
    if len(rows):
        message = (
            f"{_few(rows['latency_ms'])} ms, more than {FAR_FACTOR:g} times slower or faster than "
            f"the median, {middle:.4g} ms."
        )
        yield error("outlier", message + _no_path(folded), _AGAIN, rows["line"])


def _few(values: pd.Series) -> str:
    """The first values."""
    return ", ".join(f"{value:.4g}" for value in values.iloc[:3]) + ", ..." * (len(values) > 3)


def _no_path(count: int) -> str:
    if not count:
        return ""
    return (
        f" Of these cells {count:,} have no path from input to output: the runtime may have "
        "replaced their network by a constant."
    )


def _folded(rows: pd.DataFrame, fast: Mask, space: SearchSpace) -> Mask:
    """Mask of the far too fast rows whose network may not have run.

    All false if most of them have a path to the output: then the unit is wrong.
    """
    folded = fast.copy()
    folded[fast] = ~_reaches_output(space, rows.loc[fast, "arch_id"].tolist())
    return folded if 2 * folded.sum() >= fast.sum() else np.zeros_like(fast)


def _reaches_output(space: SearchSpace, arch_ids: list[str]) -> Mask:
    """Whether a path leads from input to output, by the pruned view."""
    graphs = space.encode(arch_ids, "pruned")
    edges = graphs.adj.astype(bool)
    reached = graphs.ops == INPUT
    for _ in range(graphs.num_nodes):
        reached = reached | (reached[:, :, None] & edges).any(axis=1)
    result: Mask = (reached & (graphs.ops == OUTPUT)).any(axis=1)
    return result


def _moderate(rows: pd.DataFrame, middle: float) -> Iterator[Finding]:
    ratio = rows["latency_ms"] / middle
    odd = rows[(ratio > SLOW_FACTOR) | (ratio < 1 / FAST_FACTOR)]
    if len(odd):
        message = (
            f"{_few(odd['latency_ms'])} ms, more than {SLOW_FACTOR:g} times slower or "
            f"{FAST_FACTOR:g} times faster than the median, {middle:.4g} ms; perhaps the device "
            "was busy."
        )
        yield warning("unusual latency", message, "Measure these cells again.", odd["line"])


def _isomorphic(rows: pd.DataFrame, space: SearchSpace) -> Iterator[Finding]:
    """Isomorphic cells with very different latencies."""
    logs = np.log(rows["latency_ms"])
    groups = logs.groupby(pd.Series(space.isomorphism_ids(rows["arch_id"].tolist()), rows.index))
    apart = groups.transform("max") - groups.transform("min") > np.log(ISOMORPHIC_FACTOR)
    off = (logs - groups.transform("median")).abs() >= np.log(ISOMORPHIC_FACTOR) / 2
    odd = rows[apart & off]
    if len(odd):
        message = (
            f"isomorphic cells differ by more than {ISOMORPHIC_FACTOR:g} times; perhaps the device "
            "was busy, or other cells were measured."
        )
        yield warning(
            "differing isomorphic cells", message, "Measure these cells again.", odd["line"]
        )


def _timer(rows: pd.DataFrame) -> Iterator[Finding]:
    values = np.unique(rows["latency_ms"])
    if len(rows) > 1 and len(values) == 1:
        message = f"every latency is {values[0]:.4g} ms; no device is that steady."
        yield error("constant latency", message, "Export the measured values.")
    elif len(values) > 1 and len(values) <= len(rows) / 2:
        step = (values[-1] - values[0]) / (len(values) - 1)
        if step > COARSE_STEP * np.median(rows["latency_ms"]):
            message = (
                f"{len(rows):,} latencies have only {len(values):,} different values, about "
                f"{step:.3g} ms apart; the timer is coarse, or values were rounded."
            )
            yield warning("coarse timer", message, "Export more digits, or time more runs.")


def _unrelated(rows: pd.DataFrame, space: SearchSpace) -> Iterator[Finding]:
    """Latency that the operations of the cells do not explain at all."""
    if len(rows) < UNRELATED_ROWS or rows["latency_ms"].nunique() == 1:
        return
    ops = space.encode(rows["arch_id"].tolist(), "raw").ops
    counts = np.stack([(ops == code).sum(axis=1) for code in range(len(space.vocabulary))], axis=1)
    features = np.column_stack([np.ones(len(rows)), counts[:, counts.std(axis=0) > 0]])
    logs = np.log(rows["latency_ms"].to_numpy(np.float64))
    weights, _, rank, _ = np.linalg.lstsq(features, logs, rcond=None)
    left = np.sum((logs - features @ weights) ** 2) / (len(rows) - rank)
    share = 1 - left / np.var(logs, ddof=1)
    if share < UNRELATED_SHARE:
        message = (
            f"the operations of the cells explain {max(share, 0):.0%} of the latencies, where more "
            "than half is usual; the rows may be shuffled, or cells be numbered in another way."
        )
        yield warning("unrelated latency", message, "Check some cells by hand.")
