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
from tqdm import tqdm

from benchmarks.data import bench, settings, stopwatch, training_config
from benchmarks.figures import by_group
from brpnas.metrics import regression_metrics
from brpnas.predictors import MeasuredRows, MetricPredictor, fit_metric, training_pool
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

SEEDS = 2, 10
TRAIN, VALID = 900, 100
METRICS = ("within_1", "within_5", "within_10", "spearman", "kendall", "mape")


def split(
    rows: int, seed: int, train: int = TRAIN, valid: int = VALID
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of training, validation and test rows."""
    order = np.random.default_rng(seed).permutation(rows)
    return order[:train], order[train : train + valid], order[train + valid :]


def fit_once(
    table: pd.DataFrame,
    parts: tuple[np.ndarray, np.ndarray, np.ndarray],
    seed: int,
    values: dict[str, Any],
    pool: Executor | None,
) -> MetricPredictor:
    """Fit one predictor by the settings of the stage `train`, to the parts of `split`."""
    rows = bench().graphs.rows(table["arch_id"].tolist())
    latency = table["latency_ms"].to_numpy(np.float64)
    train, valid = (MeasuredRows(rows[part], latency[part]) for part in parts[:2])
    return fit_metric(
        bench().graphs,
        train,
        valid,
        training_config(values),
        view=values["view"],
        members=values["members"],
        bound=values["bound"],
        seed=seed,
        pool=pool,
    )


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of each model by device."""
    values = settings("train") | ({"epochs": 10} if quick else {})
    rows = []
    with training_pool(workers) as pool:
        pool and pool.submit(int).result()  # the processes start before the clock does
        for label, device in tqdm(DEVICES.items(), unit="device"):
            for seed in range(seeds):
                rows += [{"device": label, **row} for row in _seed(device, seed, values, pool)]
    table = pd.DataFrame(rows)
    return {
        "seeds": seeds,
        "protocol": {"train": TRAIN, "valid": VALID, "test": "all others"},
        "devices": {
            str(device): by_group(part, "model", [*METRICS, "fit_s"])
            for device, part in table.groupby("device", sort=False)
        },
    }


def _seed(
    device: str, seed: int, values: dict[str, Any], pool: Executor | None
) -> list[dict[str, Any]]:
    table, graphs = bench().latency(device), bench().graphs
    rows, latency = graphs.rows(table["arch_id"].tolist()), table["latency_ms"].to_numpy()
    train, valid, test = split(len(table), seed)
    with stopwatch() as seconds:
        predictor = fit_once(table, (train, valid, test), seed, values, pool)
    known = MeasuredRows(rows[train], latency[train])
    predicted = predictor.predict(graphs)[rows[test]]
    shift = predictor.location - np.log(known.values).mean()
    models = {"gcn": predicted, "median": predicted * np.exp(-shift)}
    baselines = baseline_predictions(graphs, bench().architectures, known)
    models |= {name: every[rows[test]] for name, every in baselines.items()}
    result = [
        {"model": name, **regression_metrics(values_, latency[test])}
        for name, values_ in models.items()
    ]
    result[0] |= {"fit_s": seconds[0]}
    return result
