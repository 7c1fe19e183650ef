"""Broken links and killed runners: rows lost, and networks measured twice."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from brpnas.measure import MeasureSettings, Protocol, SshTarget, select_cells
from brpnas.measure.batch import convert_batch
from brpnas.measure.drift import reference_cell
from brpnas.measure.setup import cell_artifact
from tests.measure.targets.board import Board

__all__ = ["broken"]

TIMES, QUICK_TIMES = 20, 2
NETWORKS = 6
_PROTOCOL = Protocol(1, 100, 5)
"""About 0.1 s for each of the small networks, so that most breaks meet one in flight."""


def broken(board: Board, settings: MeasureSettings, *, quick: bool) -> dict[str, Any]:
    """Measure small networks again and again, each time broken at a random moment.

    Args:
        board: The board.
        settings: Runtime and size of the networks.
        quick: A few breaks only.

    Returns:
        For ``cuts`` of the link (a cable without contact for 4 s, and killed processes of sshd, in
        turn) and ``kills`` of the runner: their ``number``; rows ``lost``; networks with a row on
        the board at the break that were ``measured_again``; breaks with a network ``in_flight``.
    """
    times = QUICK_TIMES if quick else TIMES
    settings = replace(settings, protocol=_PROTOCOL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        makes = {c: partial(cell_artifact, c, settings) for c in select_cells(NETWORKS)}
        reference = reference_cell(settings.space)
        made = (reference, partial(cell_artifact, reference, settings))
        for row in convert_batch(makes, settings, folder, reference=made):
            raise RuntimeError(f"{row['name']} cannot be converted: {row['error']}")
        cuts = [board.kill_sessions, partial(_unplug, board)]
        return {
            "networks": NETWORKS,
            "cuts": _repeated(board, folder, list(makes), [cuts[n % 2] for n in range(times)]),
            "kills": _repeated(board, folder, list(makes), [board.kill_runners] * times),
        }


def _unplug(board: Board) -> None:
    board.cut()
    time.sleep(4)  # three signs of life
    board.plug()


def _repeated(
    board: Board, folder: Path, names: list[str], breaks: list[Callable[[], None]]
) -> dict[str, int]:
    rng = random.Random(0)
    lost = again = in_flight = 0
    for break_it in breaks:
        moment = rng.randrange(len(names)), rng.uniform(0, 0.1)
        found, there = _broken_once(board, folder, break_it, *moment)
        lost += len(set(names) - found.keys())
        again += sum(found.get(name) != blocks for name, blocks in there.items())
        in_flight += len(there) < len(names)
    return {
        "number": len(breaks),
        "lost": lost,
        "measured_again": again,
        "in_flight": in_flight,
    }


def _broken_once(
    board: Board, folder: Path, break_it: Callable[[], None], after: int, wait_s: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Blocks of the networks at the end, and of those with a row on the board at the break."""
    found: dict[str, Any] = {}
    there: dict[str, Any] = {}
    begun = False
    with SshTarget(board.address, alive_s=1, patience_s=60) as target:
        for row in target.measure(folder):
            if row["event"] == "network":
                found[row["name"]] = row["blocks_ms"]
            if not begun and len(found) >= after:
                begun = True
                time.sleep(wait_s)
                there = _rows_on(board)
                break_it()
    return found, there


def _rows_on(board: Board) -> dict[str, Any]:
    """Blocks of each network with a row on the board."""
    found = {}
    for path in board.home.glob(".cache/brpnas/*/rows.jsonl"):
        for line in path.read_bytes().splitlines(keepends=True):
            row = json.loads(line) if line.endswith(b"\n") else {}
            if row.get("event") == "network":
                found[row["name"]] = row["blocks_ms"]
    return found
