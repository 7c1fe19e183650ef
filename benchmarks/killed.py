"""Measuring, training and searching, killed at random moments and resumed to the end.

``python -m benchmarks.killed JOB FOLDER`` does a small real job; `kill_and_resume` kills and
resumes it. Networks are measured and trained one after another in one process (without rounds, in
two), and the engine records each start in a file, so that repeated work can be counted.
"""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.data import ROOT, job_config, settings, training_config
from brpnas.candidates import (
    ImageSource,
    TrainingJob,
    TrainOracle,
    train_jobs,
)
from brpnas.fanout import Engine, LocalEngine, SerialEngine, TaskRun
from brpnas.measure import LocalTarget, MeasureSettings, Protocol, get_runtime, measure_cells
from brpnas.measure.artifacts import Manifest
from brpnas.measure.targets import Rows
from brpnas.predictors import PairwiseRanker
from brpnas.search import ListedPool, SearchStore, get_sampler, run_search, search_fingerprint
from brpnas.spaces import get_space
from brpnas.spaces.network import NetworkConfig
from brpnas.spaces.select import select_cells

__all__ = ["IN_FLIGHT", "JOBS", "QUERIES", "NotingEngine", "kill_and_resume", "search_with"]

STORE, STARTS = "store.jsonl", "starts.txt"
QUERIES, IN_FLIGHT = 24, 3
_EARLY = 0.2
CHANGING = {"train_time_s", "asked_at", "cost_s"}
"""Fields of an event that differ from run to run and are no part of the result."""


class NotingEngine(Engine):
    """Records each started architecture; its worker writes the line.

    Args:
        folder: Folder of the record.
        engine: Runs the tasks.
    """

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self.file, self.engine = folder / STARTS, engine or SerialEngine()

    def start(self, function: Callable[[Any], Any]) -> TaskRun:
        """Start a run without tasks."""
        return self.engine.start(functools.partial(_noted, function, self.file))

    def close(self) -> None:
        """End the workers."""
        self.engine.close()


def _noted(function: Callable[[Any], Any], file: Path, task: Any) -> Any:
    _note(file, getattr(task, "arch_id", None), getattr(task, "seed", ""))
    return function(task)


@dataclass(frozen=True)
class NotingTarget(LocalTarget):
    """Records each network before it is timed.

    Args:
        file: File of the records.
    """

    file: Path = Path(STARTS)

    def measure(self, folder: Path) -> Rows:
        """Time the artifacts."""
        left = iter([network.name for network in Manifest.read(folder).networks])
        _note(self.file, next(left))
        for row in super().measure(folder):
            yield row
            if row["event"] == "network":
                _note(self.file, next(left, None))


def _note(file: Path, arch_id: str | None, seed: object = "") -> None:
    if arch_id is not None:
        with file.open("a", encoding="utf-8") as notes:
            notes.write(f"{arch_id} {seed}\n")


def measure(folder: Path) -> None:
    """Measure 16 cells with ONNX Runtime, the reference network after every fourth."""
    network = NetworkConfig(channels=16, cells_per_stage=1)
    small = MeasureSettings(get_runtime("onnxruntime"), Protocol(2, 10, 5), network)
    measure_cells(
        select_cells(16),
        small,
        folder / STORE,
        target=NotingTarget(folder / STARTS),
        reference_every=4,
        drift_limit=1e9,
        progress=False,
    )


def train(folder: Path) -> None:
    """Train 24 cells by conf/base."""
    jobs = [TrainingJob(arch_id, 0) for arch_id in select_cells(24, distinct=True)]
    train_jobs(
        jobs, ImageSource(), job_config(), folder / STORE,
        engine=NotingEngine(folder), progress=False,
    )  # fmt: skip


def search(folder: Path) -> None:
    """Search with 24 queries in 6 rounds, training each network on its query."""
    search_with(folder, NotingEngine(folder))


def parallel(folder: Path) -> None:
    """The same search without rounds: three trainings in flight on two processes."""
    with NotingEngine(folder, LocalEngine(2)) as engine:
        search_with(folder, engine, IN_FLIGHT)


def search_with(folder: Path, engine: Engine, parallel: int | None = None) -> pd.DataFrame:
    """Search on the digits with trainings on an engine; its history.

    Args:
        folder: Folder of the store and the networks.
        engine: Trains.
        parallel: Trainings in flight; None for rounds.
    """
    values = settings("search")["sampler"]["ranker"] | {"epochs": 20, "hidden": 32, "members": 1}
    space = get_space("nasbench201")
    pool = ListedPool.create(space, space.graphs(), seed=0, view=values["view"])
    sampler = get_sampler(
        "brp",
        {"rounds": 6},
        make_ranker=lambda: PairwiseRanker(training_config(values), 1, values["view"]),
    )
    oracle = TrainOracle(ImageSource(), job_config(), folder / "networks", engine)
    fingerprint = search_fingerprint(pool, sampler, oracle, parallel=parallel)
    with SearchStore(folder / STORE, fingerprint) as store:
        result = run_search(
            pool, sampler, oracle, QUERIES, store=store, progress=False, parallel=parallel
        )
    return result.history


