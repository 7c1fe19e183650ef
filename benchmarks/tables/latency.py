"""Latency: predictors on LatBench, new devices, this machine."""

from __future__ import annotations

from benchmarks.tables.markdown import Result, markdown, spread

__all__ = [
    "adapt",
    "conformal",
    "fbnet",
    "fbnet_new",
    "latency",
    "measure",
    "reference",
    "shipped",
    "transfers",
]

_MODELS = {
    "gcn": "GCN",
    "edge_linear": "linear per edge",
    "layerwise_scaled": "layer-wise sum, times one fitted factor",
    "layerwise": "layer-wise sum, nothing fitted",
    "flops": "FLOPs",
    "params": "parameters",
}
_BASELINES = ("edge_linear", "flops", "params")
_BOUNDS = ("within_10", "within_5")


def latency(result: Result) -> str:
    """Share within the bounds per device, ours beside the baselines."""
    rows = [
        [
            device,
            *(spread(models["gcn"][bound], 1, 100) for bound in _BOUNDS),
            spread(models["median"]["within_10"], 1, 100),
            spread(models["gcn"]["spearman"], 4),
            f"{models['gcn']['fit_s'][0]:.0f}",
            *(
                " / ".join(f"{100 * models[name][bound][0]:.1f}" for bound in _BOUNDS)
                + f" / {models[name]['spearman'][0]:.3f}"
                for name in _BASELINES
            ),
        ]
        for device, models in result["devices"].items()
    ]
    header = ["device", "GCN: ±10 %", "±5 %", "±10 % without scaling", "Spearman", "fit, s"]
    header += [f"{_MODELS[name]}: ±10 % / ±5 % / Spearman" for name in _BASELINES]
    return markdown(header, rows)


def reference(result: Result) -> str:
    """The published recipe of the latency predictor on the same rows."""
    rows = [
        [
            device,
            *(spread(values[bound], 1, 100) for bound in _BOUNDS),
            spread(values["spearman"], 4),
            f"{values['fit_s'][0]:.0f}",
        ]
        for device, values in result["devices"].items()
    ]
    return markdown(["device", "±10 %", "±5 %", "Spearman", "fit, s"], rows)


def fbnet(result: Result) -> str:
    """The predictor on FBNet beside a sum over blocks, and the drift of each machine."""
    rows = [
        [
            device.removeprefix("fbnet-"),
            *(spread(values["gcn"][bound], 1, 100) for bound in _BOUNDS),
            spread(values["gcn"]["spearman"], 4),
            spread(values["sum"]["spearman"], 4),
            f"{values['all_rows']:.4f}",
            f"{values['drift']:.2f}",
        ]
        for device, values in result["devices"].items()
    ]
    header = ["device", "±10 %", "±5 %", "Spearman", "Spearman of the sum", "of the sum, all rows"]
    return markdown([*header, "drift"], rows)


def fbnet_new(result: Result) -> str:
    """A new device with FBNet networks: suggested and random rows."""
    devices = result["devices"] | {"mean of the five not rounded": result["mean"]}
    rows = [
        [
            device.removeprefix("fbnet-"),
            *(spread(values[how]["spearman"], 3) for how in ("suggested", "random")),
            *(spread(values[how]["within_10"], 1, 100) for how in ("suggested", "random")),
            spread(values["suggested"]["coverage"], 1, 100),
        ]
        for device, values in devices.items()
    ]
    header = ["device", "Spearman, suggested", "random", "±10 %, suggested", "random"]
    return markdown([*header, "inside the 90 % interval, suggested, %"], rows)


def adapt(result: Result) -> str:
    """A new device from few rows: bounds, rank correlation and coverage of the intervals."""
    rows = [
        [
            name,
            spread(values["spearman"], 3),
            spread(values["within_10"], 1, 100),
            spread(values["coverage"], 1, 100),
        ]
        for name, values in result["tables"].items()
    ]
    return markdown(["devices, rows", "Spearman", "±10 %", "inside the 90 % interval, %"], rows)


def transfers(result: Result) -> str:
    """Few rows of a device, with a prior of named source devices."""
    rows = [
        [
            name,
            spread(values["spearman"], 3),
            spread(values["spearman_first"], 3),
            spread(values["within_10"], 1, 100),
            spread(values["coverage"], 1, 100),
        ]
        for name, values in result["transfers"].items()
    ]
    header = ["task, rows", "Spearman", "of the first 128", "±10 %"]
    return markdown([*header, "inside the 90 % interval, %"], rows)


def conformal(result: Result) -> str:
    """Conformal ratio after adapting to few rows, and the share of cells within its bound."""
    keys = ("coverage", "feasible", "without_ratio", "admitted")
    rows = [
        [
            name,
            spread(values["ratio"]),
            *(spread(values[key]) for key in keys),
            f"{values['empty']:.0%}",
        ]
        for name, values in result["tables"].items()
    ]
    header = ["device, rows", "ratio", "share of all cells within it"]
    header += ["admitted cells within the limit", "without the ratio", "cells admitted"]
    header += ["draws without any"]
    return markdown(header, rows)


def measure(result: Result) -> str:
    """Models of the latency of this machine."""
    models = result["predictors"]["models"]
    rows = [
        [
            label,
            spread(models[name]["within_10"], 1, 100),
            spread(models[name]["spearman"], 4 if name == "gcn" else 3),
        ]
        for name, label in _MODELS.items()
    ]
    return markdown(["model", "±10 %", "Spearman"], rows)


def shipped(devices: Result) -> str:
    """Latencies that ship, from the facts of the datasheet."""
    rows = [
        [f"`{name}`", f"{found['cells']:,}", f"{found['latency_ms']['median']:.2f}"]
        for name, found in devices.items()
    ]
    return markdown(["device", "cells", "latency, ms: median"], rows)
