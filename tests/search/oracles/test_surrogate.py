from __future__ import annotations

import numpy as np
import pytest

from brpnas.datasets import fetch_group
from brpnas.datasets.nasbench301 import Surrogate
from brpnas.errors import ConfigurationError, OracleError
from brpnas.search.oracles import Question
from brpnas.search.oracles.surrogate import SurrogateOracle
from brpnas.spaces.darts import Darts
from tests.spaces.darts.examples import DARTS_V2_ID

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def surrogate(mirror, tmp_path_factory) -> Surrogate:
    return Surrogate.from_files(
        fetch_group("nasbench301", mirror=mirror, cache=tmp_path_factory.mktemp("cache"))
    )


@pytest.fixture
def questions() -> list[Question]:
    arch_ids = Darts().sample(np.random.default_rng(3), 20)
    return [Question(i, arch_id) for i, arch_id in enumerate(arch_ids)]


def test_reveals_the_predicted_validation_accuracy(surrogate, questions):
    oracle = SurrogateOracle(surrogate)
    predicted = surrogate.predict_all([q.arch_id for q in questions])
    answers = [oracle.answer(question) for question in questions]
    assert [a.accuracy for a in answers] == predicted[:, 0].tolist()
    assert [a.cost_s for a in answers] == predicted[:, 2].tolist()
    assert {a.seed for a in answers} == {None}


def test_a_round_is_answered_as_one_by_one(surrogate, questions):
    oracle = SurrogateOracle(surrogate, epochs=50)
    expected = [(question, oracle.answer(question)) for question in questions]
    assert list(oracle.answers(questions)) == expected
    assert list(oracle.answers(questions[::-1])) == expected[::-1]
    assert list(oracle.answers([])) == []


def test_asking_again_gives_the_same(surrogate):
    oracle = SurrogateOracle(surrogate)
    first = oracle.answer(Question(0, DARTS_V2_ID))
    assert oracle.answer(Question(9, DARTS_V2_ID, frozenset({1}))) == first


def test_shorter_training_is_less_accurate(surrogate):
    short, long = (SurrogateOracle(surrogate, e).answer(Question(0, DARTS_V2_ID)) for e in (20, 98))
    assert short.accuracy < long.accuracy
    assert short.cost_s < long.cost_s


def test_what_is_no_architecture_is_reported_and_the_rest_answered(surrogate, questions):
    oracle = SurrogateOracle(surrogate)
    mixed = [questions[0], Question(1, "nonsense"), questions[2]]
    answers = [answer for _, answer in oracle.answers(mixed)]
    assert isinstance(answers[1], OracleError)
    assert "DARTS architectures only" in str(answers[1])
    assert [answers[0], answers[2]] == [oracle.answer(questions[0]), oracle.answer(questions[2])]


def test_another_training_is_a_mistake_of_the_configuration(surrogate, questions):
    with pytest.raises(ConfigurationError, match="1 to 98"):
        list(SurrogateOracle(surrogate, epochs=200).answers(questions))


def test_describes_what_decides_the_answers(surrogate):
    described = SurrogateOracle(surrogate, epochs=50).describe()
    assert described == {
        "name": "surrogate",
        "dataset": "cifar10",
        "epochs": 50,
        "symmetric": False,
    }
