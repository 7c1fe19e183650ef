from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from brpnas.export import export_image_network, model_card
from pipelines.export.network_card import network_card
from tests.pipelines.search.stage import task
from tests.report.samples import DEAD, DEPLOYED, INT8, LATENCY, WINNER, network_evaluation


def pets(dataset: str = "pets", oracle: str = "train", choose_by: str = "answers") -> Any:
    """The task of the search."""
    limits = ["latency_ms <= 0.2", "params_m <= 1"]
    return task(dataset, limits, oracle={"name": oracle}, sampler={"choose_by": choose_by})


SEARCH: dict[str, Any] = {
    "task": pets(),
    "queries": 40,
    "network": {
        "size": "channels=16 cells_per_stage=2 stages=3 input_shape=3x32x24 classes=3",
    },
    "failed": 2,
    "chosen": {
        "arch_id": WINNER,
        "params_m": 0.1,
        "flops_m": 1.0,
    },
    "known": {"predicted_latency_ms": 0.19, "latency_ms": None, "valid_accuracy": 0.8},
    "held_out": {"test_accuracy": None},
    "member": None,
    "members": [{}, {}, {}],
    "front": None,
}
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:y) | `z`"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Any file: the card reads interface and metadata from it."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("card") / "network.onnx"
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 3))
    about = {"label_names": f'["{HOSTILE}"]'}
    export_image_network(network, path, (3, 4, 4), about, exporter="torchscript")
    return path


TIMED = LATENCY | {"predicted_latency_ms": 0.19, "latency_ms": 0.285, "latency_error": -0.333}
INITIAL: dict[str, Any] = {"trained": False, **DEPLOYED, "latency": TIMED}


def evaluated(confusion: list[list[int]] = DEAD, **changes: Any) -> dict[str, Any]:
    return network_evaluation(confusion) | {"latency": TIMED} | changes


def card(path: Path, evaluation: dict[str, Any], **search: Any) -> str:
    return model_card(path, network_card(SEARCH | search, evaluation, "my-board", ()))


def test_it_names_data_network_and_scores(path: Path) -> None:
    text = card(path, evaluated())
    assert re.match("# .* pets\n", text)
    for said in (
        f"`{WINNER}`".replace("|", "\\|"),
        "| Size | 16 channels, 3 stages of 2 cells |",
        "| Parameters | 0.1 M |",
        "| Multiply-adds | 1 M |",
        "| Images | 90: 50 training, 20 validation, 20 test |",
        "| Split | by seed 0 |",
        "| Resolution | 32 x 24 pixels, 3 channels (RGB) |",
        " | 15 epochs on 70 ",
        "20 test images) | 75.00 % |",
        " | 80.00 % |",
        "| cat | 10 | 5 | 5 | 0.0 % | – |",
        "| cat | dog | 3 | 60.0 % |",
        "trained again",
        "taken once",
    ):
        assert said in text
    assert "None" not in text


def test_faults_come_first(path: Path) -> None:
    _, first, second, *_ = card(path, evaluated()).split("\n\n")
    assert first.startswith("> **Warning: 1 of 3 classes ")
    assert "limit" in second
    assert "latency\\_ms" not in second


def test_a_limit_and_the_measurement_that_breaks_it_stand_together(path: Path) -> None:
    text = card(path, evaluated())
    assert re.search(r"\| Limit latency_ms &lt;= 0\.2 \| .* 0\.285, .* 0\.19; exceeds ", text)
    assert "| Limit params_m &lt;= 1 | 0.1; keeps " in text
    assert re.search(r"\| Measured latency \| 0\.285 ms .*my-board; .* -33\.3 % \|", text)
    assert "within latency_ms" not in text, "nothing was found within a limit that is broken"
    latency = TIMED | {"latency_ms": None, "latency_error": None}
    text = card(path, evaluated(latency=latency))
    assert re.search(r"\| Limit latency_ms .*\| predicted 0\.19; keeps ", text)
    assert "| Measured latency | not measured |" in text
    assert "exceeds" not in text


def test_names_have_no_markup(path: Path) -> None:
    evaluation = copy.deepcopy(evaluated())
    evaluation["classes"][2]["name"] = HOSTILE
    evaluation["test"] |= {"never_recognised": [HOSTILE], "largest_class": HOSTILE}
    text = card(path, evaluation, task=pets(HOSTILE))
    assert "<img" not in text
    assert "](javascript" not in text.replace("\\](", "")
    row = next(
        line for line in text.splitlines() if line.startswith("| &lt;img") and "0.0 %" in line
    )
    assert row.replace("\\|", "").count("|") == 7


