"""What a pipeline needs before it starts: names that exist, constraints that read, input files.

Each check raises the one-paragraph error that a stage would otherwise raise minutes later. Only
what the pipeline uses is checked, so that `ingest` needs no search library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from brpnas.errors import BrpNasError, ConfigurationError, UnknownNameError
from pipelines.pipeline_registry import STAGES, LazyPipelines

__all__ = ["MissingInputError", "check_inputs", "check_parameters"]


class MissingInputError(BrpNasError, FileNotFoundError):
    """A pipeline reads what an earlier stage has not written yet."""


def _device(name: str, parameters: Mapping[str, Any], catalog: CatalogProtocol | None) -> None:
    from brpnas.devices import get_device, load_devices  # noqa: PLC0415

    own = _load(catalog, "measured_device")
    if name in own:
        _ask("measured", f"The device {name!r}", parameters)
        return
    published = get_device(name, load_devices() | own).source is not None
    _ask("latbench" if published else "embedded", f"The device {name!r}", parameters)


def _dataset(name: str, parameters: Mapping[str, Any], catalog: CatalogProtocol | None) -> None:
    from brpnas.datasets import DATASETS, EMBEDDED_DATASETS  # noqa: PLC0415

    if parameters["search"]["oracle"] != "table":
        return  # it need not be one with a table
    trained = _load(catalog, "trained_accuracy")
    holders = {"nasbench201": DATASETS, "embedded": EMBEDDED_DATASETS, "trained": trained}
    found = [benchmark for benchmark, names in holders.items() if name in names]
    if not found:
        raise UnknownNameError("data set", name, {n for names in holders.values() for n in names})
    asked = parameters["ingest"]["benchmarks"]
    if not set(found) & set(asked):
        _ask(found[0], f"The data set {name!r}", parameters)


def _constraints(texts: Sequence[str], *_: object) -> None:
    from brpnas.search.constraints import Constraint  # noqa: PLC0415

    for text in texts:
        Constraint.parse(text, ("latency_ms", "flops_m", "params_m"))


def _load(catalog: CatalogProtocol | None, name: str) -> Mapping[str, Any]:
    """What the user has of their own, by name; nothing without a catalog."""
    if catalog is None or name not in catalog:
        return {}
    found: Mapping[str, Any] = catalog.load(name)
    return found


def _ask(benchmark: str, subject: str, parameters: Mapping[str, Any]) -> None:
    asked = parameters["ingest"]["benchmarks"]
    if benchmark not in asked:
        raise ConfigurationError(
            f"{subject} is in the benchmark {benchmark!r}, which ingest.benchmarks leaves out: it "
            f"names {', '.join(asked)}. Add {benchmark!r} to it in "
            "conf/base/parameters_ingest.yml"
            + (", or use --env=latbench." if benchmark in ("latbench", "nasbench201") else ".")
        )


_CHECKS: dict[str, Callable[[Any, Mapping[str, Any], CatalogProtocol | None], None]] = {
    "params:device": _device,
    "params:dataset": _dataset,
    "params:constraints": _constraints,
}
_MAKES = {"params:device": "measured_device", "params:dataset": "trained_accuracy"}
"""What makes new names: a pipeline that measures or trains first may ask for what it will make."""


def check_parameters(
    pipeline: Pipeline, parameters: Mapping[str, Any], catalog: CatalogProtocol | None = None
) -> None:
    """Check the names that the pipeline's parameters refer to.

    Args:
        pipeline: What is to run; only what it uses is checked.
        parameters: All parameters.
        catalog: Where devices and data sets of the user's own are looked up.

    Raises:
        UnknownNameError: If there is no such device or data set.
        ConfigurationError: If it is in a benchmark that `ingest` does not read.
        ConstraintError: If a constraint cannot be read.
    """
    used = pipeline.inputs()
    made = pipeline.all_outputs()
    for name, check in _CHECKS.items():
        if name in used and _MAKES.get(name) not in made:
            check(parameters[name.removeprefix("params:")], parameters, catalog)


def check_inputs(pipeline: Pipeline, catalog: CatalogProtocol) -> None:
    """Check that every input that the pipeline does not make itself is there.

    Raises:
        MissingInputError: If one is not; names the stage that makes it.
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
    """Stages that write these data sets; no stage after the last of them is imported."""
    wanted, makers, stages = set(names), [], LazyPipelines()
    for stage in STAGES:
        if made := stages[stage].all_outputs() & wanted:
            makers.append(stage)
            wanted -= made
        if not wanted:
            break
    return makers
