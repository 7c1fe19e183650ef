"""The exported network on the page: scores by class, and its training data.

All figures come from `brpnas.candidates.network_evaluation` of the deployed file. Model card and
log use the same sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brpnas.metrics import share_interval
from brpnas.report.format import percent
from brpnas.report.tables import Table, TableCell

__all__ = [
    "HeatCell",
    "alarms",
    "answered_by",
    "class_table",
    "confusion_matrix",
    "confusion_table",
    "conversion_facts",
    "data_facts",
    "file_name",
    "score_facts",
]

LABELLED = 20
"""Largest number of classes with a full confusion matrix."""
_NAMED = 10
"""Largest number of class names in a sentence."""

Network = Mapping[str, Any]
"""Result of `brpnas.candidates.network_evaluation`."""


def alarms(network: Network) -> list[str]:
    """Faults hidden by the overall accuracy, one sentence each."""
    test, classes = network["test"], network["classes"]
    found = []
    if never := test["never_recognised"]:
        found.append(
            f"{len(never)} of {len(classes)} classes {_is(never)} never recognised on the test "
            f"images (recall 0): {_names(never)}. Test accuracy is {percent(test['accuracy'])}, "
            f"balanced accuracy {percent(test['balanced_accuracy'])}; answering "
            f"{test['largest_class']!r} every time has an accuracy of "
            f"{percent(test['largest_class_share'])}. More epochs, more images of "
            f"{'these classes' if len(never) > 1 else 'this class'}, or "
            "search.oracle.metric: balanced_accuracy can help."
        )
    if test["accuracy"] <= test["largest_class_share"] and test["accuracy"] != 1:
        found.append(
            f"A test accuracy of {percent(test['accuracy'])} is no better than answering "
            f"{test['largest_class']!r} every time ({percent(test['largest_class_share'])})."
        )
    if untested := [row["name"] for row in classes if not row["test"]]:
        found.append(
            f"{len(untested)} of {len(classes)} classes {_has(untested)} no test image, so nothing "
            f"is known of {_names(untested)}."
        )
    return found


def answered_by(oracle: str, dataset: str) -> str:
    """Source of the accuracies of a search with initial weights.

    Examples:
        >>> answered_by("file", "pets")
        'trainings by hand on pets'
    """
    return {
        "table": f"the accuracy table of {dataset}",
        "file": f"trainings by hand on {dataset}",
        "surrogate": f"a surrogate of trainings on {dataset}",
    }.get(oracle, f"trainings on {dataset}")


def _is(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"


def _has(names: Sequence[str]) -> str:
    return "have" if len(names) > 1 else "has"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    more = len(names) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _shown(name: object) -> str:
    """A name, with unprintable characters as escapes."""
    text = str(name)
    return text if text.isprintable() else repr(text)[1:-1]


def score_facts(network: Network) -> list[tuple[str, str]]:
    """Scores of the exported file, and validation scores from the search."""
    test, valid = network["test"], network["valid"]
    never, classes = len(test["never_recognised"]), len(network["classes"])
    of = f"{file_name(network)}, {test['images']:,} test images"
    return [
        (f"Test accuracy ({of})", percent(test["accuracy"])),
        ("90 % interval of the test accuracy, from the number of images", _interval(test)),
        (f"Test balanced accuracy ({of})", percent(test["balanced_accuracy"])),
        (
            f"Largest class among the test images, {_shown(test['largest_class'])}",
            percent(test["largest_class_share"]),
        ),
        ("Classes never recognised", f"{never} of {classes}"),
        ("Validation accuracy, training of the search", percent(valid["accuracy"])),
        (
            "Validation balanced accuracy, training of the search",
            percent(valid["balanced_accuracy"]),
        ),
    ]


def file_name(network: Network) -> str:
    """What the figures are of: the deployed file, by name if there are two."""
    return "exported file" if network["float"] is None else str(network["file"]["name"])


def conversion_facts(network: Network) -> list[tuple[str, str]]:
    """The deployed file and the ONNX file in float32; empty if they are the same."""
    file, before = network["file"], network["float"]
    if before is None:
        return []
    images = file["calibration_images"]
    scales = "" if images is None else f", scales from {images:,} training images"
    facts = [
        (
            "Deployed file",
            f"{file['name']}, for {file['runtime']}, {file['precision']}{scales}; "
            f"{network['file_bytes']:,} bytes",
        ),
        ("Before the conversion", f"{before['name']}, fp32; {before['file_bytes']:,} bytes"),
    ]
    if network["accuracy_drop"] is not None:
        after = network["test"]["accuracy"]
        facts.append(
            (
                "Test accuracy before and after",
                f"{percent(before['accuracy'])} ({before['name']}), {percent(after)} "
                f"({file['name']})",
            )
        )
    return facts


def _interval(test: Mapping[str, Any]) -> str:
    low, high = share_interval(test["accuracy"], test["images"])
    return f"{percent(low)} to {percent(high)}"


def data_facts(network: Network) -> list[tuple[str, str]]:
    """The data set, its split, and the training of the exported network."""
    data, training = network["data"], network["training"]
    images = data["images"]
    channels, height, width = data["input_shape"]
    parts = "training and validation images" if training["final"] else "training images"
    mean, std = (", ".join(f"{value:.4g}" for value in data[key]) for key in ("mean", "std"))
    return [
        ("Data set", str(network["dataset"])),
        (
            "Images",
            f"{sum(images.values()):,}: {images['train']:,} training, {images['valid']:,} "
            f"validation, {images['test']:,} test",
        ),
        ("Classes", f"{len(network['classes']):,}"),
        ("Split", str(data["split"])),
        (
            "Resolution",
            f"{height} x {width} pixels, {channels} channel{'s' * (channels > 1)}"
            + (f" ({data['colours']})" if data["colours"] else ""),
        ),
        *_resizing(data["size"]),
        (
            "Normalisation",
            f"pixels divided by {data['pixel_scale']:g}, less {mean}, divided by {std} (channel "
            "by channel)",
        ),
        (
            "Training of the exported network",
            f"{training['epochs']} epochs on {training['images']:,} {parts}, seed "
            f"{training['seed']}",
        ),
    ]


def _resizing(size: Sequence[int] | None) -> list[tuple[str, str]]:
    if size is None:
        return []
    how = f"scaled until it covers {size[0]} x {size[1]} pixels (bilinear), the centre kept"
    return [("Resizing of pictures", how)]


def class_table(network: Network) -> Table:
    """Images of each class in each part, and recall and precision on the test images."""
    parts = ("train", "valid", "test")
    rows = tuple(
        (
            TableCell(_shown(row["name"])),
            *(TableCell(f"{row[part]:,}", float(row[part])) for part in parts),
            TableCell(percent(row["recall"], 1), row["recall"]),
            TableCell(percent(row["precision"], 1), row["precision"]),
        )
        for row in network["classes"]
    )
    return Table(("class", "training", "validation", "test", "recall", "precision"), rows)


@dataclass(frozen=True)
class HeatCell:
    """A cell of the confusion matrix: its count, and its share of the row from 0 to 1."""

    count: int
    share: float
    right: bool


def confusion_matrix(network: Network) -> list[tuple[str, list[HeatCell]]] | None:
    """Rows of the confusion matrix by true class; None for more than 20 classes."""
    if len(network["classes"]) > LABELLED:
        return None
    return [
        (
            _shown(row["name"]),
            [HeatCell(n, n / max(row["test"], 1), i == j) for j, n in enumerate(counts)],
        )
        for i, (row, counts) in enumerate(
            zip(network["classes"], network["confusion"], strict=True)
        )
    ]


def confusion_table(network: Network, count: int = LABELLED) -> Table:
    """The most frequent confusions."""
    names = [_shown(row["name"]) for row in network["classes"]]
    wrong = [
        (n, i, j)
        for i, counts in enumerate(network["confusion"])
        for j, n in enumerate(counts)
        if n and i != j
    ]
    wrong.sort(key=lambda found: (-found[0], found[1], found[2]))
    rows = tuple(
        (
            TableCell(names[i]),
            TableCell(names[j]),
            TableCell(f"{n:,}", float(n)),
            TableCell(
                percent(n / network["classes"][i]["test"], 1), n / network["classes"][i]["test"]
            ),
        )
        for n, i, j in wrong[:count]
    )
    return Table(("class", "taken for", "images", "of the class"), rows)
