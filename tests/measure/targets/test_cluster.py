from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.errors import ConfigurationError, MeasurementError, UnknownNameError
from brpnas.fanout import LocalEngine, SerialEngine
from brpnas.measure import ClusterTarget, OnnxRuntime, open_target
from brpnas.measure.hardware import describe_machine
from brpnas.measure.targets import cluster
from brpnas.measure.targets.base import Row
from tests.measure.fakes import REFERENCE, fake_folder, fake_network


def timed(task: cluster._Task) -> Row:
    """A row without timing."""
    ((name, _),) = task.contents.items()
    (artifact,) = task.manifest.networks
    assert artifact.files[0].file == name
    return {"event": task.event, "name": artifact.name}


def test_each_network_is_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_time", timed)
    fake_folder(tmp_path, ["good"] * 6)
    rows = list(ClusterTarget(SerialEngine()).measure(tmp_path))
    found = "".join(row["name"][-1] if row["event"] == "network" else "r" for row in rows)
    assert found == "r0123r45r"


def test_real_networks_on_workers(tmp_path: Path, workers: LocalEngine) -> None:
    from brpnas.measure.setup import cell_artifact  # noqa: PLC0415
    from brpnas.spaces.select import select_cells  # noqa: PLC0415
    from tests.measure.small import small  # noqa: PLC0415

    settings = small()
    cells = select_cells(3)
    settings.manifest([cell_artifact(c, settings, tmp_path) for c in cells]).write(tmp_path)
    target = ClusterTarget(workers)
    here = describe_machine(settings.runtime)
    assert target.describe(settings.runtime).identity() == here.identity()
    rows = list(target.measure(tmp_path))
    assert {row["name"] for row in rows} == set(cells)
    assert {row["event"] for row in rows} == {"network"}


def test_a_task_that_fails_is_a_failed_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(task: cluster._Task) -> Row:
        raise ValueError("worker died")

    monkeypatch.setattr(cluster, "_time", fails)
    fake_folder(tmp_path, ["good"], reference=None)
    (row,) = ClusterTarget(SerialEngine()).measure(tmp_path)
    assert (row["event"], row["name"]) == ("failed", "n0")
    assert "worker died" in row["error"]
    fake_folder(tmp_path, ["good"], reference=fake_network(REFERENCE, tmp_path))
    with pytest.raises(MeasurementError, match=r"reference network.*worker died"):
        list(ClusterTarget(SerialEngine()).measure(tmp_path))


def test_workers_without_the_provider_are_an_error(workers: LocalEngine) -> None:
    with pytest.raises(MeasurementError, match=r"cannot measure.*NoExecutionProvider"):
        ClusterTarget(workers).describe(OnnxRuntime(provider="NoExecutionProvider"))


def test_targets_by_name() -> None:
    assert open_target().name == "local"
    with pytest.raises(UnknownNameError, match=r"'locl'.*'local'"):
        open_target("locl")
    with pytest.raises(ConfigurationError, match=r"tcp://head"):
        open_target("ssh://board", scheduler="tcp://head:1")
