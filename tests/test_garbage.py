from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from brpnas.garbage import collect_rarely


@pytest.fixture
def _restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_restored")
def test_cycles_are_still_collected() -> None:
    collect_rarely()
    assert gc.isenabled()
    before = gc.get_stats()[0]["collections"]
    kept = [[] for _ in range(3 * gc.get_threshold()[0])]
    assert len(kept) == 60_000
    assert gc.get_stats()[0]["collections"] > before


@pytest.mark.parametrize(
    "begun",
    [
        "from brpnas.cli import app; app(['sources'], standalone_mode=False)",
        "from brpnas.fanout import _worker; _worker._settle()",
        "import pipelines",
    ],
)
def test_entry_points_collect_rarely(begun: str) -> None:
    code = f"{begun}\nimport gc; print(gc.get_threshold()[0])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert json.loads(done.splitlines()[-1]) == 20_000


def test_the_library_leaves_it_alone() -> None:
    code = "import brpnas.search, gc; print(gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 20_000
