"""A search killed with SIGKILL repeatedly, and resumed, equals an uninterrupted search."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from brpnas.search import SearchStore, get_sampler, search_fingerprint
from tests.search.toy import RidgeRanker, comparable, make_oracle, make_pool, run_search
from tests.seeds import first_of

from .killed_search import BUDGET


def _start(
    path: Path, name: str, parallel: int | None, repository: Path
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.search.killed_search", str(path), name]
    command.append(str(parallel or 0))
    return subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE)


def _kill_when(process: subprocess.Popen[bytes], path: Path, size: int, pause: float) -> None:
    """Kill once the store has grown to a size, and a moment has passed; or see it end."""
    while process.poll() is None and (not path.exists() or path.stat().st_size < size):
        time.sleep(0.0005)
    time.sleep(pause)
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("name", "parallel"), first_of([("brp", None), ("brp", 4), ("evolution", None)])
)
def test_killed_at_random_moments(
    name: str, parallel: int | None, tmp_path: Path, repository: Path
) -> None:
    pool, sampler = make_pool(), get_sampler(name, {"reevaluations": 4}, make_ranker=RidgeRanker)
    want = run_search(
        pool, sampler, make_oracle(), BUDGET, progress=False, parallel=parallel
    ).history
    path, rng = tmp_path / "search.jsonl", random.Random(0)
    killed = 0
    for _ in range(3):
        process = _start(path, name, parallel, repository)
        size = path.stat().st_size if path.exists() else 0
        _kill_when(process, path, size + rng.randint(0, 3000), rng.uniform(0, 0.01))
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 2
    last = _start(path, name, parallel, repository)
    _, complaint = last.communicate()
    assert last.returncode == 0, complaint.decode()
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [e["query"] for e in events if e["event"] == "answer"] == list(range(BUDGET))
    fingerprint = search_fingerprint(pool, sampler, make_oracle(), parallel=parallel)
    with SearchStore(path, fingerprint) as store:
        got = run_search(
            pool, sampler, make_oracle(), BUDGET, store=store, progress=False, parallel=parallel
        )
    pd.testing.assert_frame_equal(comparable(got.history), comparable(want))
