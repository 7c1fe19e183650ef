"""Start time of a command, against a bare Kedro project and against 37ee37c.

Seconds from the start of the process to the line "Running node" of the first node, or for
``brpnas --help`` to its end: wall-clock, and processor time (user and system, finished children
included), which is less disturbed by other work. The commands take turns.

- *Bare*: a project of one node that returns 1, in an environment of Kedro and its dependencies
  without plugins.
- *Before*: this project at 37ee37c, of 30 November, in today's environment.
- *Warm*: after an uncounted run. *Cold*: after dropping the page cache, for root only; otherwise
  there are no such figures.

Both projects are copies in a temporary folder, tracked in an existing SQLite store.
``python -m benchmarks.start [--into benchmarks/results/speed.json]`` runs this part of `speed`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement

from benchmarks.data import ROOT

__all__ = ["measure"]

BEFORE = "37ee37c"
_PARTS = ("brpnas", "pipelines", "conf", "pyproject.toml", "kedro.yml")
_CACHES = Path("/proc/sys/vm/drop_caches")
_FIRST = b"Running node"
_TIMEOUT_S = 600


@dataclass(frozen=True)
class _Command:
    """A command, where it runs, and whether it counts to its first node or to its end."""

    words: list[str]
    folder: Path
    environment: Mapping[str, str]
    to_first_node: bool = True


def measure(repeats: int, cold_repeats: int) -> dict[str, Any]:
    """Time all commands.

    Args:
        repeats: Warm runs of each.
        cold_repeats: Cold runs of each.

    Returns:
        By command and by warm or cold ``[clock, processor]`` in seconds, medians; and ratios.
    """
    with TemporaryDirectory() as folder:
        commands = _commands(Path(folder))
        for command in commands.values():
            _time(command)
        result = {"warm": _rounds(commands, repeats, cold=False)}
        if cold_repeats and os.access(_CACHES, os.W_OK):
            result["cold"] = _rounds(commands, cold_repeats, cold=True)
    return {
        "seconds": result,
        "ratios": {kind: _ratios(seconds) for kind, seconds in result.items()},
        "before": BEFORE,
        "repeats": {"warm": repeats, "cold": cold_repeats if "cold" in result else 0},
    }


def _rounds(
    commands: Mapping[str, _Command], repeats: int, *, cold: bool
) -> dict[str, list[float]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            if cold:
                os.sync()
                _CACHES.write_text("3", encoding="ascii")
            found[name].append(_time(command))
    return {
        name: [round(statistics.median(values), 3) for values in zip(*times, strict=True)]
        for name, times in found.items()
    }


def _ratios(seconds: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Clock and processor of ours, against bare Kedro and against before."""
    pairs = {
        f"{name} / {other}": (seconds[name], seconds[other])
        for name in seconds
        for other in ("bare", f"{name}, before")
        if other in seconds and name != other and not name.endswith("before")
    }
    return {
        name: [round(ours / theirs, 2) for ours, theirs in zip(*both, strict=True)]
        for name, both in pairs.items()
    }


def _time(command: _Command) -> tuple[float, float]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        command.words,
        cwd=command.folder,
        env=command.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    for line in process.stdout:
        lines.append(line)
        if command.to_first_node and _FIRST in line:
            times = time.perf_counter() - start, _processor_s(process.pid)
            process.kill()
            process.communicate(timeout=_TIMEOUT_S)
            return times
    if process.wait(timeout=_TIMEOUT_S) or command.to_first_node:
        raise RuntimeError(b"".join(lines).decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, spent


def _processor_s(pid: int) -> float:
    """User and system seconds of a running process and its finished children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _commands(folder: Path) -> dict[str, _Command]:
    environment = {
        **os.environ,
        "DO_NOT_TRACK": "1",  # Kedro brings its telemetry along
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "300",
        "BRPNAS_MIRROR": str(folder),
    }
    now, before, bare = (folder / name for name in ("now", "before", "bare"))
    _copy(now)
    archived = _archive(before)
    only_kedro = _environment(folder / "packages")
    _bare_project(bare)
    code = "from kedro.framework.cli import main; main()"
    start = f"import sys; sys.path.insert(0, {str(only_kedro)!r}); sys.argv = ['kedro', 'run']"
    plain = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    commands = {"bare": _Command([sys.executable, "-S", "-c", f"{start}; {code}"], bare, plain)}
    for root, suffix in ((now, ""), *(((before, ", before"),) if archived else ())):
        own = {
            **environment,
            "PYTHONPATH": str(root),
            "MLFLOW_TRACKING_URI": f"sqlite:///{root}/mlflow.db",
        }
        for options in ([], ["--pipelines=ingest"]):
            name = " ".join(["kedro run", *options])
            commands[name + suffix] = _Command(
                [sys.executable, "-m", "kedro", "run", *options], root, own
            )
        words = [sys.executable, "-c", "from brpnas.cli import app; app(['--help'])"]
        commands["brpnas --help" + suffix] = _Command(words, root, own, to_first_node=False)
    return commands


def _copy(root: Path) -> None:
    root.mkdir()
    for part in _PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, root / part)  # type: ignore[operator]
    (root / "data").mkdir()


def _archive(root: Path) -> bool:
    """The project at the old revision; False if git does not know it."""
    command = ["git", "-C", str(ROOT), "archive", BEFORE, *_PARTS]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        return False
    (root / "data").mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", str(root)], input=done.stdout, check=True)
    return True


def _environment(folder: Path) -> Path:
    """Links to the installed files of Kedro and its dependencies."""
    folder.mkdir()
    todo, done = ["kedro"], set()
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in done:
            continue
        done.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # only where a marker asks for it
            continue
        needs = [Requirement(text) for text in found.requires or []]
        todo += [n.name for n in needs if n.marker is None or n.marker.evaluate({"extra": ""})]
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(str(found.locate_file(top)))
    return folder


def _bare_project(root: Path) -> None:
    files = {
        "pyproject.toml": '[tool.kedro]\npackage_name = "bare"\nproject_name = "bare"\n'
        f'kedro_init_version = "{importlib.metadata.version("kedro")}"\nsource_dir = "."\n',
        "conf/base/catalog.yml": "{}\n",
        "conf/base/parameters.yml": "{}\n",
        "conf/local/parameters.yml": "{}\n",
        "bare/__init__.py": "",
        "bare/settings.py": "",
        "bare/pipeline_registry.py": "from kedro.pipeline import Pipeline, node\n\n"
        "def one():\n    return 1\n\ndef register_pipelines():\n"
        '    return {"__default__": Pipeline([node(one, None, "number")])}\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


def main() -> None:
    """Measure, print, and put the figures into the JSON of `speed`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold-repeats", type=int, default=3)
    parser.add_argument("--into", type=Path, help="JSON of `speed` to put the figures into")
    arguments = parser.parse_args()
    result = measure(arguments.repeats, arguments.cold_repeats)
    if arguments.into:
        speed = json.loads(arguments.into.read_text("utf-8"))
        arguments.into.write_text(json.dumps(speed | {"start": result}, indent=1) + "\n", "utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
