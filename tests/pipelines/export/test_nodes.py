from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    train_architecture,
)
from brpnas.devices import Device
from brpnas.errors import ConfigurationError, ParityError, SchemaError
from brpnas.graphs import VIEWS, SpaceGraphs, View
from brpnas.predictors import (
    MeasuredRows,
    MetricModel,
    MetricPredictor,
    PairwiseRanker,
    TrainingConfig,
    fit_metric,
)
from brpnas.predictors.transfer import fit_device
from brpnas.serving import OnnxPredictor
from pipelines.export import create_pipeline
from pipelines.export.nodes import (
    collect_parity,
    deploy_network,
    export_found_network,
    export_predictors,
    export_ranker,
    set_up_deployment,
)
from pipelines.network import network_config
from pipelines.promote.nodes import own_card
from tests.pipelines.parameters import base
from tests.pipelines.search.stage import task
from tests.pipelines.stages import Stage
from tests.pipelines.toys import weight
from tests.predictors.toys import cells
from tests.predictors.transfer.toys import QUICK, measured, prior
from tests.report.samples import DEPLOYED, LATENCY
from tests.seeds import first_of

TINY = TrainingConfig(hidden=8, layers=2, epochs=2)
PARAMS = base("export")
NETWORK = base(
    "network", channels=2, cells_per_stage=1, stages=2, input_shape=[3, 16, 16], classes=7
)
OWN: dict[str, Any] = {
    "metric": "latency_ms",
    "method": "networks",
    "known_devices": [],
    "scored": "test",
    "prior_knows_device": False,
    "transfer": "",
    "scored_rows": 5,
    "intervals": {"spearman": (0.9, 0.99), "within_10": (0.7, 0.9)},
    "device": "desktop-cpu-core-i7-7820x-fp32",
    "space": "nasbench201",
    "view": "raw",
    "members": 1,
    "rows": {"train": 9, "valid": 3, "test": 5},
    "model": "gcn",
    "metrics": {"gcn": {"within_10": 0.97}},
}
NAME = f"latency_ms@{OWN['device']}"
FILE = f"{NAME}.onnx"
TIMING = base("timing", warmup=1, runs=2, repeats=2)
SMALL = network_config(NETWORK)
DIGITS = NETWORK | {"input_shape": [1, 8, 8], "classes": 10}
IMAGES = base("images", path="digits", valid_share=1 / 3, test_share=1 / 3)
UNTRAINED = {"trained": False, **DEPLOYED}


def note(citation: str, **holds: list[str]) -> dict[str, Any]:
    return {"url": "x", "licence": "y", "citation": citation, "devices": [], "datasets": []} | holds


def page(
    onnx: dict[str, bytes],
    ranker: PairwiseRanker,
    train: dict[str, Any],
    result: dict[str, Any],
    evaluation: dict[str, Any],
    sources: dict[str, Any],
) -> str:
    """The page of the cards of the files `network`, `latency` and `ranker`."""
    data: dict[str, Any] = {f"{name}_onnx": onnx[name] for name in ("network", "ranker")}
    data["predictors_onnx"] = {FILE: onnx["latency"]}
    data |= {"ranker": ranker, "train_metrics": {NAME: train}, "search_result": result}
    data |= {"network_evaluation": evaluation, "ingest_report": {"sources": sources}}
    data |= {"params:export": PARAMS}
    return str(Stage(create_pipeline(), data)["model_card"])


def export_latency(predictor: MetricModel, graphs: SpaceGraphs) -> tuple[bytes, float]:
    """The file of one predictor, and its error."""
    files, errors = export_predictors({NAME: predictor}, graphs, PARAMS)
    return files[FILE], errors[NAME]


def deployed(
    result: dict[str, Any],
    network: bytes,
    trained: bytes,
    images: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
    devices: dict[str, Device] | None = None,
    size: dict[str, Any] = NETWORK,
    **export: Any,
) -> tuple[bytes, dict[str, bytes], dict[str, Any]]:
    """Outputs of `deploy_network` with changed parameters."""
    groups = (size, TIMING | (timing or {}), PARAMS | export, IMAGES | (images or {}))
    deployment = set_up_deployment(result, devices or {}, *groups)
    return deploy_network(deployment, result, network, trained)


