from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor
from brpnas.predictors.transfer import fit_device
from brpnas.spaces import NasBench201
from tests.cli.conftest import Brpnas
from tests.cli.models import BOARD
from tests.export.costs import cost_model, cost_of
from tests.predictors.toys import cells
from tests.predictors.transfer.toys import QUICK, measured, prior

SPACE = NasBench201()
CELLS = SPACE.sample(np.random.default_rng(5), 3)


@pytest.fixture(scope="module")
def graphs() -> SpaceGraphs:
    return SPACE.graphs()


class TestPredict:
    def expected(self, latency: Path, graphs: SpaceGraphs) -> list[float]:
        everything = MetricPredictor.load(latency).predict(graphs)
        return everything[graphs.rows(CELLS)].tolist()

    def test_is_what_the_predictor_says(
        self, brpnas: Brpnas, latency: Path, graphs: SpaceGraphs
    ) -> None:
        rows = json.loads(brpnas("predict", latency, "--json", *CELLS).stdout)
        assert [row["arch_id"] for row in rows] == CELLS
        values = [row["latency_ms"] for row in rows]
        assert values == pytest.approx(self.expected(latency, graphs), rel=1e-5)

    def test_table_has_a_line_per_architecture(self, brpnas: Brpnas, latency: Path) -> None:
        lines = brpnas("predict", latency, *CELLS).stdout.splitlines()
        assert lines[0].split() == ["latency_ms", "arch_id"]
        assert [line.split()[1] for line in lines[1:]] == CELLS

    def test_reads_stdin_where_there_are_no_arguments(self, brpnas: Brpnas, latency: Path) -> None:
        piped = brpnas("predict", latency, stdin="\n".join(CELLS) + "\n\n")
        assert piped.stdout == brpnas("predict", latency, *CELLS).stdout

    def test_cells_are_read_in_any_notation_of_the_space(
        self, brpnas: Brpnas, latency: Path, models: Path
    ) -> None:
        codes = "".join(map(str, SPACE.codes(CELLS[:1])[0]))
        for predictor in (latency, models / BOARD):
            said = brpnas("predict", predictor, "--json", codes, CELLS[0])
            first, second = json.loads(said.stdout)
            assert first == second
            assert first["arch_id"] == CELLS[0]

    def test_nothing_to_predict_is_a_usage_error(self, brpnas: Brpnas, latency: Path) -> None:
        assert brpnas("predict", latency, stdin="\n").exit_code == 2

    def test_one_bad_line_spoils_all(self, brpnas: Brpnas, latency: Path) -> None:
        result = brpnas("predict", latency, stdin=f"{CELLS[0]}\nfoo\n")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == brpnas("arch", "foo").stderr
        assert "'foo'" in result.stderr

    def test_neither_a_file_nor_a_device_is_told(self, brpnas: Brpnas, tmp_path: Path) -> None:
        result = brpnas("predict", tmp_path / "none.safetensors", *CELLS)
        assert result.exit_code == 1
        assert f"'{tmp_path / 'none.safetensors'}'" in result.stderr

    def test_an_exported_file_is_asked_with_strings(self, brpnas: Brpnas, tmp_path: Path) -> None:
        path = tmp_path / "predictor.onnx"
        path.write_bytes(cost_model(view="both", margin=0.25))
        rows = json.loads(brpnas("predict", path, "--json", *CELLS).stdout)
        assert list(rows[0]) == ["latency_ms", "lower_ms", "upper_ms", "arch_id"]
        expected = cost_of(CELLS, "raw") + cost_of(CELLS, "pruned")
        assert [row["latency_ms"] for row in rows] == pytest.approx(expected.tolist(), rel=1e-5)
        assert rows[0]["upper_ms"] == pytest.approx(1.25 * expected[0], rel=1e-5)
        path.write_bytes(cost_model(value="score"))
        assert "predicts score, not latency_ms" in brpnas("predict", path, *CELLS).stderr

    def test_a_device_stands_for_the_predictor_that_retrain_made(
        self, brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for device, error in (("my-board", 1.0), ("other", 3.0)):
            folder = tmp_path / "data/06_models/devices" / device
            folder.mkdir(parents=True)
            (folder / "predictor.onnx").write_bytes(cost_model([error] * 9))
        deeper = tmp_path / "docs" / "examples"
        deeper.mkdir(parents=True)
        for place in (tmp_path, deeper):
            monkeypatch.chdir(place)
            by_name = brpnas("predict", "other", *CELLS).stdout
            file = tmp_path / "data/06_models/devices/other/predictor.onnx"
            assert by_name == brpnas("predict", file, *CELLS).stdout
            assert by_name != brpnas("predict", "my-board", *CELLS).stdout
        wrong = brpnas("predict", "my-bord", *CELLS)
        assert wrong.exit_code == 1
        assert "'my-board'?" in wrong.stderr

    def test_predictors_of_other_environments_are_found(
        self, brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)

        def made(workspace: str, cost: float) -> Path:
            folder = tmp_path / workspace / "06_models" / "devices" / "my-board"
            folder.mkdir(parents=True)
            (folder / "predictor.onnx").write_bytes(cost_model([cost] * 9))
            return folder / "predictor.onnx"

        live = made("data/live", 2.0)
        said = brpnas("predict", "my-board", *CELLS)
        assert said.stdout == brpnas("predict", live, *CELLS).stdout
        assert "'my-board'?" in brpnas("predict", "my-bord", *CELLS).stderr
        other = made("data/darts", 3.0)
        several = brpnas("predict", "my-board", *CELLS)
        assert several.exit_code == 1
        assert f"{other} or {live}" in several.stderr.replace("\n", "")
        base = made("data", 1.0)
        said = brpnas("predict", "my-board", *CELLS)
        assert said.stdout == brpnas("predict", base, *CELLS).stdout

    def test_an_adapted_predictor_gives_intervals(self, brpnas: Brpnas, tmp_path: Path) -> None:
        path = tmp_path / "latency_predictor.safetensors"
        predictor = fit_device(cells(), measured("eager-new", 10), prior(), QUICK)
        predictor.save(path)
        rows = json.loads(brpnas("predict", path, "--json", *CELLS).stdout)
        expected = predictor.intervals(SPACE.graphs(CELLS))
        found = [[row[name] for name in ("latency_ms", "lower_ms", "upper_ms")] for row in rows]
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_predictor_of_another_kind_is_refused(self, brpnas: Brpnas, ranker: Path) -> None:
        result = brpnas("predict", ranker, *CELLS)
        assert result.exit_code == 1
        assert "pairwise_ranker" in result.stderr

    def test_file_that_is_no_predictor_is_refused(self, brpnas: Brpnas, tmp_path: Path) -> None:
        (tmp_path / "x.safetensors").write_text("no")
        result = brpnas("predict", tmp_path / "x.safetensors", *CELLS)
        assert result.exit_code == 1
        assert "predictor" in result.stderr


class TestOtherSpaces:
    """With a custom space; the small predictors read its graphs."""

    def test_predict(self, brpnas: Brpnas, latency: Path, mine: Path) -> None:
        same = brpnas("predict", latency, "--space", mine, *CELLS)
        assert same.stdout == brpnas("predict", latency, *CELLS).stdout
        wrong = brpnas("predict", latency, "--space", "darts", *CELLS)
        assert wrong.exit_code == 1
