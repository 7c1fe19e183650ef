"""Architectures listed by `ingest`: a whole space, or a sample plus those of the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import list_architectures
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.spaces import get_space
from pipelines.datasets import DeviceFilesDataset
from pipelines.ingest.architectures import make_architectures
from pipelines.network import network_config
from tests.pipelines.toys import make_latency

DARTS = get_space("darts").sample(np.random.default_rng(1), 40)


def never() -> dict[str, Path]:
    raise AssertionError("published files were fetched although nobody asked for them")


NETWORK = {
    "channels": 8,
    "cells_per_stage": 1,
    "stages": 3,
    "input_shape": [1, 8, 8],
    "classes": 10,
}
SIZE = network_config(NETWORK)


def gives(arch_ids: list[str]) -> Callable[[], pd.DataFrame]:
    return lambda **_: pd.DataFrame({"arch_id": arch_ids})


def params(*benchmarks: str, sample: int | None = None, seed: int = 0) -> dict[str, Any]:
    return {"benchmarks": list(benchmarks), "sample": sample, "seed": seed}


def test_a_space_that_can_be_listed_is_listed_whole_and_reads_no_table() -> None:
    def fails() -> pd.DataFrame:
        raise AssertionError("a table was read")

    own = {"mine": fails}
    table = make_architectures(
        never, own, own, {}, "nasbench201", NETWORK, params("measured", "trained", "latbench")
    )
    pd.testing.assert_frame_equal(table, list_architectures(network=SIZE))


def test_a_sample_holds_what_tables_name_and_is_decided_by_its_seed() -> None:
    trained, measured = {"digits": gives(DARTS[:7])}, {"mine": gives(DARTS[5:20])}

    def table(*benchmarks: str, **more: int) -> pd.DataFrame:
        asked = params(*benchmarks, sample=30, **more)
        return make_architectures(never, trained, measured, {}, "darts", NETWORK, asked)

    both = table("trained", "measured")
    assert set(DARTS[:20]) <= set(both["arch_id"])
    assert len(both) == 20 + 30
    assert set(both["space"]) == {"darts"}
    pd.testing.assert_frame_equal(both, table("measured", "trained"))
    alone = set(table("trained")["arch_id"])
    assert len(alone) == 7 + 30
    assert alone < set(both["arch_id"])
    assert not alone & set(table("nasbench301", seed=2)["arch_id"])


def test_no_random_ones_and_no_more_than_there_are() -> None:
    measured = {"mine": gives(DARTS[:3])}
    few = make_architectures(
        never, {}, measured, {}, "darts", NETWORK, params("measured", sample=0)
    )
    assert sorted(few["arch_id"]) == sorted(DARTS[:3])
    every = make_architectures(
        never, {}, {}, {}, "nasbench201", NETWORK, params("trained", sample=10**6)
    )
    pd.testing.assert_frame_equal(every, list_architectures(network=SIZE))


def test_what_is_no_architecture_is_left_to_the_check_of_its_table() -> None:
    measured = {"mine": gives([DARTS[0], "nonsense", " " + DARTS[1]])}
    table = make_architectures(
        never, {}, measured, {}, "darts", NETWORK, params("measured", sample=0)
    )
    assert table["arch_id"].tolist() == [DARTS[0]]


def test_files_that_were_brought_are_read_in_the_space(tmp_path: Path) -> None:
    folder = tmp_path / "devices"
    folder.mkdir()
    make_latency(DARTS, "theirs")[["arch_id"]].assign(
        latency_ms=[1 + i / 7 for i in range(40)]
    ).to_csv(folder / "theirs.csv", index=False)
    brought = DeviceFilesDataset(str(folder)).load()
    asked = params("devices", sample=0)
    table = make_architectures(never, {}, {}, brought, "darts", NETWORK, asked)
    assert sorted(table["arch_id"]) == sorted(DARTS)


def test_a_space_too_large_needs_a_number() -> None:
    with pytest.raises(ConfigurationError, match=r"'darts' is too large.*set ingest\.sample"):
        make_architectures(never, {}, {}, {}, "darts", NETWORK, params("measured"))
    with pytest.raises(UnknownNameError, match="Did you mean 'darts'"):
        make_architectures(never, {}, {}, {}, "dart", NETWORK, params("measured"))


@pytest.mark.data
@pytest.mark.slow
def test_the_public_sample_of_nasbench101_without_the_rest(mirror: Path) -> None:
    from functools import partial  # noqa: PLC0415

    from brpnas.datasets import fetch_group  # noqa: PLC0415

    files = partial(fetch_group, "nasbench101", mirror=mirror, cache=mirror)
    table = make_architectures(
        files, {}, {}, {}, "nasbench101", NETWORK, params("measured", "nasbench101", sample=0)
    )
    assert len(table) == 20_001
    assert table["params_m"].notna().all()
