"""The contract of predictors."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from brpnas.errors import SchemaError
from brpnas.graphs import GraphBatch
from brpnas.predictors import TrainingConfig
from brpnas.predictors.tensors import to_tensors
from brpnas.testing.cells import TINY, padded, permuted, random_cells

__all__ = ["PredictorContract"]


class PredictorContract:
    """Tests of any predictor: set `kind` and `other_kind`, implement `make` and `answers`.

    The predictor under test has ``view``, ``module()``, ``save(path)`` and ``load(path)``, and
    writes a safetensors file, as `brpnas.predictors.MetricPredictor` does.
    """

    kind: ClassVar[type[Any]]
    """The class under test."""
    other_kind: ClassVar[type[Any]]
    """Another class of predictor; its ``load`` refuses files of `kind`."""

    @abstractmethod
    def make(self, seed: int = 0, config: TrainingConfig = TINY, members: int = 2) -> Any:
        """Train a predictor on a few cells in the pruned view."""

    @abstractmethod
    def answers(self, predictor: Any, batch: GraphBatch) -> npt.NDArray[np.float64]:
        """Predict the graphs of a batch, in the view of the predictor."""

    @pytest.fixture
    def trained(self) -> Any:
        """The predictor of most tests."""
        return self.make()

    @pytest.fixture
    def saved(self, trained: Any, tmp_path: Path) -> Path:
        """A file of it."""
        path = tmp_path / "predictor.safetensors"
        trained.save(path)
        return path

    def test_answers_are_one_finite_number_a_graph(self, trained: Any) -> None:
        answers = self.answers(trained, random_cells("pruned", 50))
        assert answers.shape == (50,)
        assert answers.dtype == np.float64
        assert np.isfinite(answers).all()
        assert answers.std() > 1e-4

    def test_no_graphs_no_answers(self, trained: Any) -> None:
        assert self.answers(trained, random_cells("pruned")[:0]).shape == (0,)

    def test_a_graph_is_answered_alone_as_in_company(self, trained: Any) -> None:
        batch = random_cells("pruned", 50)
        alone = [self.answers(trained, batch[i : i + 1])[0] for i in range(10)]
        np.testing.assert_allclose(alone, self.answers(trained, batch)[:10], rtol=1e-5)

    def test_same_seed_same_answers(self, trained: Any) -> None:
        batch = random_cells("pruned", 50)
        np.testing.assert_array_equal(
            self.answers(self.make(), batch), self.answers(trained, batch)
        )

    def test_other_seed_other_answers(self, trained: Any) -> None:
        batch = random_cells("pruned", 50)
        assert (self.answers(self.make(seed=1), batch) != self.answers(trained, batch)).any()

    def test_the_random_state_of_the_process_changes_nothing(self, trained: Any) -> None:
        torch.manual_seed(99)
        batch = random_cells("pruned", 50)
        np.testing.assert_array_equal(
            self.answers(self.make(), batch), self.answers(trained, batch)
        )

    def test_the_random_state_of_the_process_is_left_alone(self, saved: Path) -> None:
        before, np_before = torch.get_rng_state(), _numpy_state()
        self.make()
        self.kind.load(saved)
        assert torch.equal(torch.get_rng_state(), before)
        np.testing.assert_array_equal(_numpy_state(), np_before)

    def test_order_of_nodes_and_padding_do_not_matter(self, trained: Any) -> None:
        batch = random_cells("pruned", 50)
        expected = self.answers(trained, batch)
        for other in (permuted(batch), padded(batch), permuted(padded(batch))):
            np.testing.assert_allclose(self.answers(trained, other), expected, rtol=1e-4, atol=1e-5)

    def test_module_says_the_same(self, trained: Any) -> None:
        batch = random_cells("pruned", 50)
        with torch.inference_mode():
            said = trained.module()(*to_tensors(batch))
        assert said.shape == (50,)
        np.testing.assert_allclose(said.numpy(), self.answers(trained, batch), rtol=1e-5, atol=1e-6)

    def test_module_drops_nothing_out(self) -> None:
        predictor = self.make(config=TrainingConfig(hidden=8, layers=2, epochs=1, dropout=0.5))
        module, inputs = predictor.module(), to_tensors(random_cells("pruned"))
        assert torch.equal(module(*inputs), module(*inputs))
        assert not module.training

    def test_save_and_load_keep_every_bit(self, trained: Any, saved: Path) -> None:
        loaded = self.kind.load(saved)
        assert type(loaded) is self.kind
        assert loaded.view == trained.view
        batch = random_cells("pruned", 50)
        np.testing.assert_array_equal(self.answers(loaded, batch), self.answers(trained, batch))
        again = saved.with_name("again.safetensors")
        loaded.save(again)
        assert _content(again) == _content(saved)

    def test_file_needs_no_code_to_be_read(self, trained: Any, saved: Path) -> None:
        with safe_open(saved, framework="np") as file:
            metadata = {key: json.loads(value) for key, value in file.metadata().items()}
        assert metadata["view"] == trained.view
        assert metadata["members"] == 2
        assert metadata["num_ops"] == 9
        assert metadata["config"]["hidden"] == TINY.hidden

    def test_another_kind_of_predictor_is_refused(self, saved: Path) -> None:
        with pytest.raises(SchemaError, match=r"predictor\.safetensors"):
            self.other_kind.load(saved)

    @pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
    def test_a_truncated_file_is_refused(self, saved: Path, share: float) -> None:
        content = saved.read_bytes()
        saved.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(SchemaError, match=r"predictor\.safetensors"):
            self.kind.load(saved)

    @pytest.mark.parametrize("content", [b"nonsense" * 100, b"\x80\x04N.", b"{}", b"\xff" * 64])
    def test_garbage_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "garbage.safetensors"
        path.write_bytes(content)
        with pytest.raises(SchemaError, match=r"garbage\.safetensors"):
            self.kind.load(path)

    @pytest.mark.parametrize("metadata", [None, {"kind": "x"}, {"kind": '"something else"'}])
    def test_tensors_of_others_are_refused(
        self, tmp_path: Path, metadata: dict[str, str] | None
    ) -> None:
        path = tmp_path / "other.safetensors"
        save_file({"weight": torch.zeros(2)}, path, metadata)
        with pytest.raises(SchemaError, match=r"other\.safetensors"):
            self.kind.load(path)

    @pytest.mark.parametrize("damage", ["key", "setting", "size", "weight"])
    def test_a_file_of_another_version_is_refused(self, saved: Path, damage: str) -> None:
        with safe_open(saved, framework="pt") as file:
            metadata = dict(file.metadata())
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if damage == "key":
            del metadata["num_ops"]
        if damage == "setting":
            metadata["config"] = json.dumps({**json.loads(metadata["config"]), "warp": 9})
        if damage == "size":
            metadata["members"] = "3"
        if damage == "weight":
            del weights["members.0.head.bias"]
        save_file(weights, saved, metadata)
        with pytest.raises(SchemaError, match=r"predictor\.safetensors"):
            self.kind.load(saved)

    def test_a_missing_file_is_just_missing(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            self.kind.load(tmp_path / "absent.safetensors")


def _numpy_state() -> npt.NDArray[np.uint32]:
    state: npt.NDArray[np.uint32] = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    return state.copy()


def _content(path: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    with safe_open(path, framework="np") as file:
        return file.metadata(), {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
