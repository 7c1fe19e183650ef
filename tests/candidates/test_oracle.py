"""The oracle that trains: real trainings on the digits, kept, found again, deployed."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    TrainOracle,
    train_architecture,
)
from brpnas.errors import ConfigurationError, OracleError, SchemaError, TrainingError
from brpnas.fanout import LocalEngine
from brpnas.search import Answer, Question, StoppingRule
from brpnas.search.stopping import Forecast
from tests.candidates import killed_final, small

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = JobConfig(channels=2, cells_per_stage=1, stages=2, epochs=1, batch_size=128)
CONV = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
POOL = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"


def oracle(folder: Path, config: JobConfig = SMALL) -> TrainOracle:
    return TrainOracle(ImageSource(), config, folder)


def test_an_answer_is_the_validation_accuracy_of_the_kept_network(tmp_path: Path) -> None:
    teacher = oracle(tmp_path)
    answer = teacher.answer(Question(0, CONV))
    kept = teacher.trained(CONV, 0)
    assert answer == Answer(kept.valid_accuracy, 0, kept.train_time_s, kept.valid_curve)
    data = ImageSource().load()
    rows = data.parts["valid"]
    images = (data.images[rows] - data.normalisation[0][:, None, None]) / data.normalisation[1][
        :, None, None
    ]
    with torch.inference_mode():
        said = kept.module()(torch.from_numpy(images)).argmax(dim=1).numpy()
    assert np.mean(said == data.labels[rows]) == pytest.approx(answer.accuracy)


NEVER = StoppingRule(0.5, (Forecast(9.0, 0.0, 0.0),) * 2)
ALWAYS = StoppingRule(0.5, (Forecast(9.0, 0.0, 0.0), Forecast(-9.0, 0.0, 0.0)))
"""After the second of three epochs."""


def test_a_stopped_training_answers_with_its_curve_and_keeps_nothing(tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, epochs=3)
    whole = oracle(tmp_path / "whole", config).answer(Question(0, CONV, rule=NEVER))
    assert (whole.stopped, len(whole.curve or ())) == (False, 3)
    teacher = oracle(tmp_path / "stopped", config)
    found = teacher.answer(Question(0, CONV, rule=ALWAYS))
    assert found.stopped
    assert whole.curve is not None
    assert found.curve == whole.curve[:2]
    assert found.accuracy == whole.curve[1]
    assert found.cost_s is not None
    assert [path for path in (tmp_path / "stopped").rglob("*") if path.is_file()] == []
    assert teacher.answer(Question(1, CONV)).curve == whole.curve, "asked again, to the end"


def test_rules_reach_the_workers(tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, epochs=3)
    questions = [Question(0, CONV, rule=ALWAYS), Question(1, POOL)]
    with LocalEngine(2) as engine:
        teacher = TrainOracle(ImageSource(), config, tmp_path, engine)
        found = dict(teacher.answers(questions))
    answers = [found[question] for question in questions]
    assert [isinstance(answer, Answer) and answer.stopped for answer in answers] == [True, False]


def test_a_kept_network_is_not_trained_again(tmp_path: Path) -> None:
    first = oracle(tmp_path).answer(Question(0, CONV))
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert oracle(tmp_path).answer(Question(7, CONV)) == first, "seconds of the first training too"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == written


def test_a_network_that_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        oracle(tmp_path).answer(Question(0, CONV))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_two_searches_may_keep_the_same_network_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, sync = oracle(tmp_path), os.fsync
    answers = []

    def other_search_meanwhile(handle: int) -> None:
        sync(handle)
        if not answers:
            answers.append(None)
            answers.append(other.answer(Question(0, CONV)))

    monkeypatch.setattr(os, "fsync", other_search_meanwhile)
    answer = oracle(tmp_path).answer(Question(0, CONV))
    assert answers[1].accuracy == answer.accuracy
    assert [path.suffix for path in other.folder.iterdir()] == [".safetensors"]
    assert other.trained(CONV, 0).train_time_s == answer.cost_s, "of the last to end"


@pytest.mark.parametrize("final", [False, True])
def test_a_killed_training_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, final: bool
) -> None:
    config = dataclasses.replace(SMALL, epochs=3)
    whole, killed = oracle(tmp_path / "whole", config), oracle(tmp_path / "killed", config)

    def train(teacher: TrainOracle) -> TrainedNetworkFile:
        if final:
            return teacher.final(CONV, 0)
        teacher.answer(Question(0, CONV))
        return teacher.trained(CONV, 0)

    if final:
        for teacher in (whole, killed):
            teacher.answer(Question(0, CONV))
    killed._checkpoints = dataclasses.replace(killed._checkpoints, every_s=0)
    with monkeypatch.context() as patch:
        patch.setattr("brpnas.candidates.training.end_training", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(killed)
    (left,) = (killed.folder / "checkpoints").iterdir()
    expected = train(whole)
    monkeypatch.setattr("brpnas.candidates.fitting.Fitting.run_epoch", _interrupt)
    found = train(killed)
    assert not left.exists()
    assert len(found.valid_curve) == 3
    assert found.valid_curve == expected.valid_curve
    assert found.valid_curve[-1] == found.valid_accuracy
    assert all(np.array_equal(found.weights[k], v) for k, v in expected.weights.items())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_query_of_it_trains_the_next_seed(tmp_path: Path) -> None:
    again = oracle(tmp_path).answer(Question(3, CONV, frozenset({0, 2})))
    assert again.seed == 1


def test_other_settings_are_kept_apart(tmp_path: Path) -> None:
    other = JobConfig(channels=2, cells_per_stage=1, stages=2, epochs=2, batch_size=128)
    one, two = oracle(tmp_path), oracle(tmp_path, other)
    one.answer(Question(0, CONV))
    assert one.folder != two.folder
    assert one.describe() != two.describe()
    with pytest.raises(OracleError, match="is missing"):
        two.trained(CONV, 0)


def test_a_round_is_answered_by_workers_as_in_this_process(
    tmp_path: Path, workers: LocalEngine
) -> None:
    questions = [Question(0, CONV), Question(1, POOL)]
    teacher = TrainOracle(ImageSource(), SMALL, tmp_path / "a", workers)
    beside = {q: a.accuracy for q, a in teacher.answers(questions) if isinstance(a, Answer)}
    alone = dict(oracle(tmp_path / "b").answers(questions))
    assert beside == {q: a.accuracy for q, a in alone.items() if isinstance(a, Answer)}
    assert len(beside) == 2


def test_a_failed_training_is_an_answer_too(tmp_path: Path) -> None:
    hot = JobConfig(
        channels=2, cells_per_stage=1, stages=2, epochs=3, batch_size=64, learning_rate=1e25
    )
    teacher = oracle(tmp_path, hot)
    ((_, outcome),) = teacher.answers([Question(0, CONV)])
    assert isinstance(outcome, OracleError)
    assert "diverged" in str(outcome)
    with pytest.raises(OracleError, match="diverged"):
        teacher.answer(Question(0, CONV))


def test_the_accuracy_table_is_of_what_the_history_names(tmp_path: Path) -> None:
    teacher = oracle(tmp_path)
    for arch_id in (CONV, POOL):
        teacher.answer(Question(0, arch_id))
    history = pd.DataFrame(
        {"arch_id": [CONV, POOL], "status": ["ok", "failed"], "seed": pd.array([0, None], "Int64")}
    )
    table = teacher.accuracy(history)
    assert set(table["arch_id"]) == {CONV}
    assert table.set_index("split")["accuracy"].to_dict() == {
        "valid": teacher.trained(CONV, 0).valid_accuracy,
        "test": teacher.trained(CONV, 0).test_accuracy,
    }


@pytest.mark.parametrize("left", [0, 100])
def test_a_damaged_network_is_named_and_trained_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, left: int
) -> None:
    teacher = oracle(tmp_path)
    first = teacher.answer(Question(0, CONV))
    (path,) = tmp_path.rglob("*.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    with pytest.raises(SchemaError, match=rf"{path.name}: .*header"):
        teacher.trained(CONV, 0)
    assert teacher.answer(Question(1, CONV)).accuracy == first.accuracy
    assert f"{path}" in caplog.text
    assert "trained again" in caplog.text
    assert teacher.trained(CONV, 0).valid_accuracy == first.accuracy


@pytest.mark.parametrize("damage", ["cut off", "description"])
def test_damage_to_a_kept_network_stops_no_search_that_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """All queries are answered already, so that the search asks for none again."""
    teacher = oracle(tmp_path)
    teacher.answer(Question(0, CONV))
    history = pd.DataFrame({"arch_id": [CONV], "status": ["ok"], "seed": [0]})
    first = teacher.accuracy(history)
    (path,) = tmp_path.rglob("*.safetensors")
    whole = path.read_bytes()
    if damage == "cut off":
        path.write_bytes(whole[:-100])
        pd.testing.assert_frame_equal(
            teacher.accuracy(history).drop(columns="train_time_s"),
            first.drop(columns="train_time_s"),
        )
        assert "trained again" in caplog.text
    else:
        path.write_bytes(whole.replace(b'"trained":"', b'"trained":"{', 1))
        final = teacher.final(CONV, 0)
        assert "trained again" in caplog.text
        assert final.valid_accuracy == teacher.network(CONV, 0).valid_accuracy
    assert len(path.read_bytes()) == pytest.approx(len(whole), abs=100)
    caplog.clear()
    teacher.accuracy(history)
    teacher.network(CONV, 0)
    assert not caplog.records


def test_scores_are_read_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = oracle(tmp_path)
    teacher.answer(Question(0, CONV))
    kept = teacher.trained(CONV, 0)
    monkeypatch.setattr("brpnas.candidates.weights.load", lambda content: pytest.fail("weights"))
    history = pd.DataFrame({"arch_id": [CONV], "status": ["ok"], "seed": [0]})
    table = teacher.accuracy(history).set_index("split")
    assert table.loc["test", "accuracy"] == kept.test_accuracy
    assert table.loc["valid", "train_time_s"] == kept.train_time_s


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_missing_device_ends_the_round_instead_of_spending_it(tmp_path: Path) -> None:
    teacher = oracle(tmp_path, dataclasses.replace(SMALL, device="cuda"))
    with pytest.raises(TrainingError, match=r"ConfigurationError: device .*'cuda'"):
        list(teacher.answers([Question(0, CONV), Question(1, POOL)]))


def test_the_answer_may_be_balanced_accuracy(tmp_path: Path) -> None:
    plain = oracle(tmp_path)
    plain.answer(Question(0, CONV))
    kept = plain.trained(CONV, 0)
    assert kept.valid_balanced_accuracy != kept.valid_accuracy
    balanced = TrainOracle(ImageSource(), SMALL, tmp_path, metric="balanced_accuracy")
    assert balanced.folder == plain.folder, "the networks are the same"
    assert balanced.describe() != plain.describe(), "the search is another"
    answer = balanced.answer(Question(0, CONV))
    assert answer == Answer(kept.valid_balanced_accuracy, 0, kept.train_time_s, kept.valid_curve)
    history = pd.DataFrame({"arch_id": [CONV], "status": ["ok"], "seed": [0]})
    table = balanced.accuracy(history).set_index("split")
    assert table.loc["valid", "accuracy"] == kept.valid_accuracy, "is what it is called"
    assert table.loc["test", "balanced_accuracy"] == kept.test_balanced_accuracy
    with pytest.raises(ConfigurationError, match=r"accuracy .*balanced_accuracy, not 'recall'"):
        TrainOracle(ImageSource(), SMALL, tmp_path, metric="recall")  # type: ignore[arg-type]


def test_the_final_training_takes_the_validation_images_too(tmp_path: Path) -> None:
    teacher = oracle(tmp_path)
    teacher.answer(Question(0, CONV))
    searched, final = teacher.trained(CONV, 0), teacher.final(CONV, 0)
    data = ImageSource().load()
    again = train_architecture(CONV, 0, data, SMALL, final=True)
    assert all(np.array_equal(final.weights[k], again.weights[k]) for k in again.weights)
    assert not np.array_equal(
        final.weights["classifier.weight"], searched.weights["classifier.weight"]
    )
    rows = np.concatenate([data.parts["train"], data.parts["valid"]])
    np.testing.assert_allclose(final.mean, data.images[rows].mean(axis=(0, 2, 3)), rtol=1e-6)
    assert (final.valid_accuracy, final.final) == (searched.valid_accuracy, True)
    assert final.test_accuracy is None, "is measured once, on the exported file"
    assert teacher.trained(CONV, 0).final is False, "the search's own network stays"


def test_a_final_training_is_not_done_twice_and_survives_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    teacher = oracle(tmp_path)
    teacher.answer(Question(0, CONV))
    first = teacher.final(CONV, 0)
    (path,) = tmp_path.rglob("*-final.safetensors")
    written = path.stat().st_mtime_ns
    assert oracle(tmp_path).final(CONV, 0).train_time_s == first.train_time_s
    assert path.stat().st_mtime_ns == written
    path.write_bytes(path.read_bytes()[:50])
    again = teacher.final(CONV, 0)
    assert "trained again" in caplog.text
    assert np.array_equal(again.weights["classifier.weight"], first.weights["classifier.weight"])


def test_a_final_training_that_fails_says_how_to_go_on(tmp_path: Path) -> None:
    teacher = oracle(tmp_path)
    with pytest.raises(OracleError, match="is missing"):
        teacher.final(CONV, 0)
    teacher.answer(Question(0, CONV))
    teacher.config = dataclasses.replace(SMALL, learning_rate=1e25, epochs=3)
    with pytest.raises(TrainingError, match=r"diverged.*search\.oracle\.final_training"):
        teacher.final(CONV, 0)
    assert not list(tmp_path.rglob("*-final*"))


@pytest.mark.slow
def test_a_final_training_that_was_killed_is_done_again_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.candidates.killed_final"]
    killed, alone = tmp_path / "killed", tmp_path / "alone"
    with subprocess.Popen(
        [*command, str(killed)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "searched\n"
        process.kill()
    (searched,) = killed.rglob("*.safetensors")
    written = searched.stat().st_mtime_ns
    for folder in (killed, alone):
        done = subprocess.run(
            [*command, str(folder)], cwd=REPOSITORY, check=True, capture_output=True, text=True
        )
        assert done.stdout == "searched\nfinal\n"
    assert searched.stat().st_mtime_ns == written
    again, whole = (
        TrainOracle(ImageSource(), killed_final.SETTINGS, folder).final(small.CONV, 0)
        for folder in (killed, alone)
    )
    assert all(np.array_equal(again.weights[k], whole.weights[k]) for k in whole.weights)
    assert len(list(killed.rglob("*.safetensors"))) == 2


def test_trainings_in_flight_answer_as_they_end(tmp_path: Path) -> None:
    want = oracle(tmp_path / "alone").answer(Question(0, CONV)).accuracy
    with LocalEngine(2) as engine:
        teacher = TrainOracle(ImageSource(), SMALL, tmp_path / "two", engine)
        with teacher.start() as trainings:
            trainings.submit(Question(0, CONV))
            trainings.submit(Question(1, "no cell"))
            first = trainings.next_answer()
            trainings.submit(Question(2, CONV, frozenset({0})))
            found = dict([first, trainings.next_answer(), trainings.next_answer()])
        with teacher.start() as again:  # from the files
            again.submit(Question(3, CONV))
            assert again.next_answer()[1] == found[Question(0, CONV)]
    assert found[Question(0, CONV)].accuracy == want  # type: ignore[union-attr]
    assert isinstance(found[Question(1, "no cell")], OracleError)
    assert found[Question(2, CONV, frozenset({0}))].seed == 1  # type: ignore[union-attr]


def test_nothing_in_flight_has_no_answer(tmp_path: Path) -> None:
    with oracle(tmp_path).start() as trainings, pytest.raises(OracleError, match="in flight"):
        trainings.next_answer()


def test_images_are_sent_to_workers_without_their_path(tmp_path: Path) -> None:
    data = ImageSource().load()
    path = tmp_path / "mine.npz"
    np.savez(path, images=data.images[:600], labels=data.labels[:600])
    source = ImageSource(str(path), cache=str(tmp_path / "cache"))
    want = TrainOracle(source, SMALL, tmp_path / "here").answer(Question(0, CONV))
    sent = source.sent()
    path.unlink()
    assert (sent.name, sent.load().digest) == (source.name, sent.load().digest)
    with LocalEngine(2) as engine:
        got = TrainOracle(sent, SMALL, tmp_path / "there", engine).answer(Question(0, CONV))
    assert (got.accuracy, got.seed) == (want.accuracy, want.seed)
