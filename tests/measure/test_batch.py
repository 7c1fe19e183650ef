from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from brpnas.errors import MeasurementError
from brpnas.measure.artifacts import Artifact, make_artifact
from brpnas.measure.batch import Make, time_batch
from brpnas.measure.runtimes import OnnxRuntime
from brpnas.measure.targets import LocalTarget
from tests.measure.scripted import Remote, Scripted
from tests.measure.small import small

SHAPE = (1, 3, 8, 8)


class Sum(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).sum(1, keepdim=True)


def make(name: str) -> Make:
    return partial(make_artifact, name, Sum().eval(), SHAPE, OnnxRuntime())


def broken(folder: Path) -> Artifact:
    raise ValueError("no converter")


def lying(folder: Path) -> Artifact:
    """An artifact that answers otherwise than it says."""
    made = make("lying")(folder)
    assert made.answer is not None
    values = tuple(value + 1 for value in made.answer.values)
    return replace(made, answer=replace(made.answer, values=values))


def test_rows_of_all_networks(tmp_path: Path) -> None:
    rows = list(
        time_batch({"a": make("a"), "bad": broken, "b": make("b")}, small(), LocalTarget(),
                   folder=tmp_path)
    )  # fmt: skip
    assert [(row["event"], row["name"]) for row in rows] == [
        *(("failed", "bad"), ("network", "a"), ("network", "b"))
    ]
    assert "no converter" in rows[0]["error"]
    assert not list(tmp_path.iterdir())


def test_references_come_first_and_last() -> None:
    for first in (True, False):
        rows = time_batch(
            {"a": make("a"), "b": make("b")},
            small(),
            Scripted(),
            reference=("r", make("r")),
            reference_first=first,
        )
        assert [row["name"] for row in rows] == [*"r" * first, *"abr"]


def test_without_a_network_nothing_is_timed() -> None:
    target = Scripted()
    rows = list(time_batch({"bad": broken}, small(), target, reference=("r", make("r"))))
    assert [row["event"] for row in rows] == ["failed"]
    assert not target.given


def test_the_reference_must_be_convertible() -> None:
    batch = time_batch({"a": make("a")}, small(), Scripted(), reference=("r", broken))
    with pytest.raises(MeasurementError, match=r"reference network.*no converter"):
        list(batch)


@pytest.mark.parametrize("remote", [True, False])
def test_wrong_networks_do_not_travel(remote: bool) -> None:
    target = Remote() if remote else Scripted()
    makes = {"a": make("a"), "lying": lying}
    rows = list(time_batch(makes, small(), target))
    (manifest,) = target.given
    if remote:
        assert [row["event"] for row in rows] == ["failed", "network"]
        assert "1e-03" in rows[0]["error"]
        assert [one.name for one in manifest.networks] == ["a"]
    else:
        assert [one.name for one in manifest.networks] == ["a", "lying"]


def test_when_all_are_wrong_nothing_travels() -> None:
    target = Remote()
    assert [row["event"] for row in time_batch({"lying": lying}, small(), target)] == ["failed"]
    assert not target.given


def test_stopping_early_leaves_nothing(tmp_path: Path) -> None:
    rows = time_batch({"a": make("a"), "b": make("b")}, small(), LocalTarget(), folder=tmp_path)
    next(rows)
    rows.close()
    assert not list(tmp_path.iterdir())
