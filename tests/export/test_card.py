from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from brpnas.export import ModelCard, export_network, export_predictor, model_card
from brpnas.spaces import NasBench201
from brpnas.spaces.network import NetworkConfig
from tests.export.models import SmallGCN, sample_graphs

ARCH = NasBench201().enumerate()[9999]


@dataclass(frozen=True)
class Origin:
    name: str = "LatBench, desktop CPU"
    url: str = "https://example.org/latbench"
    licence: str = "Apache-2.0"
    citation: str = "Dudziak et al., NeurIPS 2020"


CARD = ModelCard(
    title="Latency of NAS-Bench-201 cells",
    description="Predicts the latency in ms.",
    protocol="900 training rows, 100 validation rows, the rest test.",
    metrics={"Spearman (test)": 0.99342, "rows (test)": "14,284", "within 10 % (test)": 97.0},
    sources=(Origin(),),
    limits=("Only this device.", "Only batch 1."),
    space="nasbench201",
    view="pruned",
    example=ARCH,
)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    graphs = sample_graphs()
    path = tmp_path_factory.mktemp("card") / "latency.onnx"
    metadata = {"view": "pruned", "trained_on": ARCH}
    export_predictor(
        SmallGCN(graphs.num_ops), path, graphs, "latency_ms", metadata, exporter="torchscript"
    )
    return path


def run_snippet(card: str, folder: Path) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("card", [CARD, replace(CARD, example=None), replace(CARD, view=None)])
def test_the_snippet_of_a_predictor_runs(predictor: Path, card: ModelCard) -> None:
    text = model_card(predictor, card)
    assert ("get_space" in text) == (card.example is not None and card.view is not None)
    (value,) = re.findall(r"\[([-\d.e+]+)\]", run_snippet(text, predictor.parent))
    assert float(value) > 0


def test_the_snippet_of_a_network_runs(tmp_path: Path) -> None:
    config = NetworkConfig(channels=4, cells_per_stage=1, stages=1, input_shape=(3, 8, 8))
    export_network(ARCH, tmp_path / "network.onnx", config, exporter="torchscript")
    text = model_card(tmp_path / "network.onnx", ModelCard("Winner", "A network."))
    assert run_snippet(text, tmp_path).count("[") == 2
    assert "np.zeros((1, 3, 8, 8), np.float32)" in text
    assert "| Weights | initialised, not trained (seed 0) |" in text


def test_the_card_says_all_that_it_was_told(predictor: Path) -> None:
    text = model_card(predictor, CARD)
    for said in (
        f"# {CARD.title}\n\n{CARD.description}\n",
        "| input | `ops` | int64 | batch x 9 |",
        "| input | `adj` | float32 | batch x 9 x 9 |",
        "| output | `latency_ms` | float32 | batch |",
        "NeurIPS 2020 | https://",
        "## Protocol\n\n900 training rows",
        "| Spearman (test) | 0.9934 |",
        "| rows (test) | 14,284 |",
        "| within 10 % (test) | 97 |",
        "".join(f"- {limit}\n" for limit in CARD.limits),
        "| view | `pruned` |",
        "## Licence\n\nApache-2.0\n",
    ):
        assert said in text


def test_bars_in_values_do_not_break_tables(predictor: Path) -> None:
    text = model_card(predictor, CARD)
    row = next(line for line in text.splitlines() if line.startswith("| trained_on"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert ARCH in re.sub(r"\\(\W)", r"\1", row)


def test_sections_without_content_are_left_out(predictor: Path) -> None:
    text = model_card(predictor, ModelCard("T", "D"))
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert headings == ["How to use", "Metadata of the file", "Licence"]


def test_the_space_is_named(predictor: Path, tmp_path: Path) -> None:
    assert "## Search space\n\n`nasbench201` of" in model_card(predictor, CARD)
    config = NetworkConfig(channels=4, cells_per_stage=1, stages=1, input_shape=(3, 8, 8))
    chain = str(Path(__file__).parents[2] / "docs/examples/chain_space.py")
    path = tmp_path / "network.onnx"
    cell = "conv3-sep3w-skip-conv5-squeeze"
    export_network(cell, path, config, space=chain, exporter="torchscript")
    text = model_card(path, ModelCard("Winner", "A network."))
    assert f"`{chain}`" in text.partition("## Search space\n")[2].partition("\n## ")[0]
