"""Search of NAS-Bench-201 for the front of accuracy and latency, on 12 devices of LatBench.

For each device and seed a latency predictor is fitted as in `python -m benchmarks constrained`, and
each sampler searches with 100 queries. Costs are the latencies of the predictor, the measured ones
of the 1,000 cells that it was fitted to, and those of 100 proposals that a search may measure
(``search.limits.source: table``, which stands for the device); all samplers use the same. *brp* is
the sampler of conf/base with several objectives, *predicted* the same without measurements,
*limits* the same with queries spread by random limits, *nsga2* is NSGA-II of pymoo, and *random*
draws functions. The pair of desktop files is nearly one measurement; the GPU of the two is left
out. Three objectives add the latency on a second device.

*Share*: hypervolume of the reported front over that of the true front, which all cells of the space
form. The front is reported from answers of single trainings and costs as above, and scored by mean
test accuracy and the latency of the file. Objectives are scaled to the range of the true front,
from its worst value of each (0) to its best (1), and the reference point is -0.1 in each: a tenth
of the range beyond the nadir. It is the headline. EvoXBench (Lu et al., arXiv 2208.04321) takes the
nadir itself, and scores all architectures of a search: *queried* is the share of all queried cells,
with none left out by noise. *Space* is the share for another reference point, the lowest accuracy
and the highest latency of the whole space, which forgives more. *Ceiling* is the share of the front
that perfect knowledge of all accuracies would report from the predicted costs: what is missing
there is the error of predicted latency.

Most of that error is in the files. Up to 275 cells have the same function, and after their dead
operations are removed the same network; the files hold another latency for each, in places half of
that of the others. The true front consists of the fastest of each. A search queries a function
once, and no prediction tells which of its cells is fast in the file.

*Ahead* counts the devices on which the shares of the seeds are greater than those of a baseline by
a paired, one-sided Wilcoxon signed-rank test, p < .01.

*Noise*: root mean square error in points of the accuracies of the members, by their mean answer and
denoised, as the front reports it; and how far their mean lies above the truth. The truth is the
mean validation accuracy of the other training seeds, because validation and test sets differ in
difficulty; members without another seed are left out.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.constrained import FIT_CODE, TWIN, fit, predictions_of
from benchmarks.data import bench, settings
from benchmarks.figures import p_value, pair
from benchmarks.rankers import ranker_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.datasets import latbench_devices
from brpnas.search import Limits, ListedPool, MetricFilter, Sampler, TableMetrics, run_search
from brpnas.search.fronts import (
    Known,
    Objectives,
    Scale,
    get_front_sampler,
    hypervolume,
    pareto_front,
    search_front,
)
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 1, 20
BUDGET = 100
DATASETS = "cifar10", "cifar100"
PHONE = "mobile-cpu-snapdragon-855-kryo-485-int8"
DSP = "mobile-dsp-snapdragon-855-hexagon-690-int8"
SAMPLERS = "brp", "nsga2", "random"
VARIANTS = "predicted", "limits"
VARIANTS_SHARE = 4
"""One in so many seeds also runs the variants of *brp*."""
MEASUREMENTS = 100
"""``search.limits.measurements``."""
POPULATION = 10
"""Population of NSGA-II."""
LEVEL = 0.01
CODE = (*SEARCH_CODE, "benchmarks/rankers.py")

FloatArray = npt.NDArray[np.float64]
Fits = dict[str, dict[str, Any]]


def latency(device: str) -> FloatArray:
    """Measured latency of every cell in ms, NaN where there is none."""
    table = bench().latency(device).set_index("arch_id")["latency_ms"]
    return table.reindex(list(bench().graphs.arch_ids)).to_numpy(np.float64)


def objectives_on(devices: list[str]) -> Objectives:
    """Accuracy, and the latency on each device; the first is the device of the task."""
    costs = ["-latency_ms", *(f"-latency_ms@{device}" for device in devices[1:])]
    return Objectives.parse(["accuracy", *costs])


class Truth:
    """The true front of accuracy and latency on devices, and the share of it that is found."""

    def __init__(self, dataset: str, devices: list[str]) -> None:
        costs = np.column_stack([latency(device) for device in devices])
        self.points = objectives_on(devices).points(bench().test(dataset), costs)
        self.is_known = ~np.isnan(costs).any(axis=1)
        known = self.points[self.is_known]
        self.front = known[pareto_front(known)]
        self.scale = Scale.of(self.front)
        self.worst = known.min(axis=0)

    def shares(self, rows: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Share of the hypervolume, beyond the nadir of the front and over the whole space."""
        found, front, worst = self.points[rows], self.front, self.worst
        share = self.scale.hypervolume(found) / self.scale.hypervolume(front)
        return share, hypervolume(found, worst) / hypervolume(front, worst)


@functools.cache
def _truth(dataset: str, *devices: str) -> Truth:
    return Truth(dataset, list(devices))


