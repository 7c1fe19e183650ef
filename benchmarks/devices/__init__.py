"""Any device: runtimes, prediction from few rows, SSH, kits, breaks, one command, int8.

ONNX Runtime with `timing` of conf/base/parameters_measure.yml and networks of the published size,
unless a part says otherwise. A *board* is a real sshd on a host of its own, in a network namespace,
with a user and a bare Python; it needs root and Debian's openssh-server.

- *answers*: 20 cells converted for each runtime; largest difference from torch in fp32, relative to
  the largest logit.
- *predicted*: the shipped table of each new runtime; 100 random cells are measured, all others are
  test rows. A seed chooses the cells; the prior knows the other devices and no row of the new
  runtimes. *Again*: agreement of two measurements of the same cells, where there are two.
- *ssh*: 100 cells in batches of 25, each batch here, over SSH on loopback, and here again.
- *needs*: modules of the board's Python outside of the standard library.
- *kit*: a kit of 300 cells as a zip file. Weights repeat a few thousand random values.
- *broken*: six small networks measured 20 times over a link that is cut, and 20 times with a runner
  that is killed, at a random moment.
- *added*: `brpnas devices add` with 20 cells over SSH in a fresh copy of the project, and the
  predictor of `retrain` on the same table; 30 other cells are test rows.
- *int8*: a network trained on the digits, quantised for each runtime; points of accuracy lost on
  the test images, which nothing was chosen by.

Use an idle machine. Results of parts are kept: the same command resumes while the code is
unchanged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.anchors import ANCHORS, ANY_DEVICE
from benchmarks.data import settings
from benchmarks.devices.added import added
from benchmarks.devices.answers import differences
from benchmarks.devices.breaks import broken
from benchmarks.devices.kits import kit_size
from benchmarks.devices.link import needs, over_ssh
from benchmarks.devices.prediction import new_devices, predicted
from benchmarks.devices.winner import winner
from benchmarks.measure import measure_settings
from benchmarks.tasks import Task, run_tasks
from brpnas.errors import SurroundingsError
from brpnas.measure import MeasureSettings, Protocol
from brpnas.measure.runtimes import RUNTIMES
from brpnas.spaces import NetworkConfig
from tests.measure.targets.board import Board, missing

__all__ = ["PARTS", "part_of", "run"]

SEEDS = 1, 10
_SMALL = NetworkConfig(channels=4, cells_per_stage=1, stages=2)
_OVER_SSH = (
    "brpnas/measure/runner.py",
    "brpnas/measure/targets",
    "tests/measure/targets/board.py",
)


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of each part, and every target beside its figure."""
    figures = {name: part_of(name, quick=quick) for name in PARTS}
    figures["predicted"] = predicted(new_devices(), quick=quick, seeds=seeds, workers=workers)
    results = {"devices": figures}
    targets = [
        {
            "what": anchor.what,
            "target": anchor.target,
            "at_most": anchor.at_most,
            "figure": anchor.ours(results),
            "holds": anchor.reached(results),
        }
        for anchor in ANCHORS
        if anchor.group == ANY_DEVICE
    ]
    return {"seeds": seeds, **figures, "targets": targets}


@contextmanager
def _board() -> Iterator[Board]:
    """A board.

    Raises:
        SurroundingsError: If none can be made here.
    """
    reason = missing()
    if reason:
        raise SurroundingsError(f"A board needs root and Debian's openssh-server: {reason}.")
    board = Board()
    try:
        yield board
    finally:
        board.close()


def _ssh(quick: bool) -> dict[str, Any]:
    with _board() as board:
        figures = over_ssh(board, _settings(quick), quick=quick)
        return figures | {"needs": needs(board, _settings(quick).runtime.name)}


def _broken(quick: bool) -> dict[str, Any]:
    with _board() as board:
        return broken(board, replace(_settings(quick), network=_SMALL), quick=quick)


def _added(quick: bool) -> dict[str, Any]:
    with _board() as board:
        return added(board, quick=quick)


@dataclass(frozen=True)
class _Part:
    """A part of the benchmark.

    Args:
        run: From whether it is quick to its figures.
        code: Code whose change makes its figures stale.
    """

    run: Callable[[bool], dict[str, Any]]
    code: tuple[str, ...]


PARTS: dict[str, _Part] = {
    "answers": _Part(
        lambda quick: differences(RUNTIMES, _settings(quick).network, quick=quick),
        ("benchmarks/devices/answers.py", "brpnas/measure/runtimes"),
    ),
    "ssh": _Part(_ssh, ("benchmarks/devices/link.py", *_OVER_SSH)),
    "kit": _Part(
        lambda quick: kit_size(_settings(quick), quick=quick),
        ("benchmarks/devices/kits.py", "brpnas/measure/kit.py", "brpnas/measure/setup.py"),
    ),
    "broken": _Part(_broken, ("benchmarks/devices/breaks.py", *_OVER_SSH)),
    "added": _Part(
        _added, ("benchmarks/devices/added.py", "brpnas/cli/adding.py", "pipelines/retrain")
    ),
    "int8": _Part(
        lambda quick: winner(quick=quick),
        ("benchmarks/deployed.py", "benchmarks/devices/winner.py", "brpnas/measure/deployed.py"),
    ),
}
"""The parts that measure or convert here, each in this process."""


def part_of(name: str, *, quick: bool) -> dict[str, Any]:
    """Figures of a part, kept from an earlier run with the same code.

    Args:
        name: One of `PARTS`.
        quick: At small size.
    """
    work = functools.partial(_work, quick=quick)
    task, given = {"part": name}, {"quick": quick}
    (done,) = run_tasks(f"devices-{name}", work, [task], given, 1, code=PARTS[name].code)
    figures: dict[str, Any] = done.result
    return figures


def _work(task: Task, *, quick: bool) -> dict[str, Any]:
    return PARTS[task["part"]].run(quick)


def _settings(quick: bool) -> MeasureSettings:
    """The default settings; quick, of small networks and few runs."""
    usual = measure_settings(settings("timing"))
    return replace(usual, network=_SMALL, protocol=Protocol(1, 4, 3)) if quick else usual
