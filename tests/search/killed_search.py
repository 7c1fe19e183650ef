"""A search to be killed: ``python -m tests.search.killed_search STORE SAMPLER IN_FLIGHT``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from brpnas.search import (
    Answer,
    Question,
    SearchStore,
    TableOracle,
    get_sampler,
    search_fingerprint,
)
from tests.search.toy import RidgeRanker, make_oracle, make_pool, run_search

BUDGET = 60


class SlowOracle(TableOracle):
    """The toy benchmark, slow enough for kills before, during and after an answer."""

    def answer(self, question: Question) -> Answer:
        time.sleep(0.002)
        return super().answer(question)


def main(path: Path, name: str, parallel: int | None) -> None:
    """Search in rounds, or with evaluations in flight."""
    pool, sampler = make_pool(), get_sampler(name, {"reevaluations": 4}, make_ranker=RidgeRanker)
    oracle = make_oracle()
    oracle.__class__ = SlowOracle
    with SearchStore(path, search_fingerprint(pool, sampler, oracle, parallel=parallel)) as store:
        run_search(pool, sampler, oracle, BUDGET, store=store, progress=False, parallel=parallel)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) or None)
