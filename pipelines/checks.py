"""Checks before a pipeline starts: names, constraints, input files.

The latency file of the owner of the run's device is read too: if it is refused, the run stops
before it writes anything.

Each check raises the one-paragraph error of a stage minutes earlier. Only names and files of the
pipeline are checked: `ingest` needs no search library.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from brpnas.errors import BrpNasError, ConfigurationError, UnknownNameError
from pipelines.config import BENCHMARK_SPACES
from pipelines.pipeline_registry import STAGES, LazyPipelines

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MissingInputError", "check_inputs", "check_parameters"]

_log = logging.getLogger(__name__)

_ENVIRONMENTS = {"latbench": "latbench", "nasbench201": "latbench", "fbnet": "fbnet"}
"""Environment that reads a benchmark."""


class MissingInputError(BrpNasError, FileNotFoundError):
    """A pipeline reads an output of an earlier stage before the stage has written it."""


def _device(name: str, parameters: Mapping[str, Any], catalog: CatalogProtocol | None) -> None:
    from brpnas.datasets import load_catalogue  # noqa: PLC0415
    from brpnas.devices import load_devices  # noqa: PLC0415

    holders: dict[str, set[str]] = {
        "devices": set(_load(catalog, "device_files")),
        "measured": set(_load(catalog, "measured_devices")),
    }
    published = load_catalogue()
    for device in load_devices().values():
        benchmark = published[device.source].group if device.source else "embedded"
        holders.setdefault(benchmark, set()).add(device.name)
    _held("device", name, holders, parameters)


def _space(name: str, *_: object) -> None:
    """Import the space: an unreadable file is an error at once."""
    from brpnas.spaces import get_space  # noqa: PLC0415

    get_space(name)


def _ingest(
    ingest: Mapping[str, Any], parameters: Mapping[str, Any], catalog: CatalogProtocol | None
) -> None:
    space = parameters["space"]
    for benchmark in ingest["benchmarks"]:
        if BENCHMARK_SPACES.get(benchmark, space) != space:
            fitting = [name for name, of in BENCHMARK_SPACES.items() if of == space]
            raise ConfigurationError(
                f"The benchmark {benchmark!r} is of the space {BENCHMARK_SPACES[benchmark]!r}, but "
                f"`space` is {space!r}. Leave it out of ingest.benchmarks, where measured, "
                f"devices, trained{''.join(f', {name}' for name in fitting)} fit, or set `space`."
            )
    _device_file(parameters, catalog)


def _device_file(
    parameters: Mapping[str, Any], catalog: CatalogProtocol | None
) -> pd.DataFrame | None:
    """Read the latency file of the run's device: if it is refused, nothing is written.

    Files of other devices are not checked: `ingest` skips refused ones with a warning.

    Returns:
        Its table; None if `ingest` reads none.
    """
    files, device = _load(catalog, "device_files"), parameters["device"]
    if "devices" not in parameters["ingest"]["benchmarks"] or device not in files:
        return None
    limits = parameters["retrain"]
    table: pd.DataFrame = files[device](
        space=parameters["space"], least=limits["least_rows"], unit_check=limits["unit_check"]
    ).table
    return table


def _dataset(name: str, parameters: Mapping[str, Any], catalog: CatalogProtocol | None) -> None:
    from brpnas.datasets import DATASETS, EMBEDDED_DATASETS  # noqa: PLC0415

    oracle = parameters["search"]["oracle"]["name"]
    if oracle == "surrogate":
        _surrogate(name, parameters)
    if oracle != "table":
        return  # it may have no table
    trained = _load(catalog, "trained_accuracy")
    holders = {
        "nasbench201": DATASETS,
        "embedded": EMBEDDED_DATASETS,
        "nasbench101": ("cifar10",),
        "trained": trained,
    }
    _held("data set", name, holders, parameters)


def _surrogate(dataset: str, parameters: Mapping[str, Any]) -> None:
    """The only surrogate predicts CIFAR-10 accuracies in DARTS."""
    space, asked = parameters["space"], parameters["ingest"]["benchmarks"]
    if space != "darts" or dataset != "cifar10" or "nasbench301" not in asked:
        raise ConfigurationError(
            "search.oracle.name is 'surrogate', and the only one, NAS-Bench-301, answers for "
            "`space` darts, `dataset` cifar10 and ingest.benchmarks with nasbench301; they are "
            f"{space!r}, {dataset!r} and {', '.join(asked)}. See --env=darts."
        )


def _constraints(texts: Sequence[str], parameters: Mapping[str, Any], *_: object) -> None:
    from brpnas.search.fronts import Objectives  # noqa: PLC0415
    from brpnas.search.limits import Limits  # noqa: PLC0415
    from pipelines.limited import check_sources  # noqa: PLC0415

    device = parameters["device"]
    costs = Objectives.parse(parameters["objectives"], device).costs
    limits = Limits.parse(texts, device=device, costs=costs)
    check_sources(limits, parameters["search"]["limits"]["source"], device)
    for constraint in limits.constraints:
        needed = sorted({name for name, _ in constraint.terms} & {"flops_m", "params_m"})
        if needed and _lacks_cost(parameters["space"]):
            raise ConfigurationError(
                f"{constraint.text!r} in `constraints` needs {' and '.join(needed)}, but the space "
                f"{parameters['space']!r} has no cost of its networks: write its method `cost` "
                "(docs/spaces.md), or limit latency_ms."
            )


def _lacks_cost(name: str) -> bool:
    """Whether a space lacks the cost of its networks."""
    import numpy as np  # noqa: PLC0415

    from brpnas.spaces import get_space  # noqa: PLC0415

    space = get_space(name)
    return bool(np.isnan(space.cost(space.sample(np.random.default_rng(0), 1))[1]).any())


def _export(
    export: Mapping[str, Any], parameters: Mapping[str, Any], catalog: CatalogProtocol | None
) -> None:
    """Refuse a network that cannot be deployed, before it is searched for."""
    from brpnas.devices import load_devices  # noqa: PLC0415

    name = parameters["device"]
    entry = _load(catalog, "measured_devices").get(name) or load_devices().get(name)
    runtime = entry.runtime if entry else None
    plain = export["runtime"] in {None, "onnxruntime"} and export["precision"] == "fp32"
    usual = (runtime or _USUAL).startswith(_USUAL) or export["runtime"] is not None
    if plain and usual and parameters["timing"]["runtime"] == "onnxruntime":
        return  # the rest imports torch
    from pipelines.deployment import check_deployment  # noqa: PLC0415

    check_deployment(parameters, runtime)


def _search(
    search: Mapping[str, Any], parameters: Mapping[str, Any], catalog: CatalogProtocol | None
) -> None:
    """Settings for networks trained by the search, without training; a prior without effect."""
    _export(parameters["export"], parameters, catalog)
    sampler, oracle = search["sampler"], search["oracle"]
    has_prior = sampler["name"] == "brp" and sampler["flops_prior"] > 0
    if has_prior and _lacks_cost(parameters["space"]):
        _log.warning(
            "search.sampler.flops_prior is %d, but has no effect: the space %r does not know the "
            "multiply-adds of its networks. Write its method `cost` (docs/spaces.md), or set "
            "search.sampler.flops_prior to 0.",
            *(sampler["flops_prior"], parameters["space"]),
        )
    if oracle["name"] == "train":
        return
    final, metric, stops = oracle["final_training"], oracle["metric"], search["early_stopping"]
    for name, value, wanted, instead in (
        ("search.oracle.final_training", final, final is True, "auto or false"),
        ("search.oracle.metric", metric, metric != "accuracy", "accuracy"),
        ("search.early_stopping", stops, stops, "false"),
    ):
        if wanted:
            raise ConfigurationError(
                f"{name} is {value!r}, which needs a search that trains networks, but "
                f"search.oracle.name is {oracle['name']!r}, which trains none. Set {name} to "
                f"{instead}, or search.oracle.name to train."
            )


def _sizes(parameters: Mapping[str, Any], catalog: CatalogProtocol | None) -> None:
    """Refuse trainings and measurements of networks of another size than the device's latencies.

    The search would refuse them too, after `train`.
    """
    from pipelines.limited import spending  # noqa: PLC0415

    search = parameters["search"]
    if not spending(search["oracle"]["name"], search["limits"]):
        return  # the rest imports the tables' checks
    from brpnas.datasets import stated_size  # noqa: PLC0415
    from pipelines.config import SearchConfig, parse  # noqa: PLC0415
    from pipelines.latency_size import check_latency_size  # noqa: PLC0415
    from pipelines.network import network_config  # noqa: PLC0415
    from pipelines.sizes import size_of_latencies  # noqa: PLC0415

    device, table = parameters["device"], _device_file(parameters, catalog)
    stated = None if table is None else stated_size(table)
    measured, space = _load(catalog, "measured_devices"), parameters["space"]
    known = size_of_latencies(device, stated, measured, space)
    network = network_config(parameters["network"])
    check_latency_size(parse(SearchConfig, search), network, device, known)


def _prior(space: str, catalog: CatalogProtocol | None) -> None:
    """Refuse to adapt a device in a space without a prior, of the project or of the package."""
    from brpnas.predictors.transfer.shipped import has_shipped_prior  # noqa: PLC0415
    from pipelines.datasets import DevicePriorDataset  # noqa: PLC0415

    own = None if catalog is None else catalog.get("device_prior")
    if has_shipped_prior(space) or (isinstance(own, DevicePriorDataset) and own.is_own):
        return
    raise ConfigurationError(
        f"retrain needs a prior of known devices, and none ships for the space {space!r}. Learn "
        "one from the tables of two devices or more: kedro run "
        "--pipelines=ingest,featurise,pretrain. Or learn the device from its own measurements: "
        "kedro run --pipelines=measure,ingest,featurise,train (docs/other_spaces.md)."
    )


def _member(pipeline: Pipeline, parameters: Mapping[str, Any], catalog: CatalogProtocol) -> None:
    """Refuse an unknown member of the front; of a search still to come only its number is open."""
    from pipelines.members import member_number  # noqa: PLC0415

    member = parameters["export"]["member"]
    if member is None:
        return
    if "search_result" not in pipeline.inputs():
        if len(parameters["objectives"]) == 1:
            raise ConfigurationError(
                f"export.member is {member!r}, a member of a front, and `objectives` is accuracy "
                "alone: set export.member to null, or several objectives."
            )
    elif catalog.exists("search_result"):
        member_number(catalog.load("search_result"), member)


def _load(catalog: CatalogProtocol | None, name: str) -> Mapping[str, Any]:
    """The user's own devices or data sets, by name; empty without a catalog."""
    if catalog is None or name not in catalog:
        return {}
    found: Mapping[str, Any] = catalog.load(name)
    return found