def test_many_classes_are_cut_and_counted(path: Path) -> None:
    evaluation = evaluated([[int(i == j) for j in range(150)] for i in range(150)])
    text = card(path, evaluation)
    assert "| class 99 |" in text
    assert "| class 100 |" not in text
    assert "and 50 more." in text
    assert re.search(r"^## .*confusions\n\nNone\.", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("oracle", "said"),
    [("table", "accuracy table"), ("file", "by hand"), ("surrogate", "a surrogate")],
)
def test_initial_weights_are_called_so(path: Path, oracle: str, said: str) -> None:
    text = card(path, INITIAL, task=pets(oracle=oracle))
    assert re.match("# .*, not trained\n", text)
    first, *_ = re.findall(r"^> \*\*Warning: .*", text, re.MULTILINE)
    assert "initialised" in first
    assert said in text
    assert f"| Validation accuracy ({oracle}) | 80.00 % |" in text
    assert "Test accuracy" not in text


def test_figures_of_other_networks_are_left_out_and_the_difference_is_said(path: Path) -> None:
    note = "Precision: int8, fp32."
    latency = TIMED | {"predicted_latency_ms": None, "latency_error": None}
    measured = card(path, evaluated(notes=[note], latency=latency))
    assert f"**Warning: {note}**" in measured
    assert re.search(r"\| Measured latency \| 0\.285 ms .*my-board \|", measured)
    assert "Predicted latency" not in measured
    given = {"notes": [note], "latency": latency | {"latency_ms": None}}
    unmeasured = card(path, evaluated(**given))
    assert "| Measured latency | not measured |" in unmeasured
    assert "0.285" not in unmeasured
    assert "0.19" not in unmeasured
    untrained = card(path, INITIAL | given)
    assert f"**Warning: {note}**" in untrained
    assert "0.285" not in untrained


def test_a_latency_of_another_device_is_called_so_and_decides_no_limit(path: Path) -> None:
    elsewhere = {"latency_ms": None, "latency_error": None, "latency_elsewhere_ms": 0.285}
    latency = TIMED | elsewhere | {"measured_on": "Mill, ONNX Runtime 1.0"}
    text = card(path, evaluated(latency=latency))
    assert re.search(
        r"\| Measured latency \| 0\.285 ms .*Mill, ONNX Runtime 1\.0; .*my-board ", text
    )
    assert re.search(r"\| Limit latency_ms .*\| predicted 0\.19; keeps ", text)
    assert "exceeds" not in text


def test_a_quantised_file_and_the_float_file_are_told_apart(path: Path) -> None:
    text = card(path, evaluated(**INT8))
    assert "| Precision | int8 |" in text
    assert "| Runtime | LiteRT |" in text
    assert re.search(r"winner\.tflite, for LiteRT, int8, .* 128 .*; 4,321 bytes", text)
    assert re.search(r"network\.onnx, fp32; 12,345 bytes", text)
    assert re.search(r"80\.00 % \(network\.onnx\), 75\.00 % \(winner\.tflite\)", text)
    assert "winner.tflite" not in card(path, evaluated())


@pytest.mark.parametrize(
    ("choose_by", "said"),
    [
        ("answers", r"chosen .* 38 trainings\."),
        ("ranker", r"\branker, .* 38 trainings\."),
    ],
)
def test_the_choice_is_told_as_it_was_made(path: Path, choose_by: str, said: str) -> None:
    """Two of the 40 queries failed."""
    text = card(path, evaluated(), task=pets(choose_by=choose_by))
    assert re.search(said, text)


def test_a_member_of_the_front_says_who_chose_it(path: Path) -> None:
    for evaluation in (evaluated(), INITIAL):
        assert re.search(r"\b3 of 3\b.* front\b", card(path, evaluation, member=3, front={}))
        assert not re.search(r"\bfront\b", card(path, evaluation))


def test_the_choice_of_a_search_for_a_front_is_its_knee(path: Path) -> None:
    assert re.search(r"\bknee\b", card(path, evaluated(), front={}))
    assert not re.search(r"\bknee\b", card(path, evaluated()))