class Noisy(nn.Module):
    """Never answers the same twice."""

    def forward(self, ops: Tensor, adj: Tensor) -> Tensor:
        return ops.float().sum(1) + adj.sum((1, 2)) + torch.rand(1)


@pytest.fixture(scope="module")
def latency_predictor(small_graphs: SpaceGraphs) -> MetricPredictor:
    measured = 1.0 + weight(small_graphs.arch_ids)
    rows = np.arange(60), np.arange(60, 80)
    train, valid = (MeasuredRows(part, measured[part]) for part in rows)
    return fit_metric(small_graphs, train, valid, TINY, view="raw", members=1)


@pytest.fixture(scope="module")
def trained_ranker(small_graphs: SpaceGraphs) -> PairwiseRanker:
    predictor = PairwiseRanker(TINY, members=1)
    predictor.fit(
        small_graphs.view("function")[:40], weight(small_graphs.arch_ids[:40]) / 20, seed=0
    )
    return predictor


@pytest.fixture
def result(small_graphs: SpaceGraphs) -> dict[str, Any]:
    return {
        "task": task("cifar100", ["latency_ms <= 5"]),
        "queries": 10,
        "network": {
            "size": SMALL.size,
            "accuracy_sizes": [],
        },
        "failed": 1,
        "chosen": {"arch_id": small_graphs.arch_ids[5]},
        "latencies": {
            "predicted": {
                "ms": 4.5,
                "of": {
                    "size": SMALL.size,
                    "device": OWN["device"],
                    "precision": "fp32",
                    "runtime": None,
                },
            },
            "known": None,
        },
        "known": {"valid_accuracy": None},
        "held_out": {"test_accuracy": 0.7},
        "member": None,
        "front": None,
    }


def feeds(graphs: SpaceGraphs, view: View) -> dict[str, Any]:
    """Three graphs as ONNX Runtime takes them."""
    batch = graphs.view(view)[:3]
    return {"ops": batch.ops.astype(np.int64), "adj": batch.adj.astype(np.float32)}


def answer(content: bytes, feeds: dict[str, Any]) -> Any:
    return ort.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, feeds)[0]


