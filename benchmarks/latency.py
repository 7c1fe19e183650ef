"""Latency predictor on LatBench, by a corrected protocol of the paper.

For each seed the measured cells of a device are permuted; 900 train, 100 validate (early stopping,
view), all others test. Bounds are |predicted / measured - 1| on test rows in ms. The two desktop
files are almost the same measurement, so only one is used. ``median`` is the same predictor without
the bound's scaling (`train.bound: null`).
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import Benchmark, settings, stopwatch, training_config
from brpnas.metrics import regression_metrics
from brpnas.predictors import LatencyPredictor, MeasuredRows, fit_latency, training_pool
from brpnas.predictors.baselines import baseline_predictions

__all__ = ["DEVICES", "fit_once", "run"]

DEVICES = {
    "desktop CPU": "desktop-cpu-core-i7-7820x-fp32",
    "Jetson fp32": "embedded-gpu-jetson-nano-fp32",
    "Hexagon 690": "mobile-dsp-snapdragon-855-hexagon-690-int8",
    "Edge TPU": "embedded-tpu-edge-tpu-int8",
    "Adreno 612": "mobile-gpu-snapdragon-675-adreno-612-int8",
}
"""Five distinct devices of LatBench."""

TRAIN, VALID = 900, 100


def split(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of training, validation and test rows."""
    order = np.random.default_rng(seed).permutation(rows)
    return order[:TRAIN], order[TRAIN : TRAIN + VALID], order[TRAIN + VALID :]


def fit_once(
    bench: Benchmark, table: pd.DataFrame, seed: int, values: dict[str, Any], pool: Executor | None
) -> tuple[LatencyPredictor, MeasuredRows, np.ndarray]:
    """Fit one predictor by the settings of the stage `train`.

    Returns:
        The predictor, its training rows, and the indices of the test rows in the table.
    """
    rows = bench.graphs.rows(table["arch_id"].tolist())
    latency = table["latency_ms"].to_numpy()
    train, valid, test = split(len(table), seed)
    known = MeasuredRows(rows[train], latency[train])
    predictor = fit_latency(
        bench.graphs,
        known,
        MeasuredRows(rows[valid], latency[valid]),
        training_config(values),
        view=values["view"],
        members=values["members"],
        bound=values["bound"],
        seed=seed,
        pool=pool,
    )
    return predictor, known, test


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print the table and return its figures."""
    values = settings("train") | ({"epochs": 10} if quick else {})
    seeds = seeds or (2 if quick else 10)
    print(__doc__)
    print(f"{seeds} seeds, {workers} processes, settings: {values}\n")
    rows = []
    with training_pool(workers) as pool:
        pool and pool.submit(int).result()  # the processes start before the clock does
        for label, device in DEVICES.items():
            for seed in range(seeds):
                rows += [
                    {"device": label, **row} for row in _seed(bench, device, seed, values, pool)
                ]
            print(f"  {label} done", flush=True)
    table = pd.DataFrame(rows)
    figures = table.drop(columns=["seed", "view"]).groupby(["device", "model"], sort=False)
    mean, spread = figures.mean(), figures.std(ddof=1)
    print(f"\nMean over {seeds} seeds ± standard deviation between them; test rows only.\n")
    print(_format(mean, spread))
    print(
        "\nView chosen:", table.dropna(subset="view").groupby(["device", "view"]).size().to_dict()
    )
    return {
        "seeds": seeds,
        "protocol": {"train": TRAIN, "valid": VALID, "test": "all others"},
        "devices": {
            device: {
                model: {
                    key: [
                        round(float(mean.loc[device, model][key]), 4),
                        round(float(spread.loc[device, model][key]), 4),
                    ]
                    for key in mean.columns
                    if np.isfinite(mean.loc[device, model][key])
                }
                for model in mean.loc[device].index
            }
            for device in DEVICES
        },
    }


def _seed(
    bench: Benchmark, device: str, seed: int, values: dict[str, Any], pool: Executor | None
) -> list[dict[str, Any]]:
    table = bench.latency(device)
    rows, latency = bench.graphs.rows(table["arch_id"].tolist()), table["latency_ms"].to_numpy()
    with stopwatch() as seconds:
        predictor, known, test = fit_once(bench, table, seed, values, pool)
    predicted = predictor.predict(bench.graphs)[rows[test]]
    shift = predictor.location - np.log(known.latency_ms).mean()
    models = {"gcn": predicted, "median": predicted * np.exp(-shift)}
    baselines = baseline_predictions(bench.graphs, bench.architectures, known)
    models |= {name: every[rows[test]] for name, every in baselines.items()}
    result = [
        {"model": name, "seed": seed, **regression_metrics(values_, latency[test])}
        for name, values_ in models.items()
    ]
    result[0] |= {"fit_s": seconds[0], "view": predictor.view}
    return result


def _format(mean: pd.DataFrame, spread: pd.DataFrame) -> str:
    shown = pd.DataFrame(index=mean.index)
    for key in ("within_1", "within_5", "within_10", "mape"):
        shown[f"{key} %"] = [
            f"{100 * m:5.1f} ± {100 * s:3.1f}" for m, s in zip(mean[key], spread[key], strict=True)
        ]
    for key in ("spearman", "kendall"):
        shown[key] = [f"{m:.4f} ± {s:.4f}" for m, s in zip(mean[key], spread[key], strict=True)]
    shown["fit s"] = [f"{s:.1f}" if np.isfinite(s) else "" for s in mean["fit_s"]]
    return shown.to_string()
