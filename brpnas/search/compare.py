"""Many searches in memory: compares samplers over many seeds."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace

import pandas as pd
from tqdm.auto import tqdm

from brpnas.fanout.pools import process_pool
from brpnas.search.filter import MetricFilter
from brpnas.search.loop import run_search
from brpnas.search.oracles import Oracle
from brpnas.search.pools.listed import ListedPool
from brpnas.search.pools.sampled import SampledPool
from brpnas.search.samplers.base import Sampler
from brpnas.search.trace import HeldOutScores, trace

__all__ = ["compare"]


@dataclass(frozen=True, eq=False)
class _Search:
    """One search with all its inputs; picklable for another process."""

    label: str
    pool: ListedPool | SampledPool
    sampler: Sampler
    make_oracle: Callable[[int], Oracle]
    budget: int
    metric_filter: MetricFilter | None
    parallel: int | None

    def run(self) -> tuple[str, int, pd.DataFrame]:
        oracle = self.make_oracle(self.pool.seed)
        result = run_search(
            self.pool,
            self.sampler,
            oracle,
            self.budget,
            metric_filter=self.metric_filter,
            progress=False,
            parallel=self.parallel,
        )
        return self.label, self.pool.seed, result.history


def compare(  # noqa: PLR0913 - a comparison is all of a search, many times
    pool: ListedPool | SampledPool,
    samplers: Mapping[str, Sampler],
    make_oracle: Callable[[int], Oracle],
    scores: HeldOutScores,
    *,
    budget: int,
    seeds: Sequence[int],
    metric_filter: MetricFilter | None = None,
    workers: int = 1,
    progress: bool = True,
    parallel: int | None = None,
) -> pd.DataFrame:
    """Run every sampler with every seed and trace each search.

    Args:
        pool: The candidate pool; its own seed is not used.
        samplers: Samplers by their label in the table.
        make_oracle: Makes the oracle of a seed, such as `TableOracle.reseeded` of one oracle.
        scores: Test accuracies for the traces.
        budget: Queries of each search.
        seeds: Seeds; each one seeds the sampler and the oracle of one search per sampler.
        metric_filter: Measures proposals, see `run_search`.
        workers: Processes. With more than one, each runs torch on one thread, all arguments must be
            picklable (no lambda), and a script must guard its main code by
            ``if __name__ == "__main__"``.
        progress: Show a progress bar.
        parallel: Evaluations in flight, see `run_search`; None for rounds.

    Returns:
        Columns ``sampler, seed`` and those of `trace`, ordered by sampler as given, seed, query.
    """
    searches = [
        _Search(
            label,
            replace(pool, seed=seed),
            sampler,
            make_oracle,
            budget,
            metric_filter,
            parallel,
        )
        for (label, sampler), seed in itertools.product(samplers.items(), seeds)
    ]
    traces: dict[tuple[str, int], pd.DataFrame] = {}
    finished = (s.run() for s in searches) if workers <= 1 else _run_parallel(searches, workers)
    with tqdm(total=len(searches), desc="searches", unit="search", disable=not progress) as bar:
        for label, seed, history in finished:
            table = trace(history, scores)
            table.insert(0, "seed", seed)
            table.insert(0, "sampler", label)
            traces[label, seed] = table
            bar.update()
    return pd.concat([traces[s.label, s.pool.seed] for s in searches], ignore_index=True)


def _run_parallel(
    searches: Sequence[_Search], workers: int
) -> Iterator[tuple[str, int, pd.DataFrame]]:
    # Spawned, not forked: a fork may hang after torch has started threads.
    pool = process_pool(workers, multiprocessing.get_context("spawn"))
    if pool is None:
        yield from (search.run() for search in searches)
        return
    try:
        for future in as_completed([pool.submit(_run_alone, search) for search in searches]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _run_alone(search: _Search) -> tuple[str, int, pd.DataFrame]:
    """Run a search with torch on one thread."""
    torch = sys.modules.get("torch")  # imported by now if the ranker uses it
    if torch is not None:
        torch.set_num_threads(1)
    return search.run()
