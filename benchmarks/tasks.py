"""Independent tasks of a benchmark in several processes; each result is stored at once.

A killed benchmark resumes: `run_tasks` keeps every result in a journal below ``data/benchmarks``,
named by a hash of the settings and of the code that affects them. A task is any JSON object, so a
variant described by its task alone is repeated only after a change of that variant. Code is hashed
without comments and docstrings.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import resource
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tqdm import tqdm

from benchmarks.data import ROOT
from brpnas.errors import EngineError, TaskError
from brpnas.fanout import get_engine
from brpnas.journal import Journal

__all__ = ["FOLDER", "SEARCH_CODE", "Done", "Task", "code_hash", "run_tasks", "spent"]

FOLDER = ROOT / "data" / "benchmarks"
SEARCH_CODE = (
    "brpnas/graphs.py",
    "brpnas/search",
    "brpnas/spaces/base.py",
    "brpnas/spaces/nasbench201",
    "brpnas/predictors/*.py",
)
"""Code that affects the outcome of a search on a table."""

Task: TypeAlias = dict[str, Any]
_spent: list[float] = []


@dataclass(frozen=True)
class Done:
    """A task and its result.

    Attributes:
        task: The task.
        result: Result of the function.
        seconds: Wall time of the function.
        peak_mb: Peak memory of its process during the task, imports included, in MiB.
    """

    task: Task
    result: Any
    seconds: float
    peak_mb: float


def run_tasks(
    name: str,
    function: Callable[[Task], Any],
    tasks: Sequence[Task],
    settings: Mapping[str, Any],
    workers: int = 2,
    *,
    code: Iterable[str | Callable[..., Any]] = SEARCH_CODE,
    fresh: bool = False,
    folder: Path | None = None,
) -> list[Done]:
    """Run every task without a result; torch has one thread in each process.

    Args:
        name: Name of the benchmark, part of the file's name.
        function: A function of a module, or a partial of one, from a task to a JSON value (no NaN).
            It caches inputs with `functools.cache`: processes live for many tasks.
        tasks: Distinct JSON objects.
        settings: Further settings of the results (JSON types).
        workers: Processes; with 1 the tasks run in this process.
        code: Files, folders and patterns below the repository, and functions: their change makes
            results stale. The function itself is included.
        fresh: A new process for each task, one at a time, to measure its memory.
        folder: Folder of the journal; by default `FOLDER`.

    Returns:
        One result per task, in the order of the tasks.

    Raises:
        EngineError: If a task failed; the results of the others are kept.
        StoreError: If another process runs the same benchmark.
    """
    itself = function.func if isinstance(function, functools.partial) else function
    fingerprint = {"name": name, "settings": dict(settings), "code": code_hash([*code, itself])}
    short = hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:12]
    found: dict[str, Done] = {}

    def replay(event: dict[str, Any]) -> None:
        found[_key(event["task"])] = Done(**event)

    path = (folder or FOLDER) / f"{name}-{short}.jsonl"
    with Journal(path, fingerprint, replay, "benchmark's results") as journal:
        open_ = [task for task in tasks if _key(task) not in found]
        failures: list[str] = []
        bar = tqdm(desc=name, total=len(tasks), initial=len(tasks) - len(open_), unit="task")
        with bar:
            for task, outcome in _outcomes(function, open_, workers, fresh):
                if isinstance(outcome, TaskError):
                    failures.append(f"{json.dumps(task)}: {outcome}")
                else:
                    event = dict(zip(("result", "seconds", "peak_mb"), outcome, strict=True))
                    event = json.loads(json.dumps({"task": task, **event}))  # as it is read again
                    journal.append(event)
                    replay(event)
                bar.update()
    if failures:
        raise EngineError(
            f"{len(failures)} of {len(tasks)} tasks of the benchmark {name!r} failed, the first: "
            f"{failures[0]} The others are kept in {path}."
        )
    done = [found[_key(task)] for task in tasks]
    _spent.extend(each.seconds for each in done)
    return done


def spent() -> float:
    """Seconds of all tasks returned by `run_tasks` in this process, earlier runs included."""
    return sum(_spent)


def code_hash(code: Iterable[str | Callable[..., Any]]) -> str:
    """Hash of Python code, without comments and docstrings, and of other files as they are.

    Args:
        code: Files, folders (their Python files) and glob patterns, relative to the repository, and
            functions.
    """
    items = list(code)
    total = hashlib.sha256()
    for file in sorted({file for item in items if isinstance(item, str) for file in _files(item)}):
        total.update(str(file.relative_to(ROOT)).encode())
        total.update(_meaning(file.read_bytes()) if file.suffix == ".py" else file.read_bytes())
    functions = (inspect.unwrap(item) for item in items if not isinstance(item, str))
    for source in sorted(textwrap.dedent(inspect.getsource(function)) for function in functions):
        total.update(_meaning(source.encode()))
    return total.hexdigest()


def _outcomes(
    function: Callable[[Task], Any], tasks: Sequence[Task], workers: int, fresh: bool
) -> Iterable[tuple[Task, Any]]:
    timed = functools.partial(_timed, function)
    if not fresh:
        with get_engine(workers) as engine:
            yield from engine.run(timed, tasks)
        return
    for task in tasks:
        with get_engine(2) as engine:  # of two workers only one is ever started
            yield from engine.run(timed, [task])


def _timed(function: Callable[[Task], Any], task: Task) -> tuple[Any, float, float]:
    import torch  # noqa: PLC0415 - not every benchmark needs it in this process

    torch.set_num_threads(1)
    _forget_peak()
    start = time.perf_counter()
    result = function(task)
    return result, round(time.perf_counter() - start, 4), round(_peak_mb(), 1)


def _forget_peak() -> None:
    """Reset the peak memory of this process, if possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "utf-8")
    except OSError:  # not Linux, or not allowed: the peak includes earlier tasks
        return


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _key(task: Task) -> str:
    return json.dumps(task, sort_keys=True)


def _files(pattern: str) -> Iterable[Path]:
    path = ROOT / pattern
    if path.is_dir():
        return path.rglob("*.py")
    return [path] if path.is_file() else ROOT.glob(pattern)


def _meaning(source: bytes) -> bytes:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Module(body=[ast.Expr(ast.Constant(str()) as text), *_]):
                text.value = ""
            case ast.FunctionDef(body=[ast.Expr(ast.Constant(str()) as text), *_]):
                text.value = ""
            case ast.ClassDef(body=[ast.Expr(ast.Constant(str()) as text), *_]):
                text.value = ""
    return ast.dump(tree).encode()
