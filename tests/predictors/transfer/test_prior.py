"""The prior of known devices: features against the network and the tables, files, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from brpnas.errors import ConfigurationError, SchemaError, UnknownNameError
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import spearman
from brpnas.predictors.transfer import DevicePrior, SharedNetworkConfig, fit_device, fit_prior
from brpnas.predictors.transfer.features import both_views
from brpnas.predictors.transfer.kernel import Hyperparameters
from brpnas.predictors.transfer.prior import KNOWN_GROUPS, LIKE_GROUP
from brpnas.spaces import NetworkConfig
from tests.predictors.toys import cells, rows_of
from tests.predictors.transfer.toys import (
    KNOWN,
    QUICK,
    both,
    device_ms,
    everywhere,
    few_steps,
    measured,
    prior,
    tables,
)

__all__ = ["few_steps"]

TINY = SharedNetworkConfig(hidden=6, layers=1, epochs=2, batch_size=128)
SOME = rows_of(200, seed=12)


@cache
def subspace() -> SpaceGraphs:
    """Some cells as if they were a space."""
    return SpaceGraphs("few", tuple(cells().arch_ids[row] for row in SOME), both(SOME))


def few_tables(count: int = 3, cells_each: int = 60) -> dict[str, pd.DataFrame]:
    found = {}
    for seed, name in enumerate(list(KNOWN)[:count]):
        chosen = np.random.default_rng(seed).permutation(len(SOME))[:cells_each]
        ids = [subspace().arch_ids[row] for row in chosen]
        found[name] = pd.DataFrame({"arch_id": ids, "latency_ms": device_ms(name)[SOME[chosen]]})
    return found


@cache
def few() -> DevicePrior:
    """A prior of a small space, quick to make."""
    return fit_prior(subspace(), few_tables(), TINY)


def group(features: list[Tensor], name: str, of: DevicePrior) -> np.ndarray:
    return np.asarray(features[of.features.groups.index(name)].numpy())


def apart(features: list[Tensor], others: list[Tensor]) -> float:
    pairs = zip(features, others, strict=True)
    return max(float((a - b).abs().max()) if a.numel() else 0.0 for a, b in pairs)


class TestFeatures:
    def test_of_the_graph_come_first_then_of_known_devices(self) -> None:
        known = prior()
        assert known.features.groups == (*known.features.graph.groups, *KNOWN_GROUPS)
        assert (known.space, known.devices) == ("nasbench201", tuple(KNOWN))
        assert len(known.hyperparameters.linear) == len(known.features.groups)
        for features, plain in zip(
            everywhere(), known.features.graph(*both_views(cells().views)), strict=False
        ):
            assert features.dtype == torch.float64
            torch.testing.assert_close(features, plain.double())

    def test_of_devices_are_what_the_network_says(self) -> None:
        with torch.inference_mode():
            said = prior().features.network(*both_views(cells().views)).numpy()
        devices = group(everywhere(), "devices", prior())
        np.testing.assert_allclose(devices, said / 2, rtol=1e-4, atol=1e-5)  # root of 4 devices
        mean = group(everywhere(), "mean_device", prior())
        np.testing.assert_allclose(mean[:, 0], said.mean(axis=1), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("column", range(4))
    def test_of_devices_follow_their_tables(self, column: int) -> None:
        said = group(everywhere(), "devices", prior())[:, column]
        assert spearman(said, device_ms(list(KNOWN)[column])) > 0.85

    @pytest.mark.parametrize("column", range(4))
    def test_known_latency_is_how_far_tables_are_from_the_network(self, column: int) -> None:
        """And the network with the deviation is the measured latency again, but for its units."""
        name = list(KNOWN)[column]
        rows = cells().rows(tables()[name]["arch_id"].tolist())
        said = 2 * group(everywhere(), "devices", prior())
        known = 2 * group(everywhere(), "known_latency", prior())
        log = np.log(tables()[name]["latency_ms"].to_numpy())
        target = (log - log.mean()) / log.std()
        deviations = [target - said[rows, column]]
        for other, table in tables().items():
            if other != name:
                log = np.log(table["latency_ms"].to_numpy())
                there = cells().rows(table["arch_id"].tolist())
                said_there = said[there, list(KNOWN).index(other)]
                deviations.append((log - log.mean()) / log.std() - said_there)
        unit = np.concatenate(deviations).std()
        np.testing.assert_allclose(known[rows, column], deviations[0] / unit, atol=2e-3)
        absent = np.setdiff1d(np.arange(len(cells())), rows)
        assert not known[absent, column].any()
        assert known[:, column].any()

    def test_latencies_are_measured_ones_where_known(self) -> None:
        latencies = prior().features.latencies(both(rows_of(500, seed=2))).numpy()
        with torch.inference_mode():
            said = prior().features.network(*both_views(both(rows_of(500, seed=2)))).numpy()
        for column, table in enumerate(tables().values()):
            log = dict(zip(table["arch_id"], np.log(table["latency_ms"]), strict=True))
            location, scale = np.mean(list(log.values())), np.std(list(log.values()))
            expected = [
                (log[cell] - location) / scale if cell in log else said[i, column]
                for i, cell in enumerate(cells().arch_ids[row] for row in rows_of(500, seed=2))
            ]
            np.testing.assert_allclose(latencies[:, column], expected, atol=1e-4)

    @pytest.mark.parametrize("like", [0, 2])
    def test_of_a_device_that_is_resembled_are_its_latency(self, like: int) -> None:
        some = prior().without({"eager-b"})
        features = some.features.resembling(like)
        assert features.groups == (*prior().features.groups, LIKE_GROUP)
        found = features.of(both(SOME))
        assert found[-1].shape == (len(SOME), 1)
        expected = some.features.latencies(both(SOME))[:, [like]]
        torch.testing.assert_close(found[-1], expected, rtol=1e-5, atol=1e-5)
        assert apart(found[:-1], some.features.of(both(SOME))) == 0
        assert some.features.like is None

    def test_of_a_few_cells_are_those_of_all(self) -> None:
        rows = rows_of(30, seed=2)
        found = prior().features.of(both(rows), chunk=7)
        assert apart(found, [x[rows] for x in everywhere()]) < 1e-5

    def test_of_no_cells(self) -> None:
        found = prior().features.of(both(rows_of(0)))
        assert [x.shape for x in found] == [(0, x.shape[1]) for x in everywhere()]


class TestLearning:
    def test_same_seed_same_prior(self) -> None:
        torch.manual_seed(77)
        state = torch.get_rng_state()
        again = fit_prior(subspace(), few_tables(), TINY)
        assert torch.equal(torch.get_rng_state(), state)
        assert apart(again.features.of(subspace().views), few().features.of(subspace().views)) == 0
        for name, value in few().hyperparameters.tensors().items():
            assert torch.equal(value, again.hyperparameters.tensors()[name])
        other = fit_prior(subspace(), few_tables(), TINY, seed=1)
        assert apart(other.features.of(subspace().views), few().features.of(subspace().views)) > 0

    def test_hyperparameters_are_learnt(self) -> None:
        start = Hyperparameters.start(len(few().features.groups)).tensors()
        moved = {
            k: float((v - start[k]).abs().max()) for k, v in few().hyperparameters.tensors().items()
        }
        assert min(moved.values()) > 0.02
        assert not any(v.requires_grad for v in few().hyperparameters.tensors().values())

    def test_known_devices_are_trusted_where_they_share_what_no_graph_shows(self) -> None:
        weight = dict(
            zip(prior().features.groups, prior().hyperparameters.linear.tolist(), strict=True)
        )
        assert weight["known_latency"] > max(weight["raw_nodes"], weight["pruned_nodes"])

    def test_units_of_a_device_do_not_matter(self) -> None:
        """Tables in seconds teach the same as tables in ms."""
        seconds = {
            name: table.assign(latency_ms=table["latency_ms"] / 1000)
            for name, table in few_tables().items()
        }
        found = fit_prior(subspace(), seconds, TINY)
        assert (
            apart(found.features.of(subspace().views), few().features.of(subspace().views)) < 0.01
        )

    def test_a_near_twin_does_not_make_a_prior_overconfident(self) -> None:
        """A device is judged without its twins, or the prior learns that all devices have one."""
        alone = few_tables()
        twins = alone | {
            f"{name}-twin": table.assign(latency_ms=2 * table["latency_ms"])
            for name, table in alone.items()
        }
        found = fit_prior(subspace(), twins, TINY)
        assert found.hyperparameters.noise > few().hyperparameters.noise - 1
        weights = [
            p.hyperparameters.linear[p.features.groups.index("known_latency")]
            for p in (found, few())
        ]
        assert abs(float(weights[0] - weights[1])) < 1.5

    def test_a_device_whose_latencies_are_all_the_same(self) -> None:
        flat = few_tables()
        flat["flat"] = flat["eager-a"].assign(latency_ms=2.0)
        found = fit_prior(subspace(), flat, TINY)
        assert all(x.isfinite().all() for x in found.features.of(subspace().views))

    def test_without_tables_it_holds_no_measured_latency(self) -> None:
        found = fit_prior(subspace(), few_tables(), TINY, keep_tables=False)
        assert found.features.known is None
        features = found.features.of(subspace().views)
        assert not group(features, "known_latency", found).any()
        np.testing.assert_array_equal(
            group(features, "devices", found),
            group(few().features.of(subspace().views), "devices", few()),
        )

    def test_a_space_whose_operations_do_not_tell_cells_apart_has_no_table(self) -> None:
        pruned = subspace().view("pruned")
        odd = SpaceGraphs("odd", subspace().arch_ids, {"pruned": pruned, "raw": pruned})
        assert fit_prior(odd, few_tables(), TINY).features.known is None


class TestRefusals:
    def test_one_device_is_no_prior(self) -> None:
        for count in (0, 1):
            with pytest.raises(ConfigurationError, match=f"devices, not {count}"):
                fit_prior(subspace(), few_tables(count), TINY)

    def test_a_cell_that_the_space_does_not_have(self) -> None:
        broken = few_tables()
        broken["eager-b"].loc[3, "arch_id"] = "|warp~0|"
        with pytest.raises(UnknownNameError, match="warp"):
            fit_prior(subspace(), broken, TINY)

    @pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
    def test_a_latency_that_is_none(self, value: float) -> None:
        broken = few_tables()
        broken["eager-b"].loc[3, "latency_ms"] = value
        with pytest.raises(SchemaError, match=rf"eager-b .* {value:g} .*row 3\b"):
            fit_prior(subspace(), broken, TINY)

    def test_an_empty_table(self) -> None:
        broken = few_tables()
        broken["eager-b"] = broken["eager-b"][:0]
        with pytest.raises(SchemaError, match="eager-b has 0 rows"):
            fit_prior(subspace(), broken, TINY)


class TestWithout:
    def test_a_device_drops_its_columns(self) -> None:
        some = prior().without({"eager-b"})
        features = some.features.of(both(SOME))
        every = prior().features.of(both(SOME))
        for name in ("devices", "known_latency"):
            kept = group(every, name, prior())[:, [0, 2, 3]] * 2 / 3**0.5
            np.testing.assert_allclose(group(features, name, some), kept, rtol=1e-6)
        mean = group(features, "devices", some).mean(axis=1) * 3**0.5
        np.testing.assert_allclose(group(features, "mean_device", some)[:, 0], mean, rtol=1e-5)
        assert apart(features[:8], every[:8]) == 0

    def test_more_drop_more_and_the_prior_stays(self) -> None:
        once = prior().without({"eager-b"})
        twice, both_at_once = once.without(["eager-a"]), prior().without(["eager-a", "eager-b"])
        assert apart(twice.features.of(both(SOME)), both_at_once.features.of(both(SOME))) == 0
        assert group(twice.features.of(both(SOME)), "devices", twice).shape == (len(SOME), 2)
        assert group(prior().features.of(both(SOME)), "devices", prior()).shape == (len(SOME), 4)
        assert prior().devices == once.devices

    def test_all_devices_leave_the_graph(self) -> None:
        none = prior().without(prior().devices)
        features = none.features.of(both(SOME))
        assert not group(features, "mean_device", none).any()
        assert [x.shape[1] for x in features[-3:]] == [0, 1, 0]
        found = fit_device(cells(), measured("eager-new", 20), none, QUICK)
        assert found.errors["adapted"] == pytest.approx(found.errors["graph alone"], rel=0.3)

    def test_an_unknown_device_drops_nothing(self) -> None:
        assert prior().without({"abacus"}).features.columns == [0, 1, 2, 3]


class TestFiles:
    @pytest.fixture
    def saved(self, tmp_path: Path) -> Path:
        path = tmp_path / "prior.safetensors"
        few().save(path)
        return path

    @pytest.mark.parametrize("without", [(), ("eager-b",)])
    def test_what_is_read_is_what_was_written(self, tmp_path: Path, without: tuple) -> None:
        path, given = tmp_path / "prior.safetensors", prior().without(without)
        given.save(path)
        state = torch.get_rng_state()
        loaded = DevicePrior.load(path)
        assert torch.equal(torch.get_rng_state(), state)
        assert (loaded.space, loaded.devices) == (given.space, given.devices)
        assert loaded.config == given.config
        assert not loaded.features.training
        assert apart(loaded.features.of(both(SOME)), given.features.of(both(SOME))) == 0
        for name, value in given.hyperparameters.tensors().items():
            assert torch.equal(value, loaded.hyperparameters.tensors()[name])
        rows = measured("eager-new", 12)
        some = SpaceGraphs(cells().space, cells().arch_ids[:50], both(np.arange(50)))
        np.testing.assert_array_equal(
            fit_device(cells(), rows, loaded, QUICK).intervals(some),
            fit_device(cells(), rows, given, QUICK).intervals(some),
        )

    def test_sizes_of_networks_are_kept_and_are_one_for_each_device(self, tmp_path: Path) -> None:
        path, sizes = tmp_path / "prior.safetensors", (NetworkConfig().size, NetworkConfig(8).size)
        given = replace(few(), network_sizes=tuple(sizes[i % 2] for i in range(len(few().devices))))
        given.save(path)
        assert DevicePrior.load(path).network_sizes == given.network_sizes
        replace(few(), network_sizes=sizes[:1]).save(path)
        with pytest.raises(SchemaError, match=r" 1 sizes .* \d devices"):
            DevicePrior.load(path)

    def test_written_again_it_is_the_same_file(self, saved: Path, tmp_path: Path) -> None:
        again = tmp_path / "again.safetensors"
        DevicePrior.load(saved).save(again)
        assert content(again) == content(saved)

    def test_without_tables_the_file_has_none(self, saved: Path, tmp_path: Path) -> None:
        bare = tmp_path / "bare.safetensors"
        fit_prior(subspace(), few_tables(), TINY, keep_tables=False).save(bare)
        assert {name for name in content(saved)[1] if name.startswith("known.")} == {
            "known.table",
            "known.choices",
        }
        assert not any(name.startswith("known.") for name in content(bare)[1])
        assert DevicePrior.load(bare).features.known is None

    def test_needs_no_code_to_be_read(self, saved: Path) -> None:
        metadata = {name: json.loads(value) for name, value in content(saved)[0].items()}
        assert metadata["kind"] == "device_prior"
        assert metadata["devices"] == list(KNOWN)[:3]
        assert metadata["space"] == "few"
        assert metadata["config"]["hidden"] == TINY.hidden

    @pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
    def test_a_truncated_file_is_refused(self, saved: Path, share: float) -> None:
        whole = saved.read_bytes()
        saved.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(SchemaError, match=r"prior\.safetensors"):
            DevicePrior.load(saved)

    @pytest.mark.parametrize("metadata", [None, {"kind": "x"}, {"kind": '"latency"'}])
    def test_tensors_of_others_are_refused(self, tmp_path: Path, metadata: dict | None) -> None:
        path = tmp_path / "other.safetensors"
        save_file({"weight": torch.zeros(2)}, path, metadata)
        with pytest.raises(SchemaError, match=r"other\.safetensors"):
            DevicePrior.load(path)

    @pytest.mark.parametrize(
        "damage", ["key", "setting", "size", "weight", "kernel", "extra", "table"]
    )
    def test_a_file_of_another_version_is_refused(self, saved: Path, damage: str) -> None:
        with safe_open(saved, framework="pt") as file:
            metadata = dict(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if damage == "key":
            del metadata["columns"]
        if damage == "setting":
            metadata["config"] = json.dumps({**json.loads(metadata["config"]), "warp": 9})
        if damage == "size":
            metadata["devices"] = json.dumps(["one"])
        if damage == "weight":
            del tensors["network.raw.head.bias"]
        if damage == "kernel":
            del tensors["settings.noise"]
        if damage == "extra":
            tensors["settings.warp"] = torch.zeros(1)
        if damage == "table":
            del tensors["known.choices"]
        save_file(tensors, saved, metadata)
        with pytest.raises(SchemaError, match=r"prior\.safetensors.*another version"):
            DevicePrior.load(saved)

    def test_a_missing_file_is_just_missing(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            DevicePrior.load(tmp_path / "absent.safetensors")


def content(path: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    with safe_open(path, framework="np") as file:
        return file.metadata(), {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


def test_settings_of_the_network_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="epochs"):
        replace(TINY, epochs=0)
