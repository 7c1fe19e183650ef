"""Every runtime in every precision, for real; skipped without its extra."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from brpnas.measure import LocalTarget, MeasureSettings, Protocol, runner
from brpnas.measure.artifacts import make_artifact
from brpnas.measure.batch import convert_batch
from brpnas.measure.runtimes import RUNTIMES, Runtime
from brpnas.measure.targets.local import check_artifacts
from tests.measure.runtimes.networks import TINY, cell_network, installed

SHAPE = (1, *TINY.input_shape)
CELLS = {
    "mixed": (3, 2, 4, 1, 0, 3),
    "disconnected": (0, 0, 0, 0, 0, 0),
    "skips": (1, 1, 1, 1, 1, 1),
    "pools": (4, 4, 4, 4, 4, 4),
}
EVERY = [kind(1, precision) for kind in RUNTIMES.values() for precision in kind.precisions]
SLOW = ("litert", "executorch")
"""Converters of many seconds: other cells and precisions are for `make test-all`."""
QUICK = ("mixed", "disconnected")
"""Cells with every operation and with none."""
FLOAT = [runtime for runtime in EVERY if runtime.precision == "fp32"]

Rows = dict[str, dict[str, Any]]


def label(runtime: Runtime) -> str:
    return f"{runtime.name}-{runtime.precision}"


def computes(runtime: Runtime) -> bool:
    """Whether this processor has the precision."""
    half = runner.SOFTWARE[runtime.name].half
    return runtime.precision != "fp16" or half(runtime.provider)


@dataclass(frozen=True)
class Case:
    """A runtime, and cells whose networks are converted for it."""

    runtime: Runtime
    cells: tuple[str, ...]


def cases() -> Iterator[Any]:
    """Four cells in fp32, one in other precisions."""
    for runtime in EVERY:
        exact, slow = runtime.precision == "fp32", runtime.name in SLOW
        if exact and slow:
            others = tuple(name for name in CELLS if name not in QUICK)
            given = Case(runtime, others)
            yield pytest.param(given, id=f"{label(runtime)}-others", marks=pytest.mark.slow)
        cells = (QUICK if slow else tuple(CELLS)) if exact else QUICK[:1]
        marks = [pytest.mark.slow] if slow and not exact else []
        yield pytest.param(Case(runtime, cells), id=label(runtime), marks=marks)


@pytest.fixture(scope="module", params=cases())
def case(request: pytest.FixtureRequest) -> Case:
    installed(request.param.runtime)
    return request.param


@pytest.fixture(scope="module")
def runtime(case: Case) -> Runtime:
    return case.runtime


@pytest.fixture(scope="module")
def folder(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("networks")
    networks = {
        name: partial(make_artifact, name, cell_network(*CELLS[name]), SHAPE, case.runtime)
        for name in case.cells
    }
    settings = MeasureSettings(case.runtime, Protocol(1, 3, 2), TINY)
    assert list(convert_batch(networks, settings, made, checked=False)) == []
    return made


def test_answers_are_those_of_torch(runtime: Runtime, folder: Path) -> None:
    rows = list(check_artifacts(folder))
    assert [row["event"] for row in rows] == ["checked"] * len(rows), rows
    assert max(row["difference"] for row in rows) < (runtime.tolerance or 0.5)


def test_networks_are_timed_on_this_machine(runtime: Runtime, folder: Path) -> None:
    rows = list(LocalTarget().measure(folder))
    if not computes(runtime):
        assert {row["event"] for row in rows} == {"failed"}
        assert all(f"{runtime.title} computes no fp16" in row["error"] for row in rows)
        return
    assert {row["event"] for row in rows} == {"network"}
    for row in rows:
        assert row["latency_ms"] > 0
        assert len(row["blocks_ms"]) == 2
        assert row["peak_memory_mib"] > 10


@pytest.fixture(scope="module", params=FLOAT, ids=label)
def exact(request: pytest.FixtureRequest) -> Runtime:
    return installed(request.param)


def converted(runtime: Runtime, network: nn.Module, folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    image = torch.from_numpy(runner.seeded_image(SHAPE, 0))
    return [str(file) for file in runtime.convert(network, image, folder)]


class Half(nn.Module):
    """Its second convolution, if it has one, reaches no output."""

    def __init__(self, dead: bool) -> None:
        super().__init__()
        self.live, self.dead = (nn.Conv2d(1, 4000, 3) for _ in range(2))
        self.has_dead = dead

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if self.has_dead:
            self.dead(image)
        return self.live(image).mean((2, 3))


def _threads(runtime: Runtime, files: list[str], pipe: Any) -> None:
    software = runner._software(runtime.name)
    image = runner.seeded_image(SHAPE, 0)
    run = software.load(files, image, runtime.threads, runtime.provider, "fp32")
    run()
    pipe.send(len(list(Path("/proc/self/task").iterdir())))


def threads(runtime: Runtime, files: list[str]) -> int:
    """Threads of a new process that runs a network."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_threads, args=(runtime, files, theirs))
    process.start()
    theirs.close()
    count = ours.recv()
    process.join()
    return int(count)


@pytest.mark.slow
def test_threads_are_those_of_the_settings(exact: Runtime, tmp_path: Path) -> None:
    files = converted(exact, cell_network(*CELLS["mixed"]), tmp_path)
    assert threads(replace(exact, threads=2), files) > threads(exact, files)


@pytest.mark.slow
def test_dead_operations_are_in_the_files_of_torch_alone(exact: Runtime, tmp_path: Path) -> None:
    whole, live = (
        sum(Path(file).stat().st_size for file in converted(exact, network, tmp_path / name))
        for name, network in {"whole": Half(True).eval(), "live": Half(False).eval()}.items()
    )
    assert (whole > 1.5 * live) == exact.executes_dead_ops
    assert (whole < 1.1 * live) != exact.executes_dead_ops


@pytest.mark.slow
def test_a_batch_is_computed_at_once_or_refused(exact: Runtime, tmp_path: Path) -> None:
    if not exact.batches:
        with pytest.raises(ValueError, match="batch_size"):
            MeasureSettings(exact, batch_size=2)
        return
    shape = (2, *TINY.input_shape)
    made = make_artifact("x", cell_network(*CELLS["mixed"]), shape, exact, tmp_path)
    image = runner.seeded_image(shape, 0)
    files = [str(tmp_path / file.file) for file in made.files]
    run = runner.SOFTWARE[exact.name].load(files, image, 1, exact.provider, "fp32")
    assert made.answer is not None
    np.testing.assert_allclose(run().ravel(), made.answer.values, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "exact",
    [
        pytest.param(runtime, marks=[pytest.mark.slow] if runtime.name in SLOW else [])
        for runtime in FLOAT
    ],
    ids=label,
    indirect=True,
)
def test_nothing_is_printed(exact: Runtime, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    converted(exact, cell_network(*CELLS["mixed"]), tmp_path)
    runner.describe(exact.name, exact.provider)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", RUNTIMES.values(), ids=RUNTIMES)
def test_a_missing_package_is_refused_with_its_extra(
    kind: type[Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "packages", ("no_such_package", *kind.packages))
    with pytest.raises(ValueError, match=rf"no_such_package.*brpnas\[{kind.extra}\]"):
        kind().check()
