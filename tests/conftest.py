"""Shared by all tests: the published files, quiet tools, one thread per process."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from brpnas.telemetry import SWITCHES

if TYPE_CHECKING:
    from brpnas.fanout import LocalEngine

REPOSITORY = Path(__file__).resolve().parents[1]

# Before torch, numpy, kedro or mlflow are first imported, so that they and the processes that tests
# start see it. Two workers of one thread each are faster than one of two.
for _name, _value in {
    **SWITCHES,
    "OMP_NUM_THREADS": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}.items():
    os.environ.setdefault(_name, _value)


def find_mirror() -> Path | None:
    """Folder of the published files: ``BRPNAS_MIRROR``, else ``../shared/data``, else none."""
    given = os.environ.get("BRPNAS_MIRROR")
    folder = Path(given) if given else REPOSITORY.parent / "shared" / "data"
    return folder.resolve() if (folder / "latbench").is_dir() else None


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder with the published benchmark files; skips the test without it."""
    folder = find_mirror()
    if folder is None:
        pytest.skip("no published benchmark files: set BRPNAS_MIRROR to a folder that holds them")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A Chromium of playwright; skips the test without it."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
    from benchmarks.chromium import browser, found_chromium  # noqa: PLC0415 - not in every test

    executable = found_chromium()
    if executable is None:
        pytest.skip("no Chromium or Chrome is installed")
    with browser(executable) as started:
        yield started


@pytest.fixture(scope="session")
def workers() -> Iterator[LocalEngine]:
    """A process of this machine, started once, as it imports torch."""
    from brpnas.fanout import LocalEngine  # noqa: PLC0415 - after the variables above are set

    with LocalEngine(1) as engine:
        yield engine


@pytest.fixture
def quick_export() -> Iterator[None]:
    """Export quickly during a test; class and module fixtures use the default exporter."""
    from tests.quick_export import exporting_quickly  # noqa: PLC0415 - it imports torch

    with exporting_quickly():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Less garbage collection: a tenth of the time of tests.

    It skips the objects of libraries and tests, which live to the end, and runs less often.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the mirror as a data test."""
    for item in items:
        if "mirror" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``BRPNAS_REQUIRE_DATA=1`` a skipped data test is a failure (CI sets it)."""
    report = yield
    required = os.environ.get("BRPNAS_REQUIRE_DATA") == "1"
    if required and report.skipped and item.get_closest_marker("data"):
        report.outcome = "failed"
        report.longrepr = f"BRPNAS_REQUIRE_DATA=1, but this test was skipped: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _stay_in_place() -> Iterator[None]:
    """Restore the working directory after the test: `kedro run` and `dvc` may change it."""
    before = Path.cwd()
    yield
    os.chdir(before)
