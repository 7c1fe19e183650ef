"""A user's folder of pictures to a network within a limit, and a test of the delivered file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from benchmarks.project import Project
from benchmarks.road.delivered import accuracy, latency_ms, open_network

__all__ = ["own_pictures", "write_pictures"]

CONFIGURATION = "conf/live/parameters.yml"
LIMIT_MS = 0.3
MEASURE = ["kedro", "run", "--env=live", "--pipelines=measure,ingest,featurise,train"]
SEARCH = ["kedro", "run", "--env=live", "--pipelines=search,evaluate,export"]


def write_pictures(folder: Path, size: int = 16) -> None:
    """Write the digits of scikit-learn, enlarged, as ``train|val|test/CLASS/*.png``."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    for place, row in enumerate(order):
        part = "test" if place < 300 else "val" if place < 600 else "train"
        file = folder / part / f"digit-{labels[row]}" / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((pixels[row].reshape(8, 8) * 15.9).astype(np.uint8))
        picture.resize((size, size), Image.Resampling.BILINEAR).save(file)


def own_pictures(folder: Path, quick: bool) -> dict[str, Any]:
    """Edit one file, run two commands, and compare the report with the delivered file.

    Args:
        folder: Folder for the copy of the project and the pictures.
        quick: Fewer cells, trainings and epochs.
    """
    project = Project(folder / "project")
    pictures = folder / "my pictures"
    write_pictures(pictures)
    _edit(project.root / CONFIGURATION, pictures, quick)
    errors, seconds = project.errors(MEASURE, SEARCH)
    figures = {"files_edited": 1, "commands": len(seconds), "errors": errors, "seconds": seconds}
    return figures if errors else figures | _compare(project.root, pictures / "test")


def _edit(path: Path, pictures: Path, quick: bool) -> None:
    """The user's edit: the folder of pictures and the limit."""
    values = yaml.safe_load(path.read_text("utf-8"))
    values["images"] = {**values["images"], "path": str(pictures)}
    values["constraints"] = [f"latency_ms <= {LIMIT_MS}"]
    if quick:
        values["measure"]["cells"] = 30
        values["train"] = {**values["train"], "train_rows": 18, "valid_rows": 6}
        values["search"] = {**values["search"], "budget": {"queries": 6, "rounds": 2}}
        values["network_training"]["epochs"] = 2
    path.write_text(yaml.safe_dump(values, sort_keys=False), "utf-8")


def _compare(root: Path, test: Path) -> dict[str, Any]:
    """The exported file against the project's report of it."""
    out = root / "data" / "live"
    network = out / "06_models" / "onnx" / "network.onnx"
    reported = json.loads((out / "08_reporting" / "metrics.json").read_text("utf-8"))["network"]
    deployed = json.loads((out / "08_reporting" / "network_evaluation.json").read_text("utf-8"))
    session, metadata = open_network(network)
    found, images = accuracy(network, test)
    measured, spread = latency_ms(network)
    again, _ = latency_ms(network)
    kinds = {each.type for each in session.get_inputs()} | {
        each.type for each in session.get_outputs()
    }
    return {
        "test_images": images,
        "accuracy_reported": reported["test_accuracy"],
        "accuracy_of_file": found,
        "accuracy_equal": abs(found - reported["test_accuracy"]) < 0.5 / images,
        "latency_reported_ms": reported["latency_ms"],
        "latency_of_file_ms": round(measured, 5),
        "latency_error": round(reported["latency_ms"] / measured - 1, 4),
        "repeat_noise": round(max(spread, abs(again / measured - 1)), 4),
        "limit_ms": LIMIT_MS,
        "kept": measured <= LIMIT_MS,
        "size_reported": reported["file_bytes"],
        "size_bytes": network.stat().st_size,
        "size_equal": network.stat().st_size == reported["file_bytes"],
        "precision": sorted(kinds),
        "precision_reported": deployed["file"]["precision"],
        "input_shape": session.get_inputs()[0].shape,
        "metadata": sorted(metadata),
    }
