"""Answers from an ONNX file alone, against sums written out; questions that make no sense."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from brpnas import serving
from brpnas.errors import ArchitectureError, SchemaError
from brpnas.export import export_predictor
from brpnas.serving import MAX_BATCH, MAX_LENGTH, OnnxPredictor
from brpnas.spaces import get_space
from tests.export.costs import METADATA, cost_model, cost_of, slow_cost_model
from tests.export.models import SmallGCN, sample_graphs

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(np.random.default_rng(3), 12)
GOOD = ARCHS[0]


class TestAnswers:
    @pytest.mark.parametrize("view", ["raw", "pruned"])
    def test_are_of_the_view_that_the_file_names(self, view):
        answer = OnnxPredictor(cost_model(view=view)).predict(ARCHS)
        assert list(answer.columns) == ["arch_id", "latency_ms"]
        assert answer["arch_id"].tolist() == ARCHS
        np.testing.assert_allclose(answer["latency_ms"], cost_of(ARCHS, view), rtol=1e-5)

    def test_views_differ_or_the_test_above_tests_nothing(self):
        assert not np.allclose(cost_of(ARCHS, "raw"), cost_of(ARCHS, "pruned"))

    def test_of_a_file_that_reads_both_views(self):
        answer = OnnxPredictor(cost_model(view="both")).predict(ARCHS)
        both = cost_of(ARCHS, "raw") + cost_of(ARCHS, "pruned")
        np.testing.assert_allclose(answer["latency_ms"], both, rtol=1e-5)

    def test_with_intervals(self):
        predictor = OnnxPredictor(cost_model(margin=0.25))
        answer = predictor.predict(ARCHS)
        assert predictor.has_intervals
        assert list(answer.columns) == ["arch_id", "latency_ms", "lower_ms", "upper_ms"]
        np.testing.assert_allclose(answer["lower_ms"], answer["latency_ms"] * 0.75, rtol=1e-5)
        np.testing.assert_allclose(answer["upper_ms"], answer["latency_ms"] * 1.25, rtol=1e-5)

    def test_of_scores(self):
        predictor = OnnxPredictor(cost_model(value="score"))
        assert (predictor.value, predictor.has_intervals) == ("score", False)
        assert list(predictor.predict(ARCHS).columns) == ["arch_id", "score"]

    def test_of_many_are_those_of_each(self):
        many = SPACE.sample(np.random.default_rng(0), 2100)
        answer = OnnxPredictor(cost_model()).predict(many)
        np.testing.assert_allclose(answer["latency_ms"], cost_of(many), rtol=1e-5)

    def test_of_what_the_library_exports(self, tmp_path):
        graphs = sample_graphs()
        module = SmallGCN(graphs.num_ops)
        path = tmp_path / "x.onnx"
        metadata = {"space": "nasbench201", "view": "pruned"}
        export_predictor(
            module, path, graphs, "latency_ms", metadata, exporter="torchscript", tolerance=1e-4
        )
        assert (OnnxPredictor(path).predict(ARCHS)["latency_ms"] > 0).all()

    def test_blanks_around_a_string_do_no_harm(self):
        assert OnnxPredictor(cost_model()).predict([f" {GOOD}\n"])["arch_id"].tolist() == [GOOD]

    def test_need_no_torch_and_no_onnx(self, tmp_path):
        path = tmp_path / "x.onnx"
        path.write_bytes(cost_model())
        code = (
            "import sys; from pathlib import Path; from brpnas.serving import OnnxPredictor\n"
            f"OnnxPredictor(Path({str(path)!r})).predict([{GOOD!r}])\n"
            "print(sorted({'torch', 'onnx', 'mlflow', 'scipy'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert done.stdout == "[]\n", done.stderr


@pytest.fixture(scope="module")
def predictor() -> OnnxPredictor:
    return OnnxPredictor(cost_model())


class TestQuestionsThatMakeNoSense:
    def test_every_wrong_entry_is_named(self, predictor):
        with pytest.raises(ArchitectureError) as caught:
            predictor.predict([GOOD, "|nor_conv_9x9~0|", GOOD, 7, None])
        message = str(caught.value)
        assert re.match(r"3 of 5 .*nasbench201", message)
        assert all(text in message for text in ("[1]", "nor_conv_9x9", "[3]", "7", "[4]", "None"))
        assert "[0]" not in message
        assert "[2]" not in message

    def test_a_flood_of_wrong_entries_is_cut_short(self, predictor):
        with pytest.raises(ArchitectureError, match="and 480 more") as caught:
            predictor.predict(["x"] * 500)
        assert len(str(caught.value)) < 10_000

    def test_no_answer_is_as_long_as_a_question_can_be(self, predictor):
        for entry in ("x" * MAX_LENGTH, "y" * 2_000_000, ["z" * 2_000_000], {"a": "b" * 2_000_000}):
            with pytest.raises(ArchitectureError, match="characters") as caught:
                predictor.predict([GOOD, entry])
            assert "[1]" in str(caught.value)
            assert len(str(caught.value)) < 1_000

    def test_nothing(self, predictor):
        with pytest.raises(ArchitectureError, match="No architecture"):
            predictor.predict([])

    def test_too_much(self, predictor):
        with pytest.raises(ArchitectureError, match="split"):
            predictor.predict([GOOD] * (MAX_BATCH + 1))


class TestFilesThatAreNoPredictors:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "cannot read"),
            (b"nonsense", "ONNX.*field 13 "),
            (cost_model(metadata={"space": "nasbench201"}), "view"),
            (cost_model(metadata=METADATA | {"view": "sideways"}), "sideways"),
            (cost_model(metadata={"view": "raw"}), "space"),
            (cost_model(value="logits"), "latency_ms"),
        ],
    )
    def test_are_refused(self, content, why):
        with pytest.raises(SchemaError, match=why):
            OnnxPredictor(content)

    def test_unknown_space_is_named(self):
        with pytest.raises(SchemaError, match="nasbench202"):
            OnnxPredictor(cost_model(metadata={"space": "nasbench202", "view": "raw"}))

    def test_missing_file_is_an_os_error(self):
        with pytest.raises(FileNotFoundError):
            OnnxPredictor(Path("none.onnx"))


class TestSpacesOfOnesOwn:
    """A file names a Python file; only its reader decides whether that runs."""

    @pytest.fixture
    def space_file(self, tmp_path: Path) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(
            "from pathlib import Path\n"
            "from brpnas.spaces import NasBench201\n"
            "class Mine(NasBench201):\n"
            "    name = 'mine'\n"
            f"Path({str(tmp_path / 'ran')!r}).touch()\n"
        )
        return path

    def content(self, space_file: Path) -> bytes:
        return cost_model(metadata=METADATA | {"space": str(space_file)})

    def test_one_that_nobody_opened_does_not_run(self, space_file, tmp_path):
        with pytest.raises(SchemaError, match=rf"'{space_file}'.*--space"):
            OnnxPredictor(self.content(space_file))
        assert not (tmp_path / "ran").exists()

    def test_one_that_is_given(self, space_file):
        predictor = OnnxPredictor(self.content(space_file), str(space_file))
        assert predictor.space.name == str(space_file)
        np.testing.assert_allclose(predictor.predict(ARCHS)["latency_ms"], cost_of(ARCHS), 1e-5)

    def test_one_that_was_opened(self, space_file):
        space = get_space(str(space_file))
        assert OnnxPredictor(self.content(space_file)).space is space

    def test_another_than_the_given_one(self, space_file):
        with pytest.raises(SchemaError, match=f"'{space_file}'.*'nasbench201'"):
            OnnxPredictor(self.content(space_file), "nasbench201")
        with pytest.raises(SchemaError, match=r"'nasbench201'.*'darts'"):
            OnnxPredictor(cost_model(), "darts")


class TestAnswersThatAreNone:
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_no_number_is_refused_on_load(self, value):
        with pytest.raises(SchemaError, match="no finite latency_ms"):
            OnnxPredictor(cost_model([value] * 9))

    def test_a_registry_can_load_it(self):
        predictor = OnnxPredictor(cost_model([np.nan] * 9), check_answers=False)
        assert predictor.predict(ARCHS)["latency_ms"].isna().all()

    def test_inputs_of_another_space(self):
        wrong = cost_model(metadata=METADATA | {"space": "darts"})
        with pytest.raises(SchemaError, match=r"darts.*\(8, 31, 31\)"):
            OnnxPredictor(wrong)

    def test_an_output_of_another_shape(self):
        made = onnx.load_from_string(cost_model())
        made.graph.node.append(onnx.helper.make_node("Identity", ["adj"], ["score"]))
        del made.graph.output[:]
        made.graph.output.append(onnx.helper.make_tensor_value_info("score", 1, None))
        with pytest.raises(SchemaError, match=r"score .*\(8, 9, 9\) .* 8 "):
            OnnxPredictor(made.SerializeToString())

    @pytest.mark.parametrize("key", ["coverage", "num_nodes", "learnt_rows"])
    @pytest.mark.parametrize("value", ["x", "nan", "", "[1]", pytest.param("9" * 400, id="large")])
    def test_metadata_that_are_no_numbers(self, key, value):
        with pytest.raises(SchemaError, match=f"damaged: {key}"):
            OnnxPredictor(cost_model(metadata=METADATA | {key: value}))

    def test_a_file_that_asks_for_gigabytes(self):
        """The shape is computed, so that no look at the file tells it."""
        made = onnx.load_from_string(cost_model())
        made.graph.initializer.append(
            onnx.numpy_helper.from_array(np.array([10**5, 10**5], np.int64), "sizes")
        )
        made.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["sizes"], ["zeros"]))
        made.graph.node.append(onnx.helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0))
        made.graph.node[1].output[0] = "before"
        made.graph.node.append(onnx.helper.make_node("Add", ["before", "zero"], ["nodes"]))
        made.graph.node.append(made.graph.node.pop(2))
        with pytest.raises(SchemaError, match=r"cannot (predict|read)"):
            OnnxPredictor(made.SerializeToString())

    def test_a_file_that_computes_for_hours(self, monkeypatch):
        """Its products fit into the memory, and none is computed before the limit counts."""
        monkeypatch.setattr(serving, "_MAX_SECONDS", 0.2)
        with pytest.raises(SchemaError, match=r" 0\.2 s .* 8 "):
            OnnxPredictor(slow_cost_model(1000, 1000))

    def test_a_product_that_takes_minutes_does_not_fit(self):
        with pytest.raises(SchemaError, match=r"nasbench201 \(.*8"):
            OnnxPredictor(slow_cost_model(12_000, 1))
