"""The architecture to export: the choice of the search, or another member of its front."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from brpnas.candidates import TrainedNetworkFile
from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.search import Question
from pipelines.config import ImagesConfig, NetworkTrainingConfig, parse
from pipelines.export.member import exported_architecture, trained_network
from pipelines.network import network_config
from pipelines.training import TrainingTask, train_oracle
from tests.pipelines.parameters import base
from tests.pipelines.search.stage import IMAGES, NETWORK, SPACE, TRAINING, task

CELLS = [
    f"|nor_conv_3x3~0|+|none~0|{last}~1|+|none~0|none~1|skip_connect~2|"
    for last in ("nor_conv_3x3", "skip_connect", "avg_pool_3x3")
]
LIVE = task("digits", oracle={"name": "train", "final_training": True})
SIZE = network_config(NETWORK)


def figures(number: int) -> dict[str, Any]:
    return {
        "chosen": {"arch_id": CELLS[number], "params_m": 0.1 * number},
        "seed": number,
        "latencies": {"predicted": {"ms": number}, "known": None},
        "known": {"valid_accuracy": 0.9 - 0.1 * number},
        "held_out": {"test_accuracy": 0.8 - 0.1 * number},
    }


def result(of: dict[str, Any] = LIVE) -> dict[str, Any]:
    """A front of three; the knee is the second."""
    shared = {"task": of, "network": {"size": SIZE.size}, "queries": 9, "failed": 0}
    knee = figures(1)
    knee["held_out"] = knee["held_out"] | {"regret": 0.02, "best_test_seen": 0.85}
    return {**shared, **knee, "members": [figures(number) for number in range(3)]}


def params(member: int | str | None) -> dict[str, Any]:
    exported: dict[str, Any] = base("export", member=member)
    return exported


@pytest.mark.parametrize("member", [None, 2, "2", CELLS[1]])
def test_the_choice_of_the_search_keeps_every_figure(member: int | str | None) -> None:
    assert exported_architecture(result(), params(member)) == result() | {"member": None}


@pytest.mark.parametrize("member", [3, "3", CELLS[2]])
def test_another_member_brings_its_own_figures(member: int | str) -> None:
    found = exported_architecture(result(), params(member))
    own = figures(2)
    assert {name: found[name] for name in own if name != "held_out"} == {
        name: value for name, value in own.items() if name != "held_out"
    }
    assert found["held_out"] == own["held_out"] | {"regret": None, "best_test_seen": 0.85}
    assert (found["member"], found["task"]) == (3, LIVE)


@pytest.mark.parametrize(
    ("member", "error"),
    [
        (0, ConfigurationError),
        (4, ConfigurationError),
        ("4", ConfigurationError),
        ("|none~0|", UnknownNameError),
    ],
)
def test_an_unknown_member_is_refused(member: int | str, error: type[Exception]) -> None:
    with pytest.raises(error):
        exported_architecture(result(), params(member))


def deliver(member: int | None, store: Path, of: dict[str, Any] = LIVE, **training: Any) -> bytes:
    found = exported_architecture(result(of), params(member))
    return trained_network(found, b"winner", store, TRAINING | training, IMAGES, NETWORK)


def same(content: bytes, file: TrainedNetworkFile) -> bool:
    """Whether a file has the architecture, seed and weights of another."""
    read = TrainedNetworkFile.from_bytes(content)
    weights = read.module().state_dict(), file.module().state_dict()
    return (read.arch_id, read.seed) == (file.arch_id, file.seed) and all(
        torch.equal(value, weights[1][name]) for name, value in weights[0].items()
    )


def test_its_network_is_trained_again_like_the_choice_of_the_search(tmp_path: Path) -> None:
    of = TrainingTask(SPACE, "digits", SIZE, "accuracy")
    images = parse(ImagesConfig, IMAGES)
    with train_oracle(of, images, parse(NetworkTrainingConfig, TRAINING), tmp_path) as oracle:
        searched = oracle.answer(Question(0, CELLS[2]))
        seed = searched.seed
        assert seed is not None
        member = exported_architecture(result(), params(3)) | {"seed": seed}
        final = trained_network(member, b"", tmp_path, TRAINING, IMAGES, NETWORK)
        assert same(final, oracle.final(CELLS[2], seed))
        member["task"] = task("digits", oracle={"name": "train", "final_training": False})
        plain = trained_network(member, b"", tmp_path, TRAINING, IMAGES, NETWORK)
        assert same(plain, oracle.network(CELLS[2], seed))
        assert not same(plain, oracle.final(CELLS[2], seed))
    assert [TrainedNetworkFile.from_bytes(file).final for file in (final, plain)] == [True, False]
    other = TRAINING | {"epochs": 2}
    with pytest.raises(SchemaError, match="network_training"):
        trained_network(member, b"", tmp_path, other, IMAGES, NETWORK)


def test_the_choice_of_the_search_and_untrained_networks_need_no_oracle(tmp_path: Path) -> None:
    assert deliver(None, tmp_path) == deliver(2, tmp_path) == b"winner"
    assert deliver(3, tmp_path, task("cifar100")) == b"winner"
    assert not list(tmp_path.iterdir())