JOBS: dict[str, Callable[[Path], None]] = {"measure": measure, "train": train, "search": search}
_ALL = {**JOBS, "parallel": parallel}


def kill_and_resume(job: str, kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill a job at random moments, resume it to the end, and compare with an undisturbed one.

    One process in five is killed before it has stored anything, the others at a later moment, after
    part of the remaining work. A job finished before enough kills is started again.

    Args:
        job: ``measure``, ``train``, ``search`` or ``parallel``. The order of the answers decides
            the last; its results are equal if each query of the budget has one answer.
        kills: Number of kills.
        seed: Seed of the moments.

    Returns:
        Counts: ``kills``, those ``before_work``, finished ``jobs`` and those ``equal`` to the
        undisturbed one; ``kept``: whether no kill changed a stored line; ``begun_again``: repeated
        starts of a task; ``most_per_kill``: most tasks started but not stored at a kill.
    """
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / "whole"
        first, seconds = _undisturbed(job, whole)
        expected = _result(job, whole)
        done: dict[str, Any] = {"kills": 0, "before_work": 0, "jobs": 0, "equal": 0, "kept": True}
        again, most = 0, 0
        while done["kills"] < kills or done["jobs"] == 0:
            folder = Path(name) / f"killed{done['jobs']}"
            while True:
                before, begun = _lines(folder / STORE), _lines(folder / STARTS)
                moment = None
                if done["kills"] < kills:
                    early = rng.random() < _EARLY
                    work = 2 * (seconds - first) / kills
                    moment = (early, rng.uniform(0, first if early else work))
                killed = _run(job, folder, moment)
                after = _lines(folder / STORE)
                done["kept"] &= after[: len(before)] == before
                started = _lines(folder / STARTS)[len(begun) :]
                again += sum(start in begun for start in started)
                if not killed:
                    break
                most = max(most, len({_cell(start) for start in started} - _finished(folder)))
                done["kills"] += 1
                done["before_work"] += after == before
            done["jobs"] += 1
            done["equal"] += _result(job, folder) == expected
    return {**done, "begun_again": again, "most_per_kill": most, "seconds": round(seconds, 1)}


def _command(job: str, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.killed", job, str(folder)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=log, stderr=log
        )


def _undisturbed(job: str, folder: Path) -> tuple[float, float]:
    """Do the whole job; seconds until the first line was stored, and in all."""
    began, first = time.perf_counter(), None
    with _command(job, folder) as process:
        while process.poll() is None:
            if first is None and len(_lines(folder / STORE)) > 1:
                first = time.perf_counter() - began
            time.sleep(0.02)
    _check(process, folder)
    return first or 0.0, time.perf_counter() - began


def _run(job: str, folder: Path, moment: tuple[bool, float] | None) -> bool:
    """Continue a job, and kill it at a moment; return whether it was unfinished.

    Args:
        job: The job.
        folder: Folder of its outputs.
        moment: Seconds from its start, or if the first is false, from its first stored event.
    """
    before = len(_lines(folder / STORE))
    with _command(job, folder) as process:
        if moment is not None and not moment[0]:
            while process.poll() is None and len(_lines(folder / STORE)) <= max(before, 1):
                time.sleep(0.005)
        try:
            process.wait(None if moment is None else moment[1])
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
    _check(process, folder)
    return False


def _check(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.returncode:
        raise RuntimeError(f"A job failed: {(folder / 'log').read_text('utf-8')[-2000:]}")


def _lines(path: Path) -> list[bytes]:
    """Complete lines of a file, without a truncated last one."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def _cell(start: bytes) -> str:
    return start.split()[0].decode()


def _finished(folder: Path) -> set[str]:
    """Architectures with a stored result."""
    events = [json.loads(line) for line in _lines(folder / STORE)[1:]]
    return {e["arch_id"] for e in events if "arch_id" in e and e.get("event") != "reference"}


def _result(job: str, folder: Path) -> Any:
    """Result of a job without random parts: latencies, seconds, dates."""
    events = [json.loads(line) for line in _lines(folder / STORE)[1:]]
    if job == "parallel":
        return Counter(event["query"] for event in events if event["event"] == "answer")
    if job == "measure":
        return Counter(event["arch_id"] for event in events if event["event"] == "cell")
    return [{key: e[key] for key in e if key not in CHANGING} for e in events]


if __name__ == "__main__":
    _ALL[sys.argv[1]](Path(sys.argv[2]))
