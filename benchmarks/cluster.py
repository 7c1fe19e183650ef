"""Searches without rounds: the same search sooner, on workers that are slow or die.

1. ``clock``: searches of NB201-Digits with 96 queries on 8 workers. A simulated clock runs by the
   seconds of each training as shipped; the time of the ranker is left out. *rounds of 8*: each
   round is answered before the next (twelve rounds). *without rounds*: eight evaluations in flight,
   the ranker trained as often. Test accuracy of the chosen cell is the mean over training seeds,
   paired by search seed; ``p`` is of the hypothesis that it is lower without rounds.
   ``utilisation`` is the share of the workers' time spent in training.
2. ``workers``: a search of the digits with 24 queries without rounds, really trained on two Dask
   workers of this machine. One is stopped half of the time (SIGSTOP and SIGCONT); the other is
   killed once (SIGKILL) in a training, and its nanny starts it again.
3. ``killed``: a search without rounds on two local processes, killed with SIGKILL at 20 random
   moments and resumed to the end of its budget.
"""

from __future__ import annotations

import functools
import heapq
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import ROOT
from benchmarks.figures import p_value, pair
from benchmarks.killed import (
    IN_FLIGHT,
    QUERIES,
    STARTS,
    NotingEngine,
    kill_and_resume,
    search_with,
)
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.datasets import read_embedded_accuracy
from brpnas.errors import OracleError
from brpnas.fanout import DaskEngine
from brpnas.search import (
    Answer,
    Evaluations,
    HeldOutScores,
    ListedPool,
    Question,
    TableOracle,
    run_search,
)
from brpnas.spaces import get_space

__all__ = ["SimulatedWorkers", "run"]

SEEDS = 3, 20
WORKERS, BUDGET, KILLS = 8, 96, 20
DATASET = "digits"
VARIANTS = {"rounds of 8": None, "without rounds": WORKERS}
_PAUSE_S = 0.05


class SimulatedWorkers(TableOracle):
    """A table whose answers take the seconds of their trainings on a number of workers.

    Attributes:
        now: Seconds since the start of the search.
        busy: Seconds of training so far.
    """

    workers, now, busy = WORKERS, 0.0, 0.0

    def start(self) -> Evaluations:
        """Start with idle workers."""
        return _Simulated(self)


