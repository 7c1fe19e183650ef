"""What is known of the network file, and what only of others."""

from __future__ import annotations

import json
import re

import pytest

from brpnas.spaces import get_space
from pipelines.latencies import Delivered, DeliveredFile, Latency, Networks
from tests.pipelines.toys import SMALL

PUBLISHED = get_space("nasbench201").published
MINE = Networks(SMALL.size, "mine", "fp32", "ONNX Runtime 1.0")
TORCH = Networks(SMALL.size, "mine", "fp32", "torch 2.0 eager")
INT8 = Networks(SMALL.size, "mine", "int8", "ONNX Runtime 1.0")
ELSEWHERE = Networks(SMALL.size, "Mill, ONNX Runtime 1.0", "fp32", "ONNX Runtime")
FILE = DeliveredFile(SMALL.size, "fp32", "onnxruntime")
UNKNOWN = {
    "predicted_latency_ms": None,
    "latency_ms": None,
    "latency_error": None,
    "latency_elsewhere_ms": None,
    "measured_on": None,
}


def kinds(found: Delivered) -> list[str]:
    return [note.partition(":")[0] for note in found.notes()]


def test_transfers_are_named_with_both_sizes() -> None:
    large = Networks(PUBLISHED.size, "mine", "fp32")
    found = Delivered(FILE, [PUBLISHED.size], Latency(5.1, large), Latency(5.0, large))
    latency, accuracy = found.notes()
    assert latency.startswith("Transfer: latencies ")
    assert "not measured" in latency
    assert accuracy.startswith("Transfer: accuracies")
    for note in (latency, accuracy):
        assert PUBLISHED.size in note
        assert SMALL.size in note
    assert found.figures() == UNKNOWN


def test_latencies_of_torch_are_not_of_a_file_for_another_runtime() -> None:
    found = Delivered(FILE, [], Latency(0.2, TORCH), Latency(0.25, TORCH))
    (note,) = found.notes()
    assert re.match(r"Runtime: .* torch eager; .* ONNX Runtime\..* not measured", note)
    assert re.search(r"torch eager .*\b0\.25 ms", note)
    assert found.figures() == UNKNOWN
    timed = Delivered(FILE, [], Latency(0.2, TORCH), None, Latency(0.1, MINE))
    assert timed.figures() == UNKNOWN | {"latency_ms": 0.1}
    assert " 0.1 ms, as measured" in timed.notes()[0]
    same = Delivered(DeliveredFile(SMALL.size, "fp32", "torch"), [], Latency(0.2, TORCH))
    assert same.notes() == []
    assert same.figures() == UNKNOWN | {"predicted_latency_ms": 0.2}


def test_a_quantised_file_has_the_latency_of_quantised_networks() -> None:
    file = DeliveredFile(SMALL.size, "int8", "onnxruntime")
    found = Delivered(file, [], Latency(0.2, INT8), None, Latency(0.1, INT8))
    assert found.notes() == []
    assert found.figures() == UNKNOWN | {
        "predicted_latency_ms": 0.2,
        "latency_ms": 0.1,
        "latency_error": pytest.approx(1.0),
    }
    other = Delivered(file, [], Latency(0.2, MINE), None, Latency(0.1, INT8))
    (note,) = other.notes()
    assert re.match(r"Precision: .* fp32 networks; .* int8\. .* 0\.1 ms, as measured", note)
    assert other.figures() == UNKNOWN | {"latency_ms": 0.1}


def test_a_latency_is_read_as_it_was_written() -> None:
    given = Latency(0.2, INT8)
    assert Latency.read(json.loads(json.dumps(given.plain()))) == given


def test_figures_of_networks_like_the_file_are_its_own() -> None:
    found = Delivered(FILE, [SMALL.size], Latency(0.2, MINE), Latency(0.16, MINE))
    assert found.notes() == []
    assert found.figures() == UNKNOWN | {
        "predicted_latency_ms": 0.2,
        "latency_ms": 0.16,
        "latency_error": pytest.approx(0.25),
    }


@pytest.mark.parametrize("field", ["known", "measured"])
def test_what_another_device_measured_is_not_the_latency_of_the_named_one(field: str) -> None:
    given = {field: Latency(0.3, ELSEWHERE)}
    found = Delivered(FILE, [], Latency(0.2, MINE), **given)
    assert found.figures() == UNKNOWN | {
        "predicted_latency_ms": 0.2,
        "latency_elsewhere_ms": 0.3,
        "measured_on": ELSEWHERE.device,
    }
    (note,) = found.notes()
    assert re.match(rf"Device: .*\({ELSEWHERE.device}\)", note)
    assert "(mine)" in note


def test_measured_before_asking_in_another_precision() -> None:
    """`search.limits.source: device` with int8, and a device whose latency is of fp32."""
    before = Latency(0.1, Networks(SMALL.size, ELSEWHERE.device, "int8", "ONNX Runtime"))
    found = Delivered(FILE, [], Latency(0.2, MINE), before)
    assert kinds(found) == ["Precision", "Device"]
    assert " int8 " in found.notes()[0]
    assert found.figures() == UNKNOWN | {"predicted_latency_ms": 0.2}


def test_int8_predictions_are_given_with_the_note_alone() -> None:
    found = Delivered(FILE, [], Latency(0.2, INT8))
    (note,) = found.notes()
    assert re.search(r"\bint8 0\.2 ms\b", note)
    assert found.figures() == UNKNOWN
