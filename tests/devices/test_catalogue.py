"""The catalogue of devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.datasets import (
    embedded_devices,
    fbnet_devices,
    fetch_group,
    help_devices,
    latbench_devices,
    load_catalogue,
    near_twins,
    read_help_latency,
    read_latency,
)
from brpnas.devices import Device, get_device, load_devices
from brpnas.errors import ConfigurationError, UnknownNameError

OWN = """
- name: my-board
  hardware: A board
  runtime: onnxruntime
  precision: fp32
  batch_size: 1
  source: null
  licence: own
  executes_dead_ops: true
"""


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "devices.yml"
    path.write_text(text)
    return path


def of(group: str) -> dict[str, Device]:
    sources = load_catalogue()
    published = [d for d in load_devices().values() if d.source is not None]
    return {d.name: d for d in published if sources[str(d.source)].group == group}


def test_every_published_device_is_named_like_its_source() -> None:
    published = [d for d in load_devices().values() if d.source is not None]
    assert [d.name for d in published] == [d.source for d in published]
    assert [d.name for d in published] == [
        *latbench_devices(),
        *help_devices(),
        *fbnet_devices(),
    ]


def test_the_devices_of_help_run_dead_operations_and_tell_their_traps() -> None:
    devices = of("help")
    assert list(devices) == help_devices()
    assert all(d.executes_dead_ops and d.batch_size == 1 for d in devices.values())
    assert all((d.runtime, d.licence) == (None, "MIT") for d in devices.values())
    assert "drifted" in devices["gold_6240"].notes
    assert "128 have" in devices["pixel3"].notes


def test_the_devices_of_fbnet_tell_their_traps() -> None:
    devices = of("fbnet")
    assert list(devices) == fbnet_devices()
    assert {name: d.batch_size for name, d in devices.items() if d.batch_size > 1} == {
        "fbnet-2080ti_32": 32
    }
    assert all(d.runtime is None and not d.executes_dead_ops for d in devices.values())
    whole = [name for name, d in devices.items() if "Whole milliseconds" in d.notes]
    assert whole == ["fbnet-essential_ph_1", "fbnet-samsung_s7"]


def test_the_devices_of_latbench() -> None:
    devices = of("latbench")
    assert list(devices) == latbench_devices()
    for name, device in devices.items():
        assert device.name == name
        assert name.endswith(device.precision)
        assert device.batch_size == 1
        assert not device.executes_dead_ops


def test_sources_and_licences_are_those_of_the_files() -> None:
    sources = load_catalogue()
    for device in load_devices().values():
        if device.source is not None:
            assert sources[device.source].licence == device.licence


def test_the_devices_that_ship_with_the_package() -> None:
    own = [device.name for device in load_devices().values() if device.source is None]
    assert own == embedded_devices()


def test_twins_know_each_other() -> None:
    devices = load_devices()
    pairs = {(d.name, twin) for d in devices.values() for twin in d.near_twins}
    assert {(b, a) for a, b in pairs} == pairs
    assert len(pairs) == 2
    assert all(devices[a].notes for a, _ in pairs)


def test_by_name() -> None:
    device = get_device("desktop-cpu-core-i7-7820x-fp32")
    assert device.hardware == "Intel Core i7-7820X (desktop CPU)"
    assert device.near_twins == ["desktop-gpu-gtx-1080ti-fp32"]


def test_unknown_device() -> None:
    with pytest.raises(UnknownNameError) as caught:
        get_device("desktop-cpu-core-i7-7820x-fp16")
    assert "'desktop-cpu-core-i7-7820x-fp32'?" in str(caught.value)


def test_a_catalogue_of_ones_own(tmp_path: Path) -> None:
    devices = load_devices(_write(tmp_path, OWN))
    assert get_device("my-board", devices).executes_dead_ops
    assert devices["my-board"].near_twins == []
    with pytest.raises(UnknownNameError, match=r"'myboard'.* 'my-board'\?"):
        get_device("myboard", devices)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("precision:", "precison:", r"'precison'.* 'precision'\?"),
        ("executes_dead_ops:", "executes_dead_op:", r"'executes_dead_op'.* 'executes_dead_ops'\?"),
        ("batch_size: 1", "batch_size: 0", "batch_size: .*greater than 0"),
        ("batch_size: 1", "batch_size: one", "batch_size: .*'one'"),
        ("licence: own", "", "'licence' is missing"),
        ("name: my-board", "name: my board", "name: .*'my board'"),
        ("true", "perhaps", "executes_dead_ops: .*'perhaps'"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_devices(_write(tmp_path, OWN.replace(old, new)))


def test_a_device_does_not_change() -> None:
    device = next(iter(load_devices().values()))
    with pytest.raises(ValueError, match="frozen"):
        device.precision = "int4"
    assert isinstance(device, Device)


@pytest.mark.data
def test_flagged_twins_are_those_that_the_data_show(mirror: Path, tmp_path: Path) -> None:
    tables = {}
    for group, read in (("latbench", read_latency), ("help", read_help_latency)):
        files = fetch_group(group, mirror=mirror, cache=tmp_path)
        tables |= {name: read(path, name) for name, path in files.items()}
    found = near_twins(tables)
    flagged = {(d.name, twin) for d in load_devices().values() for twin in d.near_twins}
    assert {pair for a, b, _ in found for pair in ((a, b), (b, a))} == flagged
