"""This machine: a runner that is killed, lies or lacks its runtime."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from brpnas.errors import MeasurementError
from brpnas.measure import LocalTarget, OnnxRuntime, open_target
from brpnas.measure.targets import local
from tests.measure.fakes import SCRIPT, fake_folder, rows


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and the runner with the fake runtime."""
    monkeypatch.setattr(local.runner, "__file__", str(SCRIPT))
    return tmp_path


def _runner() -> int:
    """Process of the runner that this process has started."""
    here = os.getpid()
    children = Path(f"/proc/{here}/task/{here}/children").read_text().split()
    named = [c for c in children if SCRIPT.name in Path(f"/proc/{c}/cmdline").read_text()]
    (found,) = named
    return int(found)


def test_rows_arrive_while_the_runner_works(fake: Path) -> None:
    fake_folder(fake, ["good"] * 4, seconds=0.02)
    measured = LocalTarget().measure(fake)
    first = [next(measured), next(measured)]
    assert [row["event"] for row in first] == ["reference", "network"]
    assert len(rows(fake)) < 6
    rest = list(measured)
    assert [row["name"] for row in [*first, *rest]] == [row["name"] for row in rows(fake)]


def test_a_killed_runner_is_started_again(fake: Path) -> None:
    """At any number of kills, as long as there are rows in between."""
    fake_folder(fake, ["good"] * 6, seconds=0.05, reference=None)
    found = []
    for row in LocalTarget().measure(fake):
        found.append(row)
        if len(found) in (1, 2, 4, 5):
            os.kill(_runner(), signal.SIGKILL)
    assert [row["name"] for row in found] == [f"n{i}" for i in range(6)]
    assert found == rows(fake)


def test_a_runner_that_always_dies_is_an_error(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = fake / "dying.py"
    dying.write_text("import os, sys\nsys.stderr.write('no luck')\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setattr(local.runner, "__file__", str(dying))
    fake_folder(fake, ["good"])
    with pytest.raises(MeasurementError, match=r"code -9.*no luck"):
        list(LocalTarget().measure(fake))


def test_a_runner_that_fails_is_an_error_at_once(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = fake / "failing.py"
    failing.write_text(
        "from pathlib import Path\n"
        f"with Path({str(fake / 'runs')!r}).open('a') as file:\n    file.write('x')\n"
        "raise ValueError('broken')\n"
    )
    monkeypatch.setattr(local.runner, "__file__", str(failing))
    fake_folder(fake, ["good"])
    with pytest.raises(MeasurementError, match=r"code 1.*ValueError: broken"):
        list(LocalTarget().measure(fake))
    assert (fake / "runs").read_text() == "x"


def test_an_error_of_the_runner_is_passed_on(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE", "lacking")
    fake_folder(fake, ["good"])
    with pytest.raises(MeasurementError, match="install fake-runtime"):
        list(LocalTarget().measure(fake))


def test_closing_ends_the_runner(fake: Path) -> None:
    fake_folder(fake, ["good", "hang"], reference=None)
    measured = LocalTarget().measure(fake)
    next(measured)
    runner = _runner()
    measured.close()
    assert not Path(f"/proc/{runner}").exists()


def test_checking_tells_wrong_answers(fake: Path) -> None:
    fake_folder(fake, ["good", "wrong", "nan"])
    assert [row["event"] for row in local.check_artifacts(fake)] == ["checked", "failed", "failed"]


def test_this_machine() -> None:
    with open_target("local") as target:
        assert target.name == "local"
        assert target.describe(OnnxRuntime()).versions["python"] == sys.version.split()[0]