def _held(
    kind: str, name: str, holders: Mapping[str, Collection[str]], parameters: Mapping[str, Any]
) -> None:
    """Check that a configured benchmark holds a name."""
    space = parameters["space"]
    holders = {b: names for b, names in holders.items() if BENCHMARK_SPACES.get(b, space) == space}
    found = [benchmark for benchmark, names in holders.items() if name in names]
    if not found:
        raise UnknownNameError(kind, name, {n for names in holders.values() for n in names})
    asked, benchmark = parameters["ingest"]["benchmarks"], found[0]
    if not set(found) & set(asked):
        raise ConfigurationError(
            f"The {kind} {name!r} is in the benchmark {benchmark!r}, which ingest.benchmarks "
            f"leaves out: it names {', '.join(asked)}. Add {benchmark!r} to it"
            + (f", or use --env={_ENVIRONMENTS[benchmark]}." if benchmark in _ENVIRONMENTS else ".")
        )


_CHECKS: dict[str, Callable[[Any, Mapping[str, Any], CatalogProtocol | None], None]] = {
    "params:ingest": _ingest,
    "params:device": _device,
    "params:dataset": _dataset,
    "params:constraints": _constraints,
    "params:search": _search,
    "params:export": _export,
}
_USUAL = "ONNX Runtime"
_MAKES = {"params:device": "measured_devices", "params:dataset": "trained_accuracy"}
"""Outputs with new names: a pipeline making one of them may use its name before it exists."""


