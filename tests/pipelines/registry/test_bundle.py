from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest

from brpnas.spaces import get_space
from pipelines.registry.bundle import ARTIFACTS, bundle, copy_code
from tests.export.costs import cost_model
from tests.pipelines.registry.toys import ARCHS, challenger


class TestCode:
    def test_answers_alone_without_brpnas_or_torch(self, tmp_path: Path) -> None:
        package = copy_code(tmp_path)
        (tmp_path / "x.onnx").write_bytes(challenger().onnx)
        code = (
            "import sys\n"
            "sys.modules['brpnas'] = None\n"  # as if it were not installed
            f"from {package.name}.serving import OnnxPredictor\n"
            "from pathlib import Path\n"
            f"print(OnnxPredictor(Path('x.onnx')).predict([{ARCHS[0]!r}])['latency_ms'][0] > 0)\n"
            "print('torch' in sys.modules)"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout.split() == ["True", "False"], done.stderr

    def test_is_named_after_its_content(self, tmp_path: Path) -> None:
        first, second = copy_code(tmp_path / "a"), copy_code(tmp_path / "b")
        assert first.name == second.name
        assert first.name.startswith("brpnas_")

    def test_is_small_and_trains_nothing(self, tmp_path: Path) -> None:
        files = [file for file in copy_code(tmp_path).rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) < 250_000
        text = "".join(file.read_text() for file in files)
        assert "import torch" not in text
        assert "from brpnas." not in text


class TestBundle:
    def test_holds_all_that_goes_with_a_model(self) -> None:
        with bundle(challenger()) as arguments:
            files = {key: Path(path) for key, path in arguments["artifacts"].items()}
            assert {key: file.name for key, file in files.items()} == {
                key: name for key, name in ARTIFACTS.items() if key != "rows"
            }
            assert files["card"].read_text() == "# A board\n"
            assert files["licence"].read_text() == "Do as you like.\n"
            assert len(pd.read_parquet(files["test"])) == len(ARCHS)
        assert not files["card"].exists()

    def test_holds_the_rows_it_was_made_from(self) -> None:
        rows = pd.DataFrame({"arch_id": ARCHS, "latency_ms": 1.0, "split": "learn"})
        with bundle(challenger(rows=rows)) as arguments:
            pd.testing.assert_frame_equal(pd.read_parquet(arguments["artifacts"]["rows"]), rows)

    def test_without_test_rows_the_example_is_of_the_space(self) -> None:
        with bundle(challenger(test=challenger().test.head(0))) as arguments:
            assert len(arguments["input_example"]) == 2

    def test_signature_names_the_outputs(self) -> None:
        with bundle(challenger()) as arguments:
            signature = arguments["signature"]
        assert signature.outputs.input_names() == ["arch_id", "latency_ms"]
        assert signature.inputs is None

    def test_requirements_are_what_is_installed_and_no_torch(self) -> None:
        with bundle(challenger()) as arguments:
            required = arguments["pip_requirements"]
        assert f"onnxruntime=={version('onnxruntime')}" in required
        assert not [r for r in required if "torch" in r]


class TestSpacesOfOnesOwn:
    """The model includes the Python file of its space, and answers without the original."""

    @pytest.fixture
    def space(self, tmp_path: Path) -> str:
        path = tmp_path / "mine.py"
        path.write_text(
            "from brpnas.spaces import NasBench201\n\n\nclass Mine(NasBench201):\n    pass\n"
        )
        return get_space(str(path)).name

    def test_it_answers_alone(self, space: str, tmp_path: Path) -> None:
        onnx = cost_model(metadata={"space": space, "view": "raw"})
        with bundle(challenger(onnx=onnx)) as arguments:
            files, folder = arguments["artifacts"], tmp_path / "served"
            shutil.copytree(
                arguments["code_paths"][0], folder / arguments["model_config"]["package"]
            )
            for key in ("space", "predictor"):
                shutil.copy(files[key], folder)
        Path(space).unlink()
        package = arguments["model_config"]["package"]
        code = (
            "import sys; from pathlib import Path\n"
            "sys.modules['brpnas'] = None\n"
            f"from {package}.serving import OnnxPredictor\n"
            "predictor = OnnxPredictor(Path('predictor.onnx'), 'mine.py')\n"
            f"print(predictor.predict([{ARCHS[0]!r}])['latency_ms'][0] > 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.stdout.split() == ["True"], done.stderr

    def test_spaces_of_the_library_need_no_file(self) -> None:
        with bundle(challenger()) as arguments:
            assert "space" not in arguments["artifacts"]
