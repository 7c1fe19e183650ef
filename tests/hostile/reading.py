"""Reads hostile and damaged files as the project does, each in a fork of a separate process.

The fork has limits of memory and time. Counted are files that ran code or another program, ended in
a traceback, or took more than 2 GB or a minute.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.hostile import Hostile

__all__ = ["LIMIT_BYTES", "LIMIT_S", "run", "try_files"]

_ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0
LIMIT_BYTES = 2_000_000_000
_MORE = 4 * 2**30  # limit of a reader's memory, to protect this machine
_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pty.spawn")
_LONGEST = 3000


def _make_files(folder: Path) -> list[Hostile]:
    """Make every file in a folder."""
    from tests.hostile.arrays import make_graphs  # noqa: PLC0415 - torch and ONNX are slow
    from tests.hostile.onnx_models import make_onnx  # noqa: PLC0415
    from tests.hostile.pickles import make_pickles  # noqa: PLC0415
    from tests.hostile.pictures import make_pictures  # noqa: PLC0415
    from tests.hostile.predictors import make_predictors  # noqa: PLC0415
    from tests.hostile.tables import make_tables  # noqa: PLC0415
    from tests.hostile.text import make_text  # noqa: PLC0415

    makers = (
        *(make_pickles, make_graphs, make_predictors, make_onnx),
        *(make_text, make_tables, make_pictures),
    )
    return [file for make in makers for file in make(folder)]


def run(quick: bool = False) -> dict[str, Any]:
    """Make and try all files.

    Args:
        quick: Give a reader 20 seconds instead of 60.

    Returns:
        ``tried``, ``code_run``, ``tracebacks``, ``too_large_or_slow``: numbers of files; ``read``:
        number of files read without an error, as allowed for some; ``seconds``; and ``faults``:
        fault and file.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        files = _make_files(Path(folder))
        results = try_files(files, Path(folder), 20.0 if quick else LIMIT_S)
    faults = [result for result in results if result["fault"]]
    counts = Counter(result["fault"] for result in faults)
    return {
        "tried": len(results),
        "code_run": counts["code run"],
        "tracebacks": counts["traceback"],
        "too_large_or_slow": counts["memory"] + counts["time"],
        "read": sum(result["outcome"] == "read" for result in results),
        "kinds": dict(Counter(result["kind"] for result in results)),
        "seconds": round(time.perf_counter() - start, 1),
        "faults": faults,
        "read_files": [f"{r['kind']}: {r['name']}" for r in results if r["outcome"] == "read"],
    }


def try_files(files: list[Hostile], folder: Path, limit_s: float = LIMIT_S) -> list[dict[str, Any]]:
    """Read the files in another process.

    Args:
        files: The files.
        folder: Folder for outputs.
        limit_s: Seconds for each.

    Returns:
        Kind and name of each file, ``outcome`` (``refused``, ``read``, ``traceback``, or ``no
        memory`` if the reader exceeded its limit, with any message), ``said``, ``seconds``,
        ``megabytes``, and ``fault``: empty, ``code run``, ``traceback``, ``memory``, or ``time``.
    """
    listed = folder / "files.json"
    listed.write_text(json.dumps([vars(file) for file in files], default=str), "utf-8")
    command = [sys.executable, "-m", "tests.hostile.reading", str(listed), str(limit_s)]
    done = subprocess.run(command, cwd=_ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The reading process failed: {done.stderr[-2000:]}")
    results: list[dict[str, Any]] = json.loads(listed.with_suffix(".results").read_text("utf-8"))
    return results


def _serve(listed: Path, limit_s: float) -> None:
    """Read the files of a list, each in a fork of this process with all readers imported."""
    from tests.hostile.entries import ENTRIES  # noqa: PLC0415 - in this process alone

    results = []
    for values in json.loads(listed.read_text("utf-8")):
        file = Hostile(**values)
        file = replace(file, path=Path(file.path), marker=Path(str(file.marker)))
        results.append(_tried(file, ENTRIES[file.entry], limit_s))
    listed.with_suffix(".results").write_text(json.dumps(results), "utf-8")


def _tried(file: Hostile, read: Any, limit_s: float) -> dict[str, Any]:
    out = file.path.with_name(f"{file.path.name}.outcome")
    before, start = _resident(), time.monotonic()
    child = os.fork()
    if child == 0:
        _read_here(file, read, out)
    status, used = 0, None
    while used is None:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            used = usage
        elif time.monotonic() - start > limit_s:
            os.kill(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
        else:
            time.sleep(0.005)
    seconds = time.monotonic() - start
    said = json.loads(out.read_text("utf-8")) if out.exists() else _died(status)
    grown = used.ru_maxrss * 1024 - before
    ran = said["programs"] or (file.marker is not None and file.marker.exists())
    fault = (
        "code run"
        if ran
        else "time"
        if seconds > limit_s
        else "memory"
        if grown > LIMIT_BYTES or said["outcome"] == "no memory"
        else "traceback"
        if said["outcome"] == "traceback"
        else ""
    )
    figures = {"seconds": round(seconds, 2), "megabytes": max(0, round(grown / 1e6))}
    return {"kind": file.kind, "name": file.name, **said, **figures, "fault": fault}


def _read_here(file: Hostile, read: Any, out: Path) -> None:
    """In the fork: read the file, write the outcome, and end."""
    from brpnas.cli.group import paragraph  # noqa: PLC0415

    programs: list[str] = []
    sys.addaudithook(lambda event, _: programs.append(event) if event in _PROGRAMS else None)
    limit = _virtual() + _MORE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        read(file.path)
        said = {"outcome": "read", "said": ""}
    except BaseException as error:
        shown = paragraph(error)
        text = str(shown if shown is not None else f"{type(error).__name__}: {error}")
        is_fine = shown is not None and len(text) < _LONGEST
        outcome = "refused" if is_fine else "traceback"
        said = {"outcome": "no memory" if _asked_for_more(error) else outcome, "said": text[:400]}
    out.write_text(json.dumps(said | {"programs": programs}), "utf-8")
    os._exit(0)


def _asked_for_more(error: BaseException | None) -> bool:
    """Whether memory was refused on the way to an error, by the limit and not by the reader."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _died(status: int) -> dict[str, Any]:
    return {"outcome": "traceback", "said": f"The process died of status {status}.", "programs": []}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), float(sys.argv[2]))