class _Simulated(Evaluations):
    def __init__(self, oracle: SimulatedWorkers) -> None:
        super().__init__(oracle)
        self._table = oracle
        self._free = [0.0] * oracle.workers
        self._ends: list[tuple[float, int, Question, Answer | OracleError]] = []

    def submit(self, question: Question) -> None:
        """Train on the first idle worker."""
        answer = self._table.answer(question)
        seconds = answer.cost_s or 0.0
        end = max(self._table.now, heapq.heappop(self._free)) + seconds
        heapq.heappush(self._free, end)
        heapq.heappush(self._ends, (end, question.query, question, answer))
        self._table.busy += seconds

    def next_answer(self) -> tuple[Question, Answer | OracleError]:
        """The training that ends first."""
        self._table.now, _, question, answer = heapq.heappop(self._ends)
        return question, answer


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of the three parts."""
    clock = _clock(seeds, workers)
    return {
        "seeds": seeds,
        "clock": clock,
        "workers": _two_workers(),
        "killed": kill_and_resume("parallel", 3 if quick else KILLS, seed=7),
        "in_flight": IN_FLIGHT,
    }


def _clock(seeds: int, workers: int) -> dict[str, Any]:
    config = search_settings(rounds=BUDGET // WORKERS)
    tasks = [
        {"variant": name, "parallel": parallel, "seed": seed, "sampler": "brp", "config": config}
        for name, parallel in VARIANTS.items()
        for seed in range(seeds)
    ]
    done = run_tasks("cluster", search_once, tasks, {"budget": BUDGET}, workers, code=CODE)
    rows = pd.DataFrame([{**d.task, **d.result} for d in done])
    wide = {key: rows.pivot_table(index="seed", columns="variant", values=key)
            for key in ("end_s", "test_accuracy", "utilisation")}  # fmt: skip
    one, other = VARIANTS
    ratio = wide["end_s"][one] / wide["end_s"][other]
    gain = 100 * (wide["test_accuracy"][other] - wide["test_accuracy"][one])
    return {
        "workers": WORKERS,
        "budget": BUDGET,
        "end_s": {name: _rounded(wide["end_s"][name]) for name in VARIANTS},
        "utilisation": {name: _rounded(wide["utilisation"][name]) for name in VARIANTS},
        "test_accuracy": {name: _rounded(100 * wide["test_accuracy"][name]) for name in VARIANTS},
        "times_sooner": [*_rounded(ratio), round(float(ratio.min()), 3)],
        "test_points": _rounded(gain),
        "p": p_value(-gain.to_numpy()),
    }


def _rounded(values: Any) -> list[float]:
    """Mean and standard deviation."""
    return [round(float(value), 3) for value in pair(np.asarray(values, np.float64))]


@functools.cache
def _tables() -> tuple[SimulatedWorkers, HeldOutScores, Any]:
    accuracy = read_embedded_accuracy()
    space = get_space("nasbench201")
    oracle = SimulatedWorkers(accuracy, DATASET, 0)
    return oracle, HeldOutScores.from_table(accuracy, DATASET), (space, space.graphs(), accuracy)


def search_once(task: Task) -> dict[str, Any]:
    """One search by the simulated clock."""
    oracle, scores, (space, graphs, accuracy) = _tables()
    known = set(accuracy.loc[accuracy["dataset"] == DATASET, "arch_id"])
    answerable = np.array([arch_id in known for arch_id in graphs.arch_ids])
    pool = ListedPool.create(
        space, graphs, seed=task["seed"], view=task["config"]["ranker"]["view"],
        answerable=answerable,
    )  # fmt: skip
    clock = oracle.reseeded(task["seed"])
    assert isinstance(clock, SimulatedWorkers)
    result = run_search(
        pool, make_sampler_of(task), clock, BUDGET, progress=False, parallel=task["parallel"]
    )
    return {
        "end_s": clock.now,
        "utilisation": clock.busy / clock.now / WORKERS,
        "test_accuracy": scores.mean[result.chosen],
    }


def _two_workers() -> dict[str, Any]:
    """Queries lost and trainings done twice on a slow worker and one that dies."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _dask(folder) as address, NotingEngine(folder, DaskEngine(address)) as engine:
            slow, victim = _worker_pids(engine.engine)
            done = threading.Event()
            slowed = threading.Thread(target=_slow_down, args=(slow, done))
            killed = threading.Thread(target=_kill_in_training, args=(victim, folder / STARTS))
            began = time.perf_counter()
            for thread in (slowed, killed):
                thread.start()
            try:
                history = search_with(folder, engine, IN_FLIGHT)
            finally:
                done.set()
                slowed.join()
            killed.join()
        starts = Counter((folder / STARTS).read_text("utf-8").splitlines())
    return {
        "queries": QUERIES,
        "answered": int((history["status"] == "ok").sum()),
        "lost": QUERIES - int((history["status"] == "ok").sum()),
        "done_twice": sum(count - 1 for count in starts.values()),
        "kills": 1,
        "seconds": round(time.perf_counter() - began, 1),
    }


@contextmanager
def _dask(folder: Path) -> Iterator[str]:
    """A scheduler and two workers with a nanny each, in processes of their own."""
    file = folder / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
    worker = ["--nworkers", "1", "--nthreads", "1", "--nanny", "--local-directory", str(folder)]
    commands = [["scheduler", "--port", "0"], ["worker", *worker], ["worker", *worker]]
    processes = []
    with (folder / "log").open("ab") as log:
        try:
            for command in commands:
                arguments = [sys.executable, "-m", "dask", *command, *common]
                processes.append(
                    subprocess.Popen(
                        arguments,
                        cwd=ROOT,
                        env=environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
                while not file.exists():
                    time.sleep(0.1)
            while (folder / "log").read_text("utf-8").count("Registered to:") < 2:
                time.sleep(0.1)
            yield json.loads(file.read_text("utf-8"))["address"]
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _worker_pids(engine: Any) -> list[int]:
    """Processes of the workers."""
    return list(engine._client.run(os.getpid).values())


def _slow_down(pid: int, done: threading.Event) -> None:
    """Stop a process half of the time."""
    while not done.is_set():
        os.kill(pid, signal.SIGSTOP)
        time.sleep(_PAUSE_S)
        os.kill(pid, signal.SIGCONT)
        done.wait(_PAUSE_S)


def _kill_in_training(pid: int, starts: Path) -> None:
    """Kill a worker once the search trains its eighth network."""
    while not starts.exists() or len(starts.read_text("utf-8").splitlines()) < QUERIES // 3:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)


CODE = (*SEARCH_CODE, "benchmarks/rankers.py", SimulatedWorkers, _Simulated)
