"""The best architectures of a space by saved predictors."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brpnas.cli.ranking import rank
from brpnas.errors import ConfigurationError, ConstraintError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor, PairwiseRanker
from brpnas.spaces import NasBench201, NetworkConfig
from brpnas.spaces.select import select_cells
from tests.cli.conftest import Brpnas
from tests.export.costs import METADATA, cost_model, cost_of

SPACE = NasBench201()


@pytest.fixture(scope="module")
def graphs() -> SpaceGraphs:
    return SPACE.graphs()


class TestRank:
    def test_order_is_that_of_the_scores(self, ranker: Path, graphs: SpaceGraphs) -> None:
        predictor = PairwiseRanker.load(ranker)
        scores = predictor.score(graphs.view(predictor.view))
        rows = rank(ranker, 50, every=True)
        assert rows["score"].tolist() == pytest.approx(np.sort(scores)[::-1][:50].tolist())
        found = scores[graphs.rows(rows["arch_id"].tolist())]
        assert found.tolist() == pytest.approx(rows["score"].tolist())
        assert rows["rank"].tolist() == list(range(1, 51))

    def test_one_of_each_function_unless_all_are_wanted(self, ranker: Path) -> None:
        everything = rank(ranker, 15625, every=True)
        assert everything["arch_id"].nunique() == 15625
        distinct = rank(ranker, 15625)
        assert len(distinct) == 6466
        ids = SPACE.isomorphism_ids(distinct["arch_id"].tolist())
        assert len(set(ids)) == 6466

    @pytest.mark.parametrize("size", [None, NetworkConfig(4, 1, 2, (1, 8, 8), 10).size])
    def test_costs_are_those_of_the_networks_that_are_exported(
        self, ranker: Path, size: str | None
    ) -> None:
        rows = rank(ranker, 15625, every=True, network_size=size)
        cells = rows["arch_id"].tolist()
        network = NetworkConfig() if size is None else NetworkConfig.of_size(size)
        params, flops = SPACE.cost(cells, network.as_exported)
        assert (rows["params_m"] * 1e6).tolist() == pytest.approx(params.tolist())
        assert (rows["flops_m"] * 1e6).tolist() == pytest.approx(flops.tolist())
        with_dead, _ = SPACE.cost(cells, replace(network, executes_dead_ops=True))
        assert (params < with_dead).any(), "some of these cells have dead operations"
        small = rank(ranker, 20, (), [f"params_m <= {params.min() / 1e6}"], network_size=size)
        assert (small["params_m"] * 1e6).max() <= params.min() * (1 + 1e-9)

    def test_constraints_hold_together(self, ranker: Path, latency: Path) -> None:
        limit = float(rank(ranker, 15625, [latency])["latency_ms"].median())
        limits = [f"latency_ms <= {limit}", "flops_m > 20"]
        free, rows = (rank(ranker, 200, [latency], given) for given in ([], limits))
        assert len(rows) == 200
        assert rows["latency_ms"].max() <= limit < free["latency_ms"].max()
        assert rows["flops_m"].min() > 20

    def test_table_and_json_hold_the_same(
        self, brpnas: Brpnas, ranker: Path, latency: Path
    ) -> None:
        options = ("rank", ranker, "--predictor", latency, "--top", 3)
        rows = json.loads(brpnas(*options, "--json").stdout)
        lines = [line.split() for line in brpnas(*options).stdout.splitlines()]
        assert lines[0] == list(rows[0])
        assert lines[0] == ["rank", "score", "latency_ms", "params_m", "flops_m", "arch_id"]
        assert [line[-1] for line in lines[1:]] == [row["arch_id"] for row in rows]
        assert len(rows) == 3

    def test_exported_predictors_rank_too(
        self, brpnas: Brpnas, ranker: Path, tmp_path: Path
    ) -> None:
        scores, board = tmp_path / "ranker.onnx", tmp_path / "latency.onnx"
        scores.write_bytes(cost_model(value="score"))
        board.write_bytes(cost_model(view="pruned"))
        options = ("--predictor", board, "--top", 4, "--sample", 60, "--all", "--json")
        rows = json.loads(brpnas("rank", scores, *options).stdout)
        cells = [row["arch_id"] for row in rows]
        assert [row["score"] for row in rows] == pytest.approx(cost_of(cells, "raw"), rel=1e-5)
        assert [row["latency_ms"] for row in rows] == pytest.approx(
            cost_of(cells, "pruned"), rel=1e-5
        )
        best = sorted(cost_of(select_cells(60), "raw"), reverse=True)[:4]
        assert [row["score"] for row in rows] == pytest.approx(best, rel=1e-5)
        swapped = brpnas("rank", board)
        assert (swapped.exit_code, "predicts latency_ms, not score" in swapped.stderr) == (1, True)
        wrong = brpnas("rank", ranker, "--predictor", scores)
        assert (wrong.exit_code, "predicts score, not latency_ms or" in wrong.stderr) == (1, True)


class TestMetrics:
    """Predictors of any metric on any device."""

    @pytest.fixture
    def energy(self, latency: Path, tmp_path: Path) -> Path:
        """A predictor of energy on a box, by the name of its file."""
        path = tmp_path / "energy_mj@box.safetensors"
        replace(MetricPredictor.load(latency), metric="energy_mj").save(path)
        return path

    def test_each_is_a_column_and_has_limits(
        self, ranker: Path, latency: Path, energy: Path
    ) -> None:
        free = rank(ranker, 100, [latency, energy], sample=100, every=True)
        names = ["rank", "score", "latency_ms", "energy_mj", "params_m", "flops_m", "arch_id"]
        assert free.columns.tolist() == names
        limit = float(free["energy_mj"].median())
        for name in ("energy_mj", "energy_mj@box"):
            limits = [f"{name} <= {limit}"]
            rows = rank(ranker, 100, [latency, energy], limits, sample=100, every=True)
            assert set(rows["arch_id"]) == set(free["arch_id"][free["energy_mj"] <= limit])

    def test_one_metric_on_two_devices(self, ranker: Path, latency: Path, tmp_path: Path) -> None:
        board = tmp_path / "devices" / "my-board" / "predictor.onnx"
        board.parent.mkdir(parents=True)
        board.write_bytes(cost_model(metadata=METADATA | {"device": "my-board"}))
        device = latency.stem.partition("@")[2]
        limits = ["latency_ms@my-board <= 1e9"]
        rows = rank(ranker, 5, [latency, board], limits, sample=20, every=True)
        assert rows.columns[2:4].tolist() == [f"latency_ms@{device}", "latency_ms@my-board"]
        with pytest.raises(ConstraintError, match="latency_ms@my-board"):
            rank(ranker, 5, [latency, board], ["latency_ms <= 5"], sample=20)

    def test_what_names_no_device_or_the_same_twice_is_refused(
        self, ranker: Path, latency: Path, tmp_path: Path
    ) -> None:
        plain = tmp_path / "mine.safetensors"
        plain.write_bytes(latency.read_bytes())
        with pytest.raises(ConfigurationError, match=r"latency_ms@DEVICE\.safetensors"):
            rank(ranker, 5, [latency, plain], sample=20)
        with pytest.raises(ConfigurationError, match="both"):
            rank(ranker, 5, [latency, latency], sample=20)

    def test_a_limit_without_its_predictor_is_refused(self, ranker: Path, energy: Path) -> None:
        for text in ("latency_ms <= 5", "energy_mj@phone <= 5"):
            with pytest.raises(ConstraintError, match="--predictor"):
                rank(ranker, 5, [energy], [text], sample=20)

    def test_other_costs_are_computed_for_constraints(self, ranker: Path) -> None:
        costs = SPACE.costs(select_cells(30), NetworkConfig().as_exported)["activation_kib"]
        limit = float(np.median(costs))
        limits = [f"activation_kib <= {limit}"]
        rows = rank(ranker, 30, (), limits, sample=30, every=True)
        assert len(rows) == (costs <= limit).sum()
        assert rows["activation_kib"].max() <= limit


class TestOtherSpaces:
    """With a custom space; the small predictors read its graphs."""

    def test_rank_a_sample(self, ranker: Path, mine: Path) -> None:
        rows = rank(ranker, 5, space=str(mine), sample=40, every=True)
        drawn = set(select_cells(40, space=str(mine)))
        assert set(rows["arch_id"]) < drawn
        whole = rank(ranker, 40, space=str(mine), sample=40, every=True)
        assert set(whole["arch_id"]) == drawn
        assert whole["params_m"].isna().all()
        same = rank(ranker, 40, sample=40, every=True)
        assert len(same) == 40
        assert same["params_m"].notna().all()

    def test_limits_on_costs_that_are_not_known(
        self, brpnas: Brpnas, ranker: Path, mine: Path
    ) -> None:
        options = ("rank", ranker, "--space", mine, "--sample", 5)
        result = brpnas(*options, "--constraint", "params_m <= 1")
        assert result.exit_code == 1
        assert re.search(rf"\bparams_m, .*{mine}", result.stderr)
