from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor
from brpnas.predictors.transfer import fit_device, known_device, predict_known
from brpnas.spaces import NasBench201, NetworkConfig
from tests.cli.conftest import Brpnas
from tests.cli.models import BOARD
from tests.export.costs import cost_model, cost_of
from tests.predictors.toys import cells
from tests.predictors.transfer.test_known_device import known_prior
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


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prior") / "prior.safetensors"
    known_prior().save(path)
    return path


class TestKnownDevice:
    """`predict --device`: a prior made in the test, asked as on the command line."""

    def ask(self, brpnas: Brpnas, prior_file: Path, *words: object, stdin: str = "") -> Result:
        return brpnas("predict", "--prior", prior_file, "--device", *words, stdin=stdin)

    def test_is_what_the_prior_says_with_the_error_to_expect(
        self, brpnas: Brpnas, prior_file: Path
    ) -> None:
        said = json.loads(self.ask(brpnas, prior_file, "eager-a", "--json", *CELLS).stdout)
        expected = predict_known(known_prior(), "eager-a", SPACE.graphs(CELLS))
        names = ("latency_ms", "lower_ms", "upper_ms")
        found = [[row[name] for name in names] for row in said["predictions"]]
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert [row["arch_id"] for row in said["predictions"]] == CELLS
        answers, size = known_device(known_prior(), "eager-a")
        assert said["error"] == {
            name: getattr(answers, name) for name in ("rows", "median", "within_10", "spearman")
        }
        assert (said["device"], said["network_size"], said["coverage"]) == ("eager-a", size, 0.9)

    def test_the_text_holds_the_same(self, brpnas: Brpnas, prior_file: Path) -> None:
        lines = self.ask(brpnas, prior_file, "eager-a", *CELLS).stdout.splitlines()
        assert lines[0].split() == ["latency_ms", "lower_ms", "upper_ms", "arch_id"]
        assert [line.split()[-1] for line in lines[1:4]] == CELLS
        facts = dict(re.split(r"  +", line, maxsplit=1) for line in lines[5:])
        answers, size = known_device(known_prior(), "eager-a")
        assert facts["networks"] == size
        assert f"{100 * answers.median:.1f} %" in facts["error"]
        assert f"{100 * answers.within_10:.1f} %" in facts["error"]
        assert f"{answers.spearman:.3f}" in facts["error"]
        assert f"{answers.rows:,} " in facts["measured on"]

    def test_all_words_are_architectures(self, brpnas: Brpnas, prior_file: Path) -> None:
        one = self.ask(brpnas, prior_file, "eager-a", CELLS[0])
        assert one.stdout.splitlines()[1].split()[-1] == CELLS[0]
        assert not one.stdout.splitlines()[2]
        piped = self.ask(brpnas, prior_file, "eager-a", stdin="\n".join(CELLS))
        assert piped.stdout == self.ask(brpnas, prior_file, "eager-a", *CELLS).stdout

    def test_an_unknown_device_hears_the_known_ones(self, brpnas: Brpnas, prior_file: Path) -> None:
        result = self.ask(brpnas, prior_file, "eager-aa", *CELLS)
        assert (result.exit_code, result.stdout) == (1, "")
        assert re.findall("'eager-a'|(?:compiled|eager)-[ab]", result.stderr)[-3:] == [
            *("'eager-a'", "compiled-a", "eager-a"),
        ]

    def test_networks_of_another_size_are_refused(self, brpnas: Brpnas, prior_file: Path) -> None:
        own, other = NetworkConfig().size, NetworkConfig(4, 1, 2, (1, 8, 8), 10).size
        size = ("--network-size", own)
        same = self.ask(brpnas, prior_file, "eager-a", *CELLS, *size)
        assert same.stdout == self.ask(brpnas, prior_file, "eager-a", *CELLS).stdout
        wrong = self.ask(brpnas, prior_file, "eager-a", *CELLS, "--network-size", other)
        assert wrong.exit_code == 1
        assert own in wrong.stderr
        assert other in wrong.stderr

    @pytest.mark.parametrize(
        "words",
        [
            ("--json",),
            ("--device", "eager-a", "{latency}", CELLS[0]),
            ("--device", "eager-a"),
            ("{latency}", CELLS[0], "--prior", "{prior}"),
            ("{latency}", CELLS[0], "--network-size", NetworkConfig().size),
        ],
    )
    def test_wrong_usage(
        self, brpnas: Brpnas, prior_file: Path, latency: Path, words: tuple[str, ...]
    ) -> None:
        given = [word.format(latency=latency, prior=prior_file) for word in words]
        assert brpnas("predict", *given, stdin="\n").exit_code == 2

    def test_the_prior_that_ships_answers_for_its_devices(self, brpnas: Brpnas) -> None:
        said = json.loads(brpnas("predict", "--device", "pixel3", "--json", *CELLS).stdout)
        assert [row["arch_id"] for row in said["predictions"]] == CELLS
        assert 1000 < said["error"]["rows"] < 4000
        assert 0 < said["error"]["median"] < 0.1

    def test_a_space_without_a_prior(self, brpnas: Brpnas) -> None:
        result = brpnas("predict", "--space", "darts", "--device", "pixel3", "x")
        assert result.exit_code == 1
        assert "'darts'" in result.stderr


class TestOtherSpaces:
    """With a custom space; the small predictors read its graphs."""

    def test_predict(self, brpnas: Brpnas, latency: Path, mine: Path) -> None:
        same = brpnas("predict", latency, "--space", mine, *CELLS)
        assert same.stdout == brpnas("predict", latency, *CELLS).stdout
        wrong = brpnas("predict", latency, "--space", "darts", *CELLS)
        assert wrong.exit_code == 1
