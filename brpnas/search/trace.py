"""Progress of a search query by query, scored by held-out test accuracies.

`HeldOutScores` holds the test accuracies of a space; build it once for the traces of many searches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from brpnas.search.oracles import longest_runs

__all__ = ["HeldOutScores", "trace"]

_NAN = float("nan")


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Test accuracies of the architectures of a space on one data set.

    Attributes:
        mean: Test accuracy averaged over training seeds, by architecture; the published mean if
            there is one.
        best_seed: Best test accuracy of a single training seed, if known.
        optimum: Best mean test accuracy among the feasible architectures.
        seeds: Number of training seeds of each mean, without architectures with a published mean.
    """

    mean: Mapping[str, float]
    best_seed: Mapping[str, float]
    optimum: float
    seeds: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_table(
        cls, accuracy: pd.DataFrame, dataset: str, feasible: Collection[str] | None = None
    ) -> HeldOutScores:
        """Read the scores from an accuracy table.

        Args:
            accuracy: Table with columns ``arch_id, dataset, split, seed, epochs, accuracy``; a null
                seed marks a published mean.
            dataset: Data set.
            feasible: Architectures to find the optimum in; the whole table if left out.

        Raises:
            UnknownNameError: If the table has no test rows for the data set.
        """
        rows = longest_runs(accuracy, dataset, "test")
        is_mean = rows["seed"].isna()
        by_seed = rows[~is_mean].groupby("arch_id")["accuracy"]
        mean = _by_name(by_seed.mean())
        mean |= _by_name(rows[is_mean].groupby("arch_id")["accuracy"].mean())
        among = mean.keys() if feasible is None else mean.keys() & set(feasible)
        optimum = max((mean[arch_id] for arch_id in among), default=_NAN)
        published = set(rows.loc[is_mean, "arch_id"])
        seeds = {str(name): int(n) for name, n in by_seed.size().items() if name not in published}
        return cls(mean, _by_name(by_seed.max()), optimum, seeds)


def trace(history: pd.DataFrame, scores: HeldOutScores) -> pd.DataFrame:
    """Progress of a search: one row per query, covering all queries up to it.

    The choice is the architecture with the best mean validation accuracy, ties broken as in
    `brpnas.search.chosen`. If the sampler chooses by its own estimates, the choice is the leader at
    the last training of its ranker. Test accuracies never affect it. Answers of infeasible
    architectures do not count. Before the first counting answer all values are null.

    Args:
        history: Table of a search (`History.to_frame`).
        scores: Test accuracies of its data set.

    Returns:
        Columns, accuracies as fractions:

        - ``query``
        - ``best_valid``: the best single validation answer so far.
        - ``chosen``, ``chosen_valid``, ``chosen_test``: the choice so far, the mean of its answers,
          and its test accuracy averaged over seeds.
        - ``best_test_seen``: the best average test accuracy among all counting answers; unknown to
          the search.
        - ``best_single_seed_test_seen``: the same over single seeds, as in published curves.
        - ``regret``: the optimum among the feasible minus ``chosen_test``.
    """
    counts = (history["status"] == "ok") & history.get("feasible", True)
    answers = history["accuracy"].where(counts)
    answered = [
        str(a) if ok else "" for a, ok in zip(history["arch_id"], answers.notna(), strict=True)
    ]
    choices = list(_choices(history.assign(counts=counts)))
    table = pd.DataFrame(
        {
            "query": history["query"].to_numpy(),
            "best_valid": answers.cummax().ffill().to_numpy(),
            "chosen": pd.Series([arch_id for arch_id, _ in choices], dtype="str"),
            "chosen_valid": [value for _, value in choices],
            "chosen_test": [scores.mean.get(arch_id or "", _NAN) for arch_id, _ in choices],
            "best_test_seen": _best_so_far([scores.mean.get(a, _NAN) for a in answered]),
            "best_single_seed_test_seen": _best_so_far(
                [scores.best_seed.get(a, _NAN) for a in answered]
            ),
        }
    )
    table["regret"] = scores.optimum - table["chosen_test"]
    return table


def _by_name(values: pd.Series[float]) -> dict[str, float]:
    return {str(name): float(value) for name, value in values.items()}


def _best_so_far(values: list[float]) -> pd.Series[float]:
    return pd.Series(values, dtype=np.float64).cummax().ffill()


def _choices(history: pd.DataFrame) -> Iterator[tuple[str | None, float]]:
    """The choice after each query, and its mean validation accuracy."""
    latency = history.get("predicted_latency_ms", pd.Series(0.0, history.index))
    leaders = history.get("leader", pd.Series(None, history.index, dtype="str"))
    keys: dict[str, tuple[float, float, str]] = {}
    answers: dict[str, list[float]] = {}
    best: tuple[float, float, str] | None = None
    led: str | None = None
    columns = (history["arch_id"], history["counts"], history["accuracy"], latency, leaders)
    for arch_id, counts, accuracy, cost, leader in zip(*columns, strict=True):
        if counts:
            again = arch_id in answers
            runs = answers.setdefault(arch_id, [])
            runs.append(float(accuracy))
            keys[arch_id] = (-float(np.mean(runs)), float(cost), arch_id)
            # A second answer may lower the leader's mean: compare all again.
            best = min(keys.values()) if again or best is None else min(best, keys[arch_id])
        led = leader if isinstance(leader, str) else led
        if led:
            yield led, float(np.mean(answers[led]))
        else:
            yield (best[2], -best[0]) if best else (None, _NAN)