def costs_of(fits: Fits, devices: list[str], seed: int) -> tuple[dict[str, FloatArray], Known]:
    """Predicted costs of all cells, and the measured ones that the predictors were fitted to."""
    arch_ids = bench().graphs.arch_ids
    predicted, known = {}, {}
    for name, device in zip(objectives_on(devices).costs, devices, strict=True):
        fitted, true = fits[f"{device} {seed}"], latency(device)
        rows = [*fitted["train"], *fitted["valid"]]
        predicted[name] = np.array(fitted["predicted"])
        known[name] = {arch_ids[row]: float(true[row]) for row in rows}
    return predicted, known


def limits_of(fits: Fits, task: Task) -> Limits:
    """The source of the costs of a search, as the stage `search` builds it: no constraints."""
    devices, seed = task["devices"], task["seed"]
    return Limits.from_predictions(
        [],
        pd.concat([predictions_of(device, fits[f"{device} {seed}"]) for device in devices]),
        device=devices[0],
        source=task["source"],
        confidence=0.9,
        measurements=task["measurements"],
        costs=objectives_on(devices).costs,
    )


def make_sampler(task: Task, objectives: Objectives, known: Known) -> Sampler:
    """The sampler of a task."""
    name, parameters, make = task["sampler"], {}, None
    if name == "nsga2":
        parameters = {"population": POPULATION}
    elif name != "random":
        make, parameters = ranker_of(task["config"])
        parameters["spread"] = "limits" if name == "limits" else "layers"
        name = "brp"
    return get_front_sampler(name, objectives, parameters, known=known, make_ranker=make)


def search_along(fits: Fits, task: Task) -> dict[str, Any]:
    """One search, and the shares of its front."""
    dataset, devices, seed = task["dataset"], task["devices"], task["seed"]
    objectives, truth = objectives_on(devices), _truth(dataset, *devices)
    predicted, known = costs_of(fits, devices, seed)
    limits = limits_of(fits, task)
    pool = ListedPool.create(
        get_space("nasbench201"),
        bench().graphs,
        seed=seed,
        view=task["config"]["ranker"]["view"],
        limits=limits,
        answerable=truth.is_known,
        predicted=predicted,
        deviations={
            name: np.array(fits[f"{device} {seed}"]["deviations"])
            for name, device in zip(objectives.costs, devices, strict=True)
        },
    )
    sampler = make_sampler(task, objectives, known)
    oracle = bench().oracle(dataset).reseeded(seed)
    source = TableMetrics(limits.looked_up)
    metric_filter = MetricFilter(source, "latbench") if limits.measures else None
    result = run_search(
        pool, sampler, oracle, task["budget"], metric_filter=metric_filter, progress=False
    )
    front = search_front(result.history, objectives, known)
    share, space = truth.shares(pool.rows(front.select()))
    return {
        "share": share,
        "space": space,
        "queried": truth.shares(pool.rows(list(result.records.queried)))[0],
        "members": len(front.members),
        "rounds": len(front.rounds),
        "measurements": len(result.measurements),
        **noise(dataset, front.members, result.history),
    }


def noise(dataset: str, members: pd.DataFrame, history: pd.DataFrame) -> dict[str, Any]:
    """Errors in points of the members' accuracies: root mean square, and the mean error."""
    runs = bench().valid_runs(dataset).loc[members["arch_id"].tolist()]
    asked = history.dropna(subset=["seed"]).groupby("arch_id")["seed"].agg(set)
    others = [
        row.drop(labels=[int(seed) for seed in asked.get(name, ()) if seed in row]).mean()
        for name, row in runs.iterrows()
    ]
    found = {}
    for name, column in (("answers", "answer"), ("denoised", "accuracy")):
        error = 100 * (members[column].to_numpy() - np.array(others, np.float64))
        error = error[~np.isnan(error)]
        found[name] = (
            [float(np.sqrt(np.mean(error**2))), float(error.mean())] if len(error) else None
        )
    return found


