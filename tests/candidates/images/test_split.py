from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from brpnas.candidates import ImageSource
from brpnas.candidates.images.split import describe_split, split_parts
from brpnas.errors import SchemaError


def sizes(
    counts: list[int],
    shares: tuple[float | None, float | None] = (None, None),
    split: np.ndarray | None = None,
) -> dict[str, list[int]]:
    labels = np.repeat(np.arange(len(counts)), counts)
    names = [f"c{n}" for n in range(len(counts))]
    parts = split_parts(labels, names, split, shares, 0, "x")
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    return {
        part: np.bincount(labels[rows], minlength=len(counts)).tolist()
        for part, rows in parts.items()
    }


def total(counts: dict[str, list[int]]) -> tuple[int, ...]:
    return tuple(sum(counts[part]) for part in ("train", "valid", "test"))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([176] * 5, (620, 130, 130)),  # the 880 images that once became 291, 295 and 294
        ([2000] * 5, (7000, 1500, 1500)),
        ([5000] * 10, (35_000, 7500, 7500)),
        ([20_000] * 10, (180_000, 10_000, 10_000)),
        ([1_000] * 1000, (980_000, 10_000, 10_000)),
    ],
)
def test_parts_follow_the_size(counts: list[int], expected: tuple[int, ...]) -> None:
    assert total(sizes(counts)) == expected


def test_small_classes_are_in_every_part() -> None:
    got = sizes([300, 30, 12, 4, 3])
    assert got["valid"] == got["test"] == [45, 5, 3, 1, 1]
    assert got["train"] == [210, 20, 6, 2, 1]


def test_the_least_of_a_class_goes_before_the_most_of_a_part() -> None:
    assert total(sizes([100] * 3000)) == (270_000, 15_000, 15_000)


@pytest.mark.parametrize(("size", "drawn"), [(3, 1), (7, 1), (8, 2), (19, 4), (20, 5), (40, 6)])
def test_the_least_of_a_class(size: int, drawn: int) -> None:
    assert sizes([2000, size])["valid"][1] == drawn


def test_a_class_too_small_is_named() -> None:
    with pytest.raises(SchemaError, match=r"'c1' of x .*\b2 images; .*\b3\b"):
        sizes([30, 2])


def test_given_shares_are_of_all_images() -> None:
    assert total(sizes([100, 100], (0.25, 0.1))) == (130, 50, 20)
    assert total(sizes([100, 100], (0.25, None))) == (120, 50, 30)


def test_what_the_source_names_stays_and_the_rest_comes_from_its_training_images() -> None:
    split = np.tile(["train"] * 5 + ["test"], 40)
    got = sizes([120, 120], split=split)
    assert got["test"] == [20, 20]
    assert got["valid"] == [15, 15]
    got = sizes([120, 120], (0.25, None), split)
    assert got["valid"] == [30, 30]


def test_log_says_the_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (100, 8, 8), np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels, labels=np.arange(100) % 2)
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            ImageSource(str(tmp_path / "mine.npz"), cache=str(tmp_path / "cache")).load()
    (line,) = [record.message for record in caplog.records if "mine: " in record.message]
    assert "100 images of 8 x 8 with 1 channel in 2 classes" in line
    assert "68 train, 16 valid, 16 test" in line
    assert line == (
        "mine: 100 images of 8 x 8 with 1 channel in 2 classes; 68 train, 16 valid, 16 test; "
        "validation 16 % and test 16 %, drawn at random from each class alike, seed 0"
    )


def said(
    sizes: list[int], shares: tuple[float | None, float | None], split: np.ndarray | None = None
) -> str:
    labels, names = np.repeat(np.arange(len(sizes)), sizes), [f"c{n}" for n in range(len(sizes))]
    return describe_split(split, split_parts(labels, names, split, shares, 7, "x"), 7)


def test_the_rule_is_said_in_words() -> None:
    parts = np.array([b"train", b"train", b"val", b"TEST"])
    assert said([4], (None, None), parts) == "as the source names the parts"
    assert said([30, 30], (1 / 3, 0.2)) == (
        "validation 20 of 60 images (33.3 %) and test 12 of 60 images (20 %), drawn at random from "
        "each class alike, seed 7"
    )
    assert said([20], (None, None), np.array(["train"] * 16 + ["testing"] * 4)) == (
        "train and test as the source names them; validation 4 of 20 images (20 %), drawn at "
        "random from each class alike, seed 7"
    )
    assert ImageSource(split_seed=3).load().split.endswith("seed 3")


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [
        ([40_000, 40_000], "10,000 of 80,000 images (12.5 %)"),  # the most that a part gets
        ([10, 10, 10], "6 of 30 images (20 %)"),  # a quarter of each small class, at most five
        ([1000, 1000], "300 of 2,000 images (15 %)"),
    ],
)
def test_the_share_that_is_said_is_the_share_that_was_drawn(counts: list[int], drawn: str) -> None:
    assert said(counts, (None, None)).startswith(f"validation {drawn} and test {drawn}, drawn")
