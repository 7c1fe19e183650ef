"""The example of a space of your own in every place that a space goes to."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
import torch

from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    TrainingJob,
    TrainOracle,
    export_trained,
    store_name,
    train_architecture,
    train_jobs,
)
from brpnas.datasets import list_architectures
from brpnas.errors import ConfigurationError, StoreError
from brpnas.export import describe_model, export_network, initialise_weights
from brpnas.fanout import LocalEngine
from brpnas.measure import (
    ClusterTarget,
    MeasureSettings,
    OnnxRuntime,
    Protocol,
    measure_cells,
    measure_operations,
    select_cells,
)
from brpnas.search import Question
from brpnas.spaces import NetworkConfig, SearchSpace, get_space
from tests.contracts.pages import blocks
from tests.spaces.counted import counted

ROOT = Path(__file__).resolve().parents[3]
CHAIN = str(ROOT / "docs/examples/chain_space.py")
TINY = NetworkConfig(channels=4, cells_per_stage=1, stages=2, input_shape=(3, 16, 16))
CELLS = ["conv3-sep3w-skip-conv5-squeeze", "squeeze-conv5w-sep3-skip-conv3w"]
SHORT = JobConfig(channels=2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)


def chain() -> SearchSpace:
    return get_space(CHAIN)


def apart(first: str, second: str, config: NetworkConfig = TINY) -> bool:
    """Whether two networks of equal weights answer differently."""
    answers = []
    for arch_id in (first, second):
        network = chain().build(arch_id, config)
        initialise_weights(network, config.input_shape, seed=0)
        rng = torch.Generator().manual_seed(1)
        with torch.inference_mode():
            answers.append(network(torch.randn(2, *config.input_shape, generator=rng)))
    return not torch.equal(*answers)


def test_chains_of_one_id_are_one_network() -> None:
    moved = "conv3-sep3w-conv5-skip-squeeze"
    ids = chain().isomorphism_ids([CELLS[0], moved, CELLS[1]])
    assert ids[0] == ids[1] != ids[2]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = chain().build(CELLS[0], TINY).state_dict()
        assert chain().build(moved, TINY).load_state_dict(weights)
    assert apart("conv3-conv5-skip-skip-skip", "conv5-conv3-skip-skip-skip")


@pytest.mark.parametrize("arch_id", [*CELLS, "-".join(["skip"] * 5), "-".join(["sep3w"] * 5)])
@pytest.mark.parametrize(
    "config", [None, TINY, NetworkConfig(3, 2, 3, (1, 9, 7), 4)], ids=["published", "tiny", "odd"]
)
def test_cost_is_that_of_the_built_network(arch_id: str, config: NetworkConfig | None) -> None:
    module, sizes = chain().build(arch_id, config), config or chain().published
    params, flops = chain().cost([arch_id], config)
    assert (params.item(), flops.item()) == counted(module, sizes.input_shape)
    assert module(torch.zeros(3, *sizes.input_shape)).shape == (3, sizes.classes)


def test_its_table_of_architectures() -> None:
    table = list_architectures(space=CHAIN, arch_ids=CELLS)
    assert set(table["space"]) == {CHAIN}
    assert table["arch_id"].tolist() == sorted(CELLS)
    params, _ = chain().cost(sorted(CELLS))
    assert (table["params_m"] * 1e6).tolist() == pytest.approx(params.tolist())


def test_it_reaches_another_process_by_its_name() -> None:
    code = (
        "import pickle, sys\n"
        "space = pickle.load(sys.stdin.buffer)\n"
        "print(space.name, space.canonical(' squeeze-conv5w-sep3-skip-conv3w '))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(chain()), capture_output=True, check=False
    )
    assert done.stdout.decode().split() == [CHAIN, CELLS[1]], done.stderr.decode()


class TestMeasuring:
    SETTINGS = MeasureSettings(OnnxRuntime(), Protocol(1, 4, 3), TINY, space=CHAIN)

    def test_cells_have_latencies(self, tmp_path: Path) -> None:
        path = tmp_path / "m.jsonl"
        result = measure_cells(CELLS, self.SETTINGS, path, progress=False, drift_limit=1e9)
        assert result.latency("mine")["arch_id"].tolist() == sorted(CELLS)
        (reference,) = set(result.references["arch_id"])
        assert chain().canonical(reference) == reference
        again = measure_cells(CELLS, self.SETTINGS, path, progress=False, drift_limit=1e9)
        pd.testing.assert_frame_equal(again.rows, result.rows)

    def test_workers_build_its_networks(self, tmp_path: Path, workers: LocalEngine) -> None:
        options = {"target": ClusterTarget(workers), "progress": False, "drift_limit": 1e9}
        result = measure_cells(CELLS, self.SETTINGS, tmp_path / "m.jsonl", **options)
        assert set(result.rows["arch_id"]) == set(CELLS)
        assert not result.failures

    def test_a_store_is_of_one_space(self, tmp_path: Path) -> None:
        options = {"progress": False, "drift_limit": 1e9}
        measure_cells(CELLS[:1], self.SETTINGS, tmp_path / "m.jsonl", **options)
        plain = MeasureSettings(OnnxRuntime(), Protocol(1, 4, 3), TINY)
        with pytest.raises(StoreError):
            measure_cells(select_cells(1), plain, tmp_path / "m.jsonl", **options)

    def test_its_operations_are_not_measured_alone(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="nasbench201"):
            measure_operations(self.SETTINGS, tmp_path / "m.jsonl", device="mine")


class TestTraining:
    @pytest.mark.usefixtures("quick_export")
    def test_a_candidate_is_trained_and_exported(self, tmp_path: Path) -> None:
        data = ImageSource().load()
        trained = train_architecture(CELLS[0], 0, data, SHORT, space=CHAIN)
        assert 0 <= trained.valid_accuracy <= 1
        file = TrainedNetworkFile.of(CELLS[0], 0, trained, data, SHORT, space=CHAIN)
        again = TrainedNetworkFile.from_bytes(file.to_bytes())
        assert again.space == CHAIN
        assert export_trained(again, tmp_path / "n.onnx") <= 1e-5
        metadata = describe_model(tmp_path / "n.onnx")[2]
        assert (metadata["space"], metadata["arch_id"]) == (CHAIN, CELLS[0])
        params, _ = chain().cost([CELLS[0]], file.network)
        assert params[0] == sum(p.numel() for p in again.module().parameters())

    def test_many_on_an_engine(self, tmp_path: Path, workers: LocalEngine) -> None:
        wanted = [TrainingJob(arch_id, 0) for arch_id in CELLS]
        runs = train_jobs(
            wanted, ImageSource(), SHORT, tmp_path, engine=workers, progress=False, space=CHAIN
        )
        assert [run.status for run in runs] == ["ok", "ok"]
        assert (tmp_path / store_name(ImageSource(), SHORT, space=CHAIN)).is_file()
        assert store_name(ImageSource(), SHORT, space=CHAIN) != store_name(ImageSource(), SHORT)

    def test_the_oracle_of_a_search(self, tmp_path: Path) -> None:
        oracle = TrainOracle(ImageSource(), SHORT, tmp_path, space=CHAIN)
        answer = oracle.answer(Question(0, CELLS[1]))
        assert answer.accuracy == oracle.trained(CELLS[1], 0).valid_accuracy
        assert oracle.trained(CELLS[1], 0).space == CHAIN


def test_it_is_exported(tmp_path: Path) -> None:
    path = tmp_path / "n.onnx"
    error = export_network(CELLS[0], path, TINY, space=CHAIN, exporter="torchscript")
    assert error <= 1e-5
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    answer = session.run(None, {"image": np.zeros((1, 3, 16, 16), np.float32)})[0]
    assert answer.shape == (1, 10)
    assert describe_model(path)[2]["space"] == CHAIN


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("block", blocks((ROOT / "docs/spaces.md").read_text(), "py"))
def test_what_its_page_shows_is_in_the_files(block: str) -> None:
    shown = "\n".join(lines(block))
    files = [path.read_text() for path in Path(CHAIN).parent.glob("*chain_space.py")]
    assert len(files) == 2
    assert any(shown in "\n".join(lines(text)) for text in files)


def test_the_seed_decides_all_weights(tmp_path: Path) -> None:
    """Those of biases too, which this project's own initialisation leaves alone."""
    for run, seed in enumerate((0, 0)):
        torch.manual_seed(run)
        path = tmp_path / f"{run}.onnx"
        export_network(CELLS[0], path, TINY, space=CHAIN, seed=seed, exporter="torchscript")
    assert (tmp_path / "0.onnx").read_bytes() == (tmp_path / "1.onnx").read_bytes()
