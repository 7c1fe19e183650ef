"""Parts of the road of a new user: quick parts here, whole searches among the slow tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from benchmarks.project import Project
from benchmarks.road.board import ten_rows
from benchmarks.road.cases import run_cases
from benchmarks.road.delivered import accuracy, latency_ms
from benchmarks.road.interrupts import interrupt_first
from benchmarks.road.pictures import own_pictures, write_pictures
from benchmarks.road.sizes import sizes_that_differ


def brightness_network(path: Path) -> None:
    """Logits are minus and plus the mean pixel: above the stated mean the answer is ``light``."""
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "signs"], ["logits"]),
    ]
    constants = {
        "axes": np.array([1, 2, 3]),
        "last": np.array([1]),
        "signs": np.array([[-1, 1]], np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    about = {"label_names": ["dark", "light"], "pixel_scale": 255, "mean": [0.5], "std": [0.25]}
    helper.set_model_props(model, {key: json.dumps(value) for key, value in about.items()})
    path.write_bytes(model.SerializeToString())


def test_a_file_is_judged_by_its_metadata_alone(tmp_path: Path) -> None:
    brightness_network(tmp_path / "network.onnx")
    for name, grey in [("dark", 10), ("dark", 200), ("light", 250), ("light", 180)]:
        picture = tmp_path / "test" / name / f"{grey}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), grey, np.uint8)).save(picture)
    assert accuracy(tmp_path / "network.onnx", tmp_path / "test") == (0.75, 4)
    milliseconds, spread = latency_ms(tmp_path / "network.onnx", blocks=3, runs=5)
    assert milliseconds > 0
    assert spread >= 0


def test_pictures_are_a_folder_of_three_parts_and_ten_classes(tmp_path: Path) -> None:
    write_pictures(tmp_path, size=16)
    counts = {part.name: len(list(part.glob("*/*.png"))) for part in tmp_path.iterdir()}
    assert counts == {"train": 1197, "val": 300, "test": 300}
    assert {len(list(part.iterdir())) for part in tmp_path.iterdir()} == {10}


def test_a_copy_is_a_clean_repository_of_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path / "copy")
    status = subprocess.run(
        ["git", "status", "--short"], cwd=project.root, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
    ended = project.run(["git", "rev-parse", "--show-toplevel"])
    assert (ended.code, Path(ended.last).resolve()) == (0, project.root.resolve())
    failed = project.run(["python", "-c", "raise SystemExit(3)"])
    assert (failed.code, failed.traceback) == (3, False)
    assert project.run(["python", "-c", "1 / 0"]).traceback


@pytest.mark.slow
def test_own_pictures_to_a_delivered_file(tmp_path: Path) -> None:
    found = own_pictures(tmp_path, quick=True)
    assert (found["files_edited"], found["commands"], found["errors"]) == (1, 2, 0)
    assert found["accuracy_equal"]
    assert found["size_equal"]
    assert (found["precision"], found["precision_reported"]) == (["tensor(float)"], "fp32")


@pytest.mark.slow
def test_other_sizes_are_refused_before_a_training(tmp_path: Path) -> None:
    found = sizes_that_differ(tmp_path)
    assert (found["refused"], found["trainings"]) == (found["kinds"], 0)


@pytest.mark.slow
def test_ten_rows_of_a_board_to_a_search(tmp_path: Path) -> None:
    found = ten_rows(tmp_path, quick=True)
    assert (found["commands"], found["errors"]) == (2, 0)


@pytest.mark.slow
def test_interrupted_first_commands_leave_nothing_that_fails(tmp_path: Path) -> None:
    assert interrupt_first(tmp_path, 3)["later_failed"] == 0


def test_cases_are_left_out_where_they_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.road.cases.FOLDER", tmp_path)
    assert run_cases() is None
