from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.datasets import shipped
from brpnas.devices import get_device
from pipelines.ingest import notes
from pipelines.ingest.notes import source_notes

EDGE = "embedded-tpu-edge-tpu-int8"
MINE = get_device(EDGE).model_copy(update={"name": "mine", "source": None, "licence": "ours"})


def test_published_sources_say_what_they_hold() -> None:
    found = source_notes(["latbench", "nasbench201"], [EDGE], {"mine": MINE})
    assert len(found) == 18
    assert found[EDGE]["devices"] == [EDGE]
    assert found[EDGE]["datasets"] == []
    assert found["nasbench201-runs"]["datasets"] == ["cifar10", "cifar100", "imagenet16-120"]
    assert all(len(note["sha256"]) == 64 for note in found.values())
    assert all({"licence", "citation", "url", "group"} <= set(note) for note in found.values())


def test_published_devices_hold_no_data_sets() -> None:
    found = source_notes(["help"], ["pixel3"], {})
    assert {name: note["devices"] for name, note in found.items()} == {
        name: [name] for name in ("1080ti_1", "gold_6240", "pixel3")
    }
    assert all((note["licence"], note["datasets"]) == ("MIT", []) for note in found.values())


def test_devices_that_were_brought_may_be_described() -> None:
    names = ["mine", "theirs"]
    found = source_notes(["measured", "devices"], names, {"mine": MINE}, brought=names)
    assert {name: note["group"] for name, note in found.items()} == dict.fromkeys(names, "devices")
    assert "owner" in found["theirs"]["licence"]
    assert "owner" in found["theirs"]["citation"]
    assert found["theirs"]["url"] == "01_raw/devices/theirs"
    assert found["mine"]["licence"] == "ours"
    assert "Edge TPU" in found["mine"]["citation"]
    assert all(note["devices"] == [name] for name, note in found.items())


def test_what_was_not_asked_for_is_not_cited() -> None:
    assert source_notes(["measured"], [EDGE], {"mine": MINE}) == {}


def test_own_devices_and_data_sets() -> None:
    found = source_notes(
        ["measured", "trained", "nasbench201"], ["mine"], {"mine": MINE}, trained=["digits"]
    )
    own = {name: note for name, note in found.items() if note["group"] in ("measured", "trained")}
    assert list(own) == ["mine", "trained-digits"]
    assert own["mine"]["licence"] == "ours"
    assert "Edge TPU" in own["mine"]["citation"]
    assert own["trained-digits"]["datasets"] == ["digits"]


def test_digits_are_the_shipped_ones_unless_there_are_own(
    small_benchmark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        notes, "embedded_devices", lambda: shipped.embedded_devices(small_benchmark)
    )
    monkeypatch.setattr(notes, "embedded_notes", lambda: shipped.embedded_notes(small_benchmark))
    found = source_notes(
        ["embedded", "measured", "trained"], ["board", "mine"], {"mine": MINE}, trained=["x"]
    )
    assert {name: note["group"] for name, note in found.items()} == {
        "nb201-digits": "embedded",
        "board": "embedded",
        "mine": "measured",
        "trained-x": "trained",
    }
    assert found["nb201-digits"]["datasets"] == ["digits"]
    assert found["board"]["devices"] == ["board"]
    own = source_notes(["embedded", "trained"], ["board"], {}, trained=["digits"])
    assert {name: note["datasets"] for name, note in own.items()} == {
        "board": [],
        "trained-digits": ["digits"],
    }


def test_a_surrogate_holds_no_table_and_answers_for_its_data_set() -> None:
    found = source_notes(["measured", "nasbench301"], [], {})
    assert set(found) == {"nasbench301-model", "nasbench301-encoding", "nasbench301-space"}
    assert all(note["datasets"] == ["cifar10"] for note in found.values())
    assert all(note["devices"] == [] for note in found.values())
    sample = source_notes(["nasbench101"], [], {})
    assert sample["nasbench101-20k"]["datasets"] == ["cifar10"]
