"""The device metrics that a task needs, and refusals before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from brpnas.errors import ConfigurationError, ConstraintError, ObjectiveError, UnknownNameError
from pipelines.train.targets import Targets, choose_targets
from tests.pipelines.toys import make_latency

CELLS = ["a", "b", "c"]


def table(device: str, **columns: object) -> Callable[[], pd.DataFrame]:
    return lambda: make_latency(CELLS, device).assign(**columns)


TABLES = {
    "phone": table("phone"),
    "box": table("box", energy_mj=[1.0, 2.0, 3.0]),
    "hole": table("hole", energy_mj=[1.0, None, 3.0], peak_memory_mib=5.0),
}


def choose(
    constraints: tuple[str, ...] = (),
    objectives: tuple[str, ...] = ("accuracy",),
    device: str = "phone",
) -> Targets:
    return choose_targets(TABLES, "nasbench201", device, constraints, objectives)


def texts(targets: Targets) -> list[str]:
    return [str(metric) for metric in targets.metrics]


def test_the_latency_of_the_task_is_always_among_them() -> None:
    found = choose(("params_m <= 1",))
    assert texts(found) == ["latency_ms@phone"]
    assert (found.device, found.space) == ("phone", "nasbench201")


def test_constraints_and_objectives_add_what_they_name() -> None:
    found = choose(
        ("latency_ms <= 3", "latency_ms@phone <= 3", "latency_ms@box + flops_m <= 9"),
        ("accuracy", "- peak_memory_mib@hole", "-energy_mj@box"),
    )
    assert texts(found) == [
        "latency_ms@phone",
        "energy_mj@box",
        "latency_ms@box",
        "peak_memory_mib@hole",
    ]
    assert texts(choose(("flops_m <= 3",), ("accuracy", "-params_m"))) == ["latency_ms@phone"]


def test_without_a_name_the_device_of_the_task_is_meant() -> None:
    assert texts(choose(("energy_mj <= 3",), device="box")) == ["latency_ms@box", "energy_mj@box"]


def test_an_unknown_device_suggests_one() -> None:
    with pytest.raises(UnknownNameError, match=r"'fone'.* 'phone'\?"):
        choose(device="fone")
    with pytest.raises(UnknownNameError, match=r"'boxx'.* 'box'\?"):
        choose(("latency_ms@boxx <= 3",))
    with pytest.raises(UnknownNameError, match=r"'boxx'.* 'box'\?"):
        choose(objectives=("accuracy", "-latency_ms@boxx"))


def test_an_unknown_metric_suggests_one() -> None:
    with pytest.raises(ConstraintError, match=r"'energy'.* 'energy_mj'\?"):
        choose(("energy <= 3",))
    with pytest.raises(ObjectiveError, match=r"'latency'.* 'latency_ms'\?"):
        choose(objectives=("accuracy", "-latency"))


@pytest.mark.parametrize(
    ("constraint", "device", "words"),
    [
        ("energy_mj <= 3", "phone", r"'energy_mj <= 3' .*energy_mj@phone.* phone .*latency_ms"),
        ("energy_mj@hole <= 3", "phone", r" hole .*latency_ms, peak_memory_mib.*: box\."),
        ("peak_memory_mib@box <= 3", "phone", r" box .*latency_ms, energy_mj.*: hole\."),
    ],
)
def test_a_metric_that_no_row_or_only_some_hold(constraint: str, device: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        choose((constraint,), device=device)


def test_the_objective_at_fault_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'-energy_mj' .*energy_mj@phone"):
        choose(objectives=("accuracy", "-energy_mj"))
