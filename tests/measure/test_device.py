from __future__ import annotations

import json
from pathlib import Path

import pytest

from brpnas.devices import Device
from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.measure import (
    LocalTarget,
    OnnxRuntime,
    SshTarget,
    measure_device,
    measure_report,
    probe,
    select_cells,
    summary,
)
from tests.measure.small import small

CELLS = select_cells(3)


def test_a_device_with_its_report(tmp_path: Path) -> None:
    device, result = measure_device(
        CELLS, small(), tmp_path, name="mine", progress=False, drift_limit=1e9
    )
    assert (device.name, device.precision, device.batch_size) == ("mine", "fp32", 1)
    assert "2 stages of 1 cells, 4 channels, input 3 x 24 x 24" in device.notes
    (store,) = tmp_path.glob("*.jsonl")
    assert store.name.startswith("measure-")
    report = measure_report(device, small(), result, drift_limit=1e9)
    assert json.loads(json.dumps(report)) == report
    assert report["cells"] == 3
    assert report["latency_ms"]["median"] == result.rows["latency_ms"].median()
    assert report["reference"]["references"] == len(report["reference_ms"]) == 2
    assert Device.model_validate(report["entry"]) == device
    text = summary(report)
    for shown in ("mine", "3 measured, 0 failed", "over 2 measurements"):
        assert shown in text
    report["failed"] = [{"arch_id": CELLS[0], "error": "why"}]
    report["reference"]["drifted"] = True
    assert f"{CELLS[0]}: why" in summary(report)
    assert "OVER THE LIMIT" in summary(report)


def test_a_refused_device_is_not_measured(tmp_path: Path) -> None:
    def refuse(device: Device) -> None:
        raise MeasurementError(device.name)

    with pytest.raises(MeasurementError, match="mine"):
        measure_device(CELLS, small(), tmp_path, name="mine", check=refuse)
    assert not list(tmp_path.iterdir())


class Board(LocalTarget):
    """This machine, as if it were another."""

    place = "board"


class Phones(LocalTarget):
    """This machine, as if its description fitted several."""

    needs_name = True


def test_a_default_name_says_the_place(tmp_path: Path) -> None:
    names = [
        measure_device(CELLS[:1], small(), tmp_path, target=target, progress=False)[0].name
        for target in (None, Board())
    ]
    assert names[0].startswith("local-")
    assert names[1] == names[0].replace("local-", "board-")


def test_devices_that_only_their_names_tell_apart_share_no_rows(tmp_path: Path) -> None:
    for name, cell in zip(("one", "two", "one"), CELLS, strict=True):
        found = measure_device(
            [cell], small(), tmp_path, name=name, target=Phones(), progress=False
        )[1]
    assert set(found.rows["arch_id"]) == {CELLS[0], CELLS[2]}
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    with pytest.raises(ConfigurationError):
        measure_device(CELLS, small(), tmp_path, target=Phones())


def test_a_missing_converter_is_told_before_the_target_is_asked() -> None:
    class Lacking(OnnxRuntime):
        packages = ("absent_converter",)

    with pytest.raises(ConfigurationError, match="absent_converter"):
        probe(small(Lacking()), SshTarget("ssh://user@nowhere.invalid"))