def ceiling(fits: Fits, dataset: str, devices: list[str], seed: int) -> float:
    """Share of the front by true accuracy and the costs known to a search."""
    truth, objectives = _truth(dataset, *devices), objectives_on(devices)
    predicted, known = costs_of(fits, devices, seed)
    rows = np.flatnonzero(truth.is_known)
    names = [bench().graphs.arch_ids[row] for row in rows]
    costs = objectives.values(names, {n: v[rows] for n, v in predicted.items()}, known)
    mask = pareto_front(objectives.points(bench().test(dataset)[rows], costs))
    return truth.shares(rows[mask])[0]


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Shares by case and device, and their comparison."""
    config, budget, changes = search_settings(), BUDGET, {}
    devices = [device for device in latbench_devices() if device != TWIN]
    cases = [(dataset, [device]) for dataset in DATASETS for device in devices]
    cases += [(dataset, [PHONE, DSP]) for dataset in DATASETS]
    if quick:
        config, budget, changes = search_settings(rounds=3), 30, {"epochs": 5}
        cases = [("cifar10", [PHONE]), ("cifar10", [PHONE, DSP])]
    train = settings("train")
    named = sorted({device for _, each in cases for device in each})
    to_fit = [
        {"device": device, "seed": seed, "changes": changes}
        for seed in range(seeds)
        for device in named
    ]
    fits = {
        f"{done.task['device']} {done.task['seed']}": done.result
        for done in run_tasks(
            "constrained-latency", fit, to_fit, {"train": train}, workers, code=FIT_CODE
        )
    }
    tasks = [
        {"dataset": dataset, "devices": each, "sampler": sampler, "seed": seed,
         "source": "predicted" if sampler == "predicted" else "table",
         "measurements": MEASUREMENTS, "budget": budget, "config": config}
        for seed in range(seeds)
        for dataset, each in cases
        for sampler in (*SAMPLERS, *(VARIANTS if seed % VARIANTS_SHARE == 0 else []))
    ]  # fmt: skip
    search = functools.partial(search_along, fits)
    values = {"train": train, "changes": changes, "population": POPULATION}
    done = run_tasks("front", search, tasks, values, workers, code=(*CODE, fit, *_CODE))
    rows = pd.DataFrame([{**each.task, **each.result} for each in done])
    rows["case"] = ["+".join(each) for each in rows["devices"]]
    ceilings = {
        (dataset, "+".join(each)): pair([ceiling(fits, dataset, each, s) for s in range(seeds)])
        for dataset, each in cases
    }
    spent = {"seeds": seeds, "budget": budget, "measurements": MEASUREMENTS}
    return {**spent, **figures(rows, ceilings)}


_CODE = Truth, costs_of, limits_of, make_sampler, noise, predictions_of


def figures(rows: pd.DataFrame, ceilings: dict[tuple[str, str], list[float]]) -> dict[str, Any]:
    """Figures of the searches.

    Args:
        rows: One search each: its task, its result, and ``case``, the devices joined by ``+``.
        ceilings: Ceiling by data set and case.

    Returns:
        ``cases``: by number of objectives and data set, the figures of each device and those over
        all devices. ``noise``: errors of accuracies over all *brp* searches with two objectives.
    """
    count = rows["devices"].map(len) + 1
    cases = []
    for (objectives, dataset), part in rows.groupby([count, "dataset"], sort=False):
        by_device = {
            str(case): _on_device(own) | {"ceiling": ceilings[str(dataset), str(case)]}
            for case, own in part.groupby("case", sort=False)
        }
        cases.append(
            {
                "objectives": int(objectives),
                "dataset": str(dataset),
                "all": _over_devices(by_device),
                "devices": by_device,
            }
        )
    brp = rows[(rows["sampler"] == "brp") & (count == 2)]
    noises = {
        name: dict(
            zip(
                ("error", "above"),
                np.mean([v for v in brp[name] if v], axis=0).round(4).tolist(),
                strict=True,
            )
        )
        for name in ("answers", "denoised")
    }
    return {"cases": cases, "noise": noises}


def _on_device(part: pd.DataFrame) -> dict[str, Any]:
    by_seed = part.pivot_table(index="seed", columns="sampler", values="share")
    samplers = {
        str(name): {
            "searches": len(own),
            "share": pair(own["share"]),
            "space": round(float(own["space"].mean()), 4),
            "queried": round(float(own["queried"].mean()), 4),
            "members": round(float(own["members"].mean()), 1),
            "measurements": round(float(own["measurements"].mean()), 1),
        }
        for name, own in part.groupby("sampler", sort=False)
    }
    p = {
        other: p_value((by_seed["brp"] - by_seed[other]).dropna().to_numpy())
        for other in by_seed
        if other != "brp"
    }
    return {"samplers": samplers, "p": p}


def _over_devices(by_device: dict[str, Any]) -> dict[str, Any]:
    names = list(next(iter(by_device.values()))["samplers"])
    found: dict[str, Any] = {"devices": len(by_device), "samplers": {}}
    for name in names:
        each = [values["samplers"][name] for values in by_device.values()]
        shares = [values["share"][0] for values in each]
        spaces = [values["space"] for values in each]
        found["samplers"][name] = {
            "share": round(float(np.mean(shares)), 4),
            "worst": min(shares),
            "space": round(float(np.mean(spaces)), 4),
            "worst_space": min(spaces),
            "queried": round(float(np.mean([values["queried"] for values in each])), 4),
            "worst_queried": min(values["queried"] for values in each),
            "members": round(float(np.mean([values["members"] for values in each])), 1),
            "measurements": round(float(np.mean([v["measurements"] for v in each])), 1),
        }
    for other in ("nsga2", "random"):
        wins = [values["p"][other] < LEVEL for values in by_device.values()]
        found[f"ahead_of_{other}"] = sum(wins)
    both = [
        max(values["p"]["nsga2"], values["p"]["random"]) < LEVEL for values in by_device.values()
    ]
    found["ahead"] = sum(both)
    ceilings = [values["ceiling"][0] for values in by_device.values()]
    found["ceiling"], found["worst_ceiling"] = round(float(np.mean(ceilings)), 4), min(ceilings)
    return found
