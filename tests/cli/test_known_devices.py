from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from brpnas.predictors.transfer import known_device, predict_known
from brpnas.spaces import NasBench201, NetworkConfig
from tests.cli.conftest import Brpnas
from tests.predictors.transfer.test_known_device import known_prior

SPACE = NasBench201()
CELLS = SPACE.sample(np.random.default_rng(5), 3)


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