def check_parameters(
    pipeline: Pipeline, parameters: Mapping[str, Any], catalog: CatalogProtocol | None = None
) -> None:
    """Check the names in the pipeline's parameters.

    Args:
        pipeline: The pipeline; only its parameters are checked.
        parameters: All parameters.
        catalog: Holds the user's own devices and data sets.

    Raises:
        UnknownNameError: If a space, device or data set is unknown.
        ConfigurationError: If `ingest` does not read its benchmark, or it is of another space; if
            the file of a space is unreadable; if export.member is not on the front; if a search
            would train or measure networks of another size than the latencies of the device.
        ConstraintError: If a constraint is malformed.
        IntakeError: If the latency file of the device is refused.
    """
    used = pipeline.inputs()
    made = pipeline.all_outputs()
    _space(parameters["space"])  # files of a user's own space load only after it is opened
    if "adapt_device" in {node.name for node in pipeline.nodes} and "device_prior" not in made:
        _prior(parameters["space"], catalog)
    for name, check in _CHECKS.items():
        if name == "params:device" and "latency" not in pipeline.datasets():
            continue  # `retrain` reads the device's own file, and raises its own error
        if name in used and _MAKES.get(name) not in made:
            check(parameters[name.removeprefix("params:")], parameters, catalog)
    if {"latency", "search_result"} <= made and "measured_devices" not in made:
        _sizes(parameters, catalog)
    if "exported_architecture" in made and catalog is not None:
        _member(pipeline, parameters, catalog)


def check_inputs(pipeline: Pipeline, catalog: CatalogProtocol) -> None:
    """Check that every input from outside the pipeline exists.

    Raises:
        MissingInputError: If one is missing; names the stage to run.
    """
    names = [name for name in pipeline.inputs() if not name.startswith(("params:", "parameters"))]
    missing = sorted(name for name in names if not catalog.exists(name))
    if not missing:
        return
    raise MissingInputError(
        f"{', '.join(missing)}: this pipeline reads them, but they have not been written yet. "
        f"Run `kedro run --pipelines={','.join(_makers(missing))}` first, in the same environment, "
        "or `dvc repro`, which runs all that is missing."
    )


def _makers(names: Iterable[str]) -> list[str]:
    """Stages writing these data sets; no stage after the last of them is imported."""
    wanted, makers, stages = set(names), [], LazyPipelines()
    for stage in STAGES:
        if made := stages[stage].all_outputs() & wanted:
            makers.append(stage)
            wanted -= made
        if not wanted:
            break
    return makers
