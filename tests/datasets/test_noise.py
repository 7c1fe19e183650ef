from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from brpnas.datasets.noise import agreement, repeat_noise, seed_noise
from brpnas.errors import SchemaError


def accuracy(values: dict[int, list[float]], split: str = "valid") -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "arch_id": [f"c{i}" for i in range(len(column))],
                "dataset": "x",
                "split": split,
                "seed": pd.array([seed] * len(column), dtype="Int64"),
                "accuracy": column,
            }
        )
        for seed, column in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def latency(values: list[float], std: list[float] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": [f"c{i}" for i in range(len(values))],
            "latency_ms": values,
            "std_ms": std or [np.nan] * len(values),
        }
    )


class TestSeedNoise:
    def test_every_pair_over_the_cells_that_have_both(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.uniform(0, 1, 50)
        columns = {seed: (truth + rng.normal(0, 0.1, 50)).tolist() for seed in range(3)}
        columns[2] = columns[2][:20]
        found = seed_noise(accuracy(columns), "x", "valid")
        assert [(p["seeds"], p["cells"]) for p in found["pairs"]] == [
            ([0, 1], 50),
            ([0, 2], 20),
            ([1, 2], 20),
        ]
        for pair in found["pairs"]:
            first, second = (columns[seed][: pair["cells"]] for seed in pair["seeds"])
            assert pair["spearman"] == pytest.approx(spearmanr(first, second).statistic)
        assert found["cells"] == 50
        assert found["sd"] == pytest.approx(0.1, rel=0.2)

    def test_deviation_is_of_one_training(self) -> None:
        found = seed_noise(accuracy({0: [0.5, 0.1, 0.3], 1: [0.7, 0.1], 5: []}), "x", "valid")
        assert found["cells"] == 2
        assert found["sd"] == pytest.approx(np.sqrt((0.02 + 0) / 2))
        assert found["median_sd"] == pytest.approx(np.sqrt(0.01))

    def test_published_means_other_splits_and_data_sets_do_not_count(self) -> None:
        table = accuracy({0: [0.5, 0.4], 1: [0.6, 0.5]})
        mean = table[:2].assign(seed=pd.array([None, None], dtype="Int64"))
        others = [mean, table.assign(split="test", accuracy=0.1), table.assign(dataset="y")]
        assert seed_noise(pd.concat([table, *others]), "x", "valid") == seed_noise(
            table, "x", "valid"
        )

    def test_one_seed_says_nothing(self) -> None:
        with pytest.raises(SchemaError, match="second seed"):
            seed_noise(accuracy({0: [0.5, 0.6]}), "x", "valid")


class TestLatency:
    def test_spread_of_blocks_is_relative(self) -> None:
        table = latency([1.0, 2.0, 4.0, 9.0], [0.1, 0.1, 0.4, np.nan])
        found = repeat_noise(table)
        assert found["cells"] == 3
        assert found["median_relative_std"] == pytest.approx(0.1)
        assert found["p95_relative_std"] == pytest.approx(0.1)
        with pytest.raises(SchemaError, match="std_ms"):
            repeat_noise(latency([1.0]))

    def test_two_tables_are_compared_where_they_meet(self) -> None:
        first, second = latency([1.0, 2.0, 3.0, 8.0]), latency([1.1, 2.0, 2.9])
        found = agreement(first, second)
        assert found["cells"] == 3
        assert found["median_difference"] == pytest.approx(0.1 / 2.95)
        assert found["spearman"] == 1.0
        assert agreement(second, first) == found
        with pytest.raises(SchemaError, match="1 common cells"):
            agreement(first, latency([1.0]))
