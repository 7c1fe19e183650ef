from __future__ import annotations

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from brpnas.errors import RegistryError, UnknownNameError
from pipelines.registry import promote, register, rollback
from pipelines.registry.lock import Lock
from tests.pipelines.registry.toys import NAME, challenger, config

pytestmark = pytest.mark.usefixtures("store")


def champion() -> str:
    return str(MlflowClient().get_registered_model(NAME).aliases["champion"])


@pytest.mark.usefixtures("three")
class TestGoesBack:
    def test_step_by_step_to_the_first(self) -> None:
        done = rollback(NAME)
        assert (done.left, done.champion, champion()) == ("3", "2", "2")
        assert rollback(NAME).champion == champion() == "1"
        with pytest.raises(RegistryError, match=r"version 1,.*--to"):
            rollback(NAME)
        assert champion() == "1"

    def test_to_a_version_and_forward_again(self) -> None:
        assert rollback(NAME, "1").champion == champion() == "1"
        assert rollback(NAME, "3").champion == champion() == "3"
        assert rollback(NAME).champion == "2"

    def test_and_is_recorded(self) -> None:
        done = rollback(NAME)
        version = MlflowClient().get_model_version(NAME, "3")
        assert version.tags["brpnas.champion.rolled_back"] == done.at
        assert version.tags["brpnas.rollback.to"] == "2"
        (file,) = [
            f.path
            for f in MlflowClient().list_artifacts(version.run_id, "promotion")
            if f.path.endswith(f"v3-{done.at.replace(':', '')}-rollback.md")
        ]
        assert mlflow.artifacts.load_text(f"runs:/{version.run_id}/{file}") == done.record()
        assert "from version 3 to version 2" in done.record()

    def test_one_that_is_refused_leaves_no_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The lock is lost before the alias moves: another process may have moved it."""
        held = Lock.held
        seen: list[bool] = []

        def lost_at_the_second_look(lock: Lock) -> bool:
            seen.append(held(lock))
            return len(seen) != 2

        monkeypatch.setattr(Lock, "held", lost_at_the_second_look)
        client = MlflowClient()
        run_id = client.get_model_version(NAME, "3").run_id

        def record() -> list[object]:
            tags = [client.get_model_version(NAME, number).tags for number in "123"]
            return [tags, [file.path for file in client.list_artifacts(run_id, "promotion")]]

        before = record()
        with pytest.raises(RegistryError, match=NAME):
            rollback(NAME)
        assert record() == before

    def test_what_comes_back_is_no_longer_marked(self) -> None:
        rollback(NAME)
        rollback(NAME, "3")
        assert "brpnas.champion.rolled_back" not in MlflowClient().get_model_version(NAME, "3").tags

    def test_past_one_that_was_rolled_back(self) -> None:
        rollback(NAME)  # 3 to 2
        rollback(NAME, "1")  # 2 was not good either
        client = MlflowClient()
        client.set_registered_model_alias(NAME, "champion", "3")  # by hand
        assert rollback(NAME).champion == "1"

    def test_not_in_circles(self) -> None:
        MlflowClient().set_model_version_tag(NAME, "1", "brpnas.champion.previous", "3")
        rollback(NAME)
        rollback(NAME)
        with pytest.raises(RegistryError, match=r"version 1,.*--to"):
            rollback(NAME)

    def test_to_one_that_was_put_there_by_hand(self) -> None:
        register(challenger(0.3))
        MlflowClient().set_registered_model_alias(NAME, "champion", "4")
        register(challenger(0.01))
        promote(NAME, config())
        assert rollback(NAME).champion == "4"

    @pytest.mark.parametrize(
        ("to", "why"),
        [("3", "champion already"), ("9", r"no version 9\. Known: 1, 2, 3"), ("x", "no version")],
    )
    def test_not_to_nowhere(self, to: str, why: str) -> None:
        with pytest.raises(RegistryError, match=why):
            rollback(NAME, to)
        assert champion() == "3"

    def test_not_to_one_that_never_was_champion(self) -> None:
        register(challenger(0.3))
        with pytest.raises(RegistryError, match=r"Version 4 .*1, 2\b"):
            rollback(NAME, "4")


def test_without_a_champion() -> None:
    register(challenger())
    with pytest.raises(RegistryError, match="no champion"):
        rollback(NAME)


def test_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="latency-bord"):
        rollback("latency-bord")