def test_predictors_answer_as_torch_on_any_batch(
    small_graphs: SpaceGraphs,
    result: dict[str, Any],
    latency_predictor: MetricPredictor,
    trained_ranker: PairwiseRanker,
) -> None:
    latency, error = export_latency(latency_predictor, small_graphs)
    assert 0 <= error <= 1e-5
    expected = latency_predictor.predict(small_graphs)[:3]
    np.testing.assert_allclose(answer(latency, feeds(small_graphs, "raw")), expected, rtol=1e-5)
    ranker_onnx, error = export_ranker(trained_ranker, small_graphs, result, PARAMS)
    assert 0 <= error <= 1e-5
    scores = trained_ranker.score(small_graphs.view("function"))[:3]
    found = answer(ranker_onnx, feeds(small_graphs, "function"))
    np.testing.assert_allclose(found, scores, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("quick_export")
def test_a_file_that_answers_otherwise_is_refused(
    small_graphs: SpaceGraphs,
    latency_predictor: MetricPredictor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MetricPredictor, "module", lambda self: Noisy())
    with pytest.raises(ParityError):
        export_latency(latency_predictor, small_graphs)


@pytest.mark.usefixtures("quick_export")
def test_a_predictor_of_few_rows_gives_intervals_and_its_card_runs_as_typed(
    small_graphs: SpaceGraphs,
    result: dict[str, Any],
    trained_ranker: PairwiseRanker,
    tmp_path: Path,
) -> None:
    predictor = fit_device(cells(), measured("eager-new", 10), prior(), QUICK)
    latency, error = export_latency(predictor, small_graphs)
    assert 0 <= error <= 1e-5
    served = OnnxPredictor(latency)
    said = served.predict(small_graphs.arch_ids[:5])
    expected = predictor.intervals(small_graphs)[:5]
    found = said[["latency_ms", "lower_ms", "upper_ms"]].to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert (served.metadata["view"], served.metadata["learnt_rows"]) == ("both", "10")

    adapted = {"model": "adapted", "method": "adapted", "known_devices": ["eager-a", "eager-b"]}
    adapted |= {"scored": "left out", "scored_rows": 10, "metrics": {"adapted": {"mape": 0.07}}}
    adapted |= {"prior_knows_device": True, "transfer": "Transfer: of another size."}
    ranker_onnx, _ = export_ranker(trained_ranker, small_graphs, result, PARAMS)
    network, _ = export_found_network(result, b"", small_graphs, NETWORK, PARAMS)
    onnx = {"network": network, "latency": latency, "ranker": ranker_onnx}
    card = page(onnx, trained_ranker, OWN | adapted, result, UNTRAINED, {})
    of_latency = card.split("\n---\n")[1]
    assert re.search(r"\b9 measured .* 2 known devices \(eager-a, eager-b\)", of_latency)
    assert "10 measured rows, " in of_latency
    assert "earlier rows" in of_latency
    assert adapted["transfer"] in of_latency
    assert "mape (left out)" in of_latency
    assert "spearman, 90 % interval (left out)" in of_latency
    (tmp_path / "predictors").mkdir()
    (tmp_path / "predictors" / FILE).write_bytes(latency)
    (code,) = re.findall(r"```python\n(.*?)```", of_latency, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    printed = re.findall(r"^(\w+) \[([\d.e+-]+)\]$", done.stdout, flags=re.MULTILINE)
    chosen = served.predict([result["chosen"]["arch_id"]]).iloc[0]
    assert [name for name, _ in printed] == ["latency_ms", "lower_ms", "upper_ms"], done.stderr
    for name, value in printed:
        assert float(value) == pytest.approx(chosen[name], rel=1e-4)


@pytest.mark.usefixtures("quick_export")
@pytest.mark.parametrize("view", first_of(VIEWS))
def test_network_has_the_configured_sizes_and_the_card_tells_all(
    small_graphs: SpaceGraphs,
    result: dict[str, Any],
    latency_predictor: MetricPredictor,
    trained_ranker: PairwiseRanker,
    view: View,
) -> None:
    network, error = export_found_network(result, b"", small_graphs, NETWORK, PARAMS)
    assert error <= 1e-5
    assert answer(network, {"image": np.zeros((1, 3, 16, 16), np.float32)}).shape == (1, 7)
    latency, _ = export_latency(latency_predictor, small_graphs)
    ranker = PairwiseRanker(trained_ranker.config, 1, view)
    ranker.fit(small_graphs.view(view), np.linspace(0, 1, len(small_graphs)), 0)
    ranker_onnx, _ = export_ranker(ranker, small_graphs, result, PARAMS)
    sources = {
        OWN["device"]: note("NeurIPS 2020", devices=[OWN["device"]]),
        "nasbench201-runs": note("ICLR 2020", datasets=["cifar10", "cifar100"]),
        "nb201-digits": note("of digits", datasets=["digits"]),
        "other": note("of others", devices=["other"]),
    }
    onnx, files, evaluation = deployed(result, network, b"")
    assert onnx == files["winner.onnx"] == network
    assert evaluation == UNTRAINED | {
        "found": {name: result[name] for name in ("member", "chosen", "known", "held_out")},
        "file_bytes": len(network),
        "latency": LATENCY | {"predicted_latency_ms": 4.5},
    }
    assert json.loads(files["winner.json"])["metadata"]["weights"].startswith("initialised")
    onnx = {"network": network, "latency": latency, "ranker": ranker_onnx}
    card = page(onnx, ranker, OWN, result, UNTRAINED, sources)
    assert card.count("\n---\n\n# ") == 2
    for text in (OWN["device"], "within_10 (test)", "0.97", "9 answers", "not trained"):
        assert text in card
    found, of_latency, of_ranker = card.split("\n---\n")
    assert own_card(card, f"predictors/{FILE}").strip() == of_latency.strip()
    assert own_card(card, "ranker.onnx").strip() == of_ranker.strip(), "is what is registered"
    assert re.match("# .*, not trained\n", found), "what is shipped"
    assert re.search(r"Warning: .*initialised", found)
    assert f'"{view}")' in of_ranker, "the snippet encodes what the ranker reads"
    assert card.count("NeurIPS 2020") == of_latency.count("NeurIPS 2020") == 1
    assert ["ICLR 2020" in text for text in (found, of_latency, of_ranker)] == [True, False, True]
    assert "of digits" not in card
    assert "of others" not in card


def test_a_trained_network_is_exported_with_its_weights_and_explained(
    small_graphs: SpaceGraphs,
    result: dict[str, Any],
    latency_predictor: MetricPredictor,
    trained_ranker: PairwiseRanker,
) -> None:
    config = JobConfig(channels=2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    data, arch_id = ImageSource().load(), result["chosen"]["arch_id"]
    trained = TrainedNetworkFile.of(
        arch_id, 0, train_architecture(arch_id, 0, data, config), data, config
    )
    network, error = export_found_network(result, trained.to_bytes(), small_graphs, NETWORK, PARAMS)
    assert error <= 1e-5
    images = np.random.default_rng(0).normal(size=(3, 1, 8, 8)).astype(np.float32)
    with torch.inference_mode():
        expected = trained.module()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(answer(network, {"image": images}), expected, atol=1e-5)
    latency, _ = export_latency(latency_predictor, small_graphs)
    ranker_onnx, _ = export_ranker(trained_ranker, small_graphs, result, PARAMS)
    result["task"] = task("digits", oracle={"name": "train"})
    result["network"]["size"] = trained.network.size
    with pytest.raises(SchemaError, match=re.escape(SMALL.size)):
        deployed(result, network, trained.to_bytes())
    scored, files, evaluation = deployed(result, network, trained.to_bytes(), size=DIGITS)
    assert files["winner.onnx"] == scored
    about = ort.InferenceSession(scored).get_modelmeta().custom_metadata_map
    assert json.loads(about["test_accuracy"]) == evaluation["test"]["accuracy"]
    assert json.loads(about["test_balanced_accuracy"]) == evaluation["test"]["balanced_accuracy"]
    assert evaluation["test"]["accuracy"] == pytest.approx(trained.test_accuracy)
    assert evaluation["file_bytes"] == len(scored)
    np.testing.assert_array_equal(
        answer(scored, {"image": images}), answer(network, {"image": images})
    )
    onnx = {"network": scored, "latency": latency, "ranker": ranker_onnx}
    card = page(onnx, trained_ranker, OWN, result, evaluation, {})
    assert re.match(f"# .* {result['task']['dataset']}\n", card)
    for text in ("label_names", "pixel_scale", "digits, 1 epochs, seed 0"):
        assert text in card
    assert "not trained" not in card


def test_a_split_that_has_changed_since_the_search_is_refused(
    small_graphs: SpaceGraphs, result: dict[str, Any]
) -> None:
    """Its test images may be among those that the network was trained on."""
    config = JobConfig(channels=2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    data, arch_id = ImageSource().load(), small_graphs.arch_ids[5]
    trained = TrainedNetworkFile.of(
        arch_id, 0, train_architecture(arch_id, 0, data, config), data, config
    ).to_bytes()
    with pytest.raises(SchemaError, match="Run `search` again"):
        deployed(result, b"", trained, images={"split_seed": 1}, size=NETWORK)


def test_parity_holds_all_files_and_the_tolerance() -> None:
    assert collect_parity({NAME: 1e-7}, 2e-7, 3e-7, PARAMS) == {
        "predictors": {NAME: 1e-7},
        "ranker": 2e-7,
        "network": 3e-7,
        "tolerance": 1e-5,
    }


def test_parameters_are_checked(
    small_graphs: SpaceGraphs, latency_predictor: MetricPredictor
) -> None:
    with pytest.raises(ConfigurationError, match=r"'tolerence'.* 'tolerance'\?"):
        export_predictors({NAME: latency_predictor}, small_graphs, PARAMS | {"tolerence": 1})
