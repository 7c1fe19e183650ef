"""Small synthetic reports, and a reader of the pages made from them."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from brpnas.report import ReportData
from brpnas.spaces import NasBench201

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "br", "img", "hr", "input"}
WINNER = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"


def space_table(size: int = 200, seed: int = 0) -> pd.DataFrame:
    """Cells with latencies and accuracies; the first is the winner, the last unmeasured."""
    rng = np.random.default_rng(seed)
    names = [a for a in NasBench201().sample(rng, size) if a != WINNER][: size - 1]
    latency = rng.uniform(1, 9, size)
    latency[0] = 3.4171
    table = pd.DataFrame(
        {
            "arch_id": [WINNER, *names],
            "predicted_latency_ms": latency * np.exp(rng.normal(0, 0.05, size)),
            "latency_ms": latency,
            "test_accuracy": rng.uniform(0.4, 0.7, size),
        }
    )
    table.loc[0, ["predicted_latency_ms", "test_accuracy"]] = 3.2958, 0.72345
    table.loc[size - 1, "latency_ms"] = np.nan
    return table


def history_table(space: pd.DataFrame, size: int = 12) -> pd.DataFrame:
    """A search of three rounds over the first cells; query 2 failed, query 5 is the winner."""
    order = [1, 2, 3, 4, 5, 0, *range(6, size)]
    table = space.iloc[order][["arch_id", "predicted_latency_ms"]].reset_index(drop=True)
    table.insert(0, "query", range(size))
    table.insert(1, "round", [query * 3 // size for query in range(size)])
    table["accuracy"] = space["test_accuracy"].iloc[order].to_numpy() - 0.01
    table["status"] = "ok"
    table.loc[2, "status"] = "failed"
    table.loc[2, "accuracy"] = np.nan
    return table


def predictions_table(space: pd.DataFrame) -> pd.DataFrame:
    """Measured cells, 30 to train, 10 to validate, the rest to test."""
    table = space.dropna(subset=["latency_ms"]).drop(columns="test_accuracy").copy()
    table["split"] = ["train"] * 30 + ["valid"] * 10 + ["test"] * (len(table) - 40)
    return table.reset_index(drop=True)


def traces_table(
    queries: int = 20, seeds: int = 3, samplers: tuple[str, ...] = ("random", "evolution", "brp")
) -> pd.DataFrame:
    """Rising curves; sampler i of n ends at a known value."""
    rows = []
    for i, sampler in enumerate(samplers):
        for seed in range(seeds):
            for query in range(queries):
                value = 0.6 + 0.02 * i + 0.001 * seed + 0.001 * query
                rows.append((sampler, seed, query, value, value, value + 0.01, value + 0.02))
    columns = ["sampler", "seed", "query", "best_valid", "chosen_test", "best_test_seen"]
    table = pd.DataFrame(rows, columns=[*columns, "best_single_seed_test_seen"])
    table["regret"] = 0.73 - table["chosen_test"]
    return table


def training_table(members: int = 2, epochs: int = 6) -> pd.DataFrame:
    """Falling losses; the validation loss of member m is lowest at epoch 3 + m."""
    return pd.DataFrame(
        [
            {
                "member": member,
                "epoch": epoch,
                "train_loss": 1.0 / (epoch + 1),
                "valid_loss": 0.3 + 0.1 * abs(epoch - 3 - member),
            }
            for member in range(members)
            for epoch in range(epochs)
        ]
    )


def front_table(space: pd.DataFrame) -> pd.DataFrame:
    """Front of the winner, which is its knee, and of another queried cell."""
    return pd.DataFrame(
        {
            "arch_id": [WINNER, space["arch_id"][1]],
            "accuracy": [0.7, 0.65],
            "latency_ms": [3.3, 2.25],
            "energy_mj@box": [12.5, 8.0],
            "knee": [True, False],
        }
    )


FRONT = {
    "objectives": ["accuracy", "-latency_ms", "-energy_mj@box"],
    "knee": WINNER,
    "reason": "It is cheap.",
    "hypervolume": 0.875,
}


METRICS = {
    "gcn": {
        "within_1": 0.2345,
        "within_5": 0.81,
        "within_10": 0.97123,
        "spearman": 0.99312,
        "kendall": 0.93456,
        "mape": 0.0321,
    },
    "linear per edge": {
        "within_1": 0.05,
        "within_5": 0.3,
        "within_10": 0.6,
        "spearman": 0.95,
        "kendall": 0.8,
        "mape": 0.101,
    },
}


DEAD = [[10, 0, 0], [0, 5, 0], [3, 2, 0]]
"""Of three classes one is never recognised."""


LATENCY: dict[str, Any] = dict.fromkeys(
    (
        "predicted_latency_ms",
        "latency_ms",
        "latency_error",
        "latency_elsewhere_ms",
        "measured_on",
    )
)
DEPLOYED: dict[str, Any] = {
    "file_bytes": 12345,
    "file": {
        "name": "winner.onnx",
        "runtime": "ONNX Runtime",
        "precision": "fp32",
        "calibration_images": None,
    },
    "float": None,
    "accuracy_drop": None,
    "latency": LATENCY,
    "notes": [],
}
"""Part of the evaluation about the deployed file, here the ONNX file in float32."""
INT8: dict[str, Any] = {
    "file_bytes": 4321,
    "file": {
        "name": "winner.tflite",
        "runtime": "LiteRT",
        "precision": "int8",
        "calibration_images": 128,
    },
    "float": {
        "name": "network.onnx",
        "file_bytes": 12345,
        "accuracy": 0.8,
        "balanced_accuracy": 0.7,
    },
    "accuracy_drop": 0.05,
}
"""The same of a quantised file."""


def network_evaluation(confusion: list[list[int]] = DEAD) -> dict[str, Any]:
    """Evaluation of an exported network with this confusion matrix."""
    size = len(confusion)
    names = ["dog", "bird", "cat"] if size == 3 else [f"class {i}" for i in range(size)]
    images = [sum(row) for row in confusion]
    taken = [sum(column) for column in zip(*confusion, strict=True)]
    right = [confusion[i][i] for i in range(size)]
    recall = [r / n if n else None for r, n in zip(right, images, strict=True)]
    known = [value for value in recall if value is not None]
    parts = [(25, 10) if i == 0 else (15, 5) if i == 1 else (10, 5) for i in range(size)]
    return {
        "trained": True,
        **DEPLOYED,
        "dataset": "pets",
        "test": {
            "images": sum(images),
            "accuracy": sum(right) / sum(images),
            "balanced_accuracy": sum(known) / len(known),
            "largest_class": names[images.index(max(images))],
            "largest_class_share": max(images) / sum(images),
            "never_recognised": [n for n, r in zip(names, recall, strict=True) if r == 0],
        },
        "valid": {"accuracy": 0.8, "balanced_accuracy": 0.7},
        "classes": [
            {
                "name": name,
                "train": parts[i][0],
                "valid": parts[i][1],
                "test": images[i],
                "recall": recall[i],
                "precision": right[i] / taken[i] if taken[i] else None,
            }
            for i, name in enumerate(names)
        ],
        "confusion": confusion,
        "data": {
            "images": {"train": 50, "valid": 20, "test": sum(images)},
            "split": "by seed 0",
            "input_shape": [3, 32, 24],
            "colours": "RGB",
            "size": [32, 24],
            "pixel_scale": 255.0,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
        },
        "training": {"final": True, "images": 70, "epochs": 15, "seed": 0, "seconds": 3.0},
    }


def report_data(**changes: Any) -> ReportData:
    """A complete report; give fields to replace."""
    space = space_table()
    data = ReportData(
        title="A report",
        chosen={
            "arch_id": WINNER,
            "predicted_latency_ms": 3.2958,
            "latency_ms": 3.4171,
            "valid_accuracy": 0.71345,
            "test_accuracy": 0.72345,
            "regret": 0.00655,
            "optimum_test_accuracy": 0.73,
            "best_test_seen": 0.72345,
            "params_m": 1.0734,
            "flops_m": 153.27,
            "onnx": "models/winner.onnx",
        },
        task={
            "space": "nasbench201",
            "dataset": "cifar100",
            "constraints": ["latency_ms <= 5"],
            "budget": {"queries": 12},
            "limits": {"source": "predicted"},
            "sampler": {"name": "brp", "flops_prior": 0, "choose_by": "answers"},
            "oracle": {"name": "table", "metric": "accuracy"},
            "seed": 4,
        },
        history=history_table(space),
        predictions=predictions_table(space),
        metrics=METRICS,
        training=training_table(),
        traces=traces_table(),
        space=space,
        protocol={
            "device": "phone-7",
            "view": "pruned",
            "members": 2,
            "settings": {"width": 128},
        },
        provenance={"git revision": "abc123", "clean": True},
        sources=[{"name": "LatBench", "licence": "MIT", "url": "https://example.org/paper"}],
    )
    return dataclasses.replace(data, **changes)


def lean_data(**changes: Any) -> ReportData:
    """The report with one drawing, of the cell: each of the others takes a tenth of a second."""
    left_out: dict[str, Any] = dict.fromkeys(("predictions", "training", "traces", "space"))
    return report_data(**left_out | changes)


def without_scripts(text: str) -> str:
    """A page without its scripts, which run in Chromium only."""
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


class Page(HTMLParser):
    """Content of a page: start tags with attributes, text by section, tables, and SVG source."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.unclosed: list[str] = []
        self._section, self._table = "", ""
        self.feed(text)
        self.close()
        self.svgs = [
            ElementTree.fromstring(part[: part.index("</svg>") + 6].join(("<svg", "")))
            for part in without_scripts(text).split("<svg")[1:]
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag not in VOID:
            self.unclosed.append(tag)
        if tag == "section":
            self._section = given["id"] or ""
        elif given.get("role") == "region":
            self._table = given["aria-label"] or ""
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag in ("td", "th"):
            self.tables[self._table][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts[self._section] = self.texts.get(self._section, "") + data
        if {"td", "th"} & set(self.unclosed):
            self.tables[self._table][-1][-1] += data

    def said(self, section: str) -> str:
        """Text of a section with single spaces."""
        return " ".join(self.texts[section].split())


def svg_texts(root: ElementTree.Element) -> list[str]:
    """Every text in a drawing."""
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def parse_svg(text: str) -> ElementTree.Element:
    """Parse a drawing; fails if it is not well formed or not an svg element."""
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    return root
