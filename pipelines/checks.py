"""What a pipeline needs before it starts: names that exist, constraints that read, input files.

Each check raises the one-paragraph error that a stage would otherwise raise minutes later. Only
what the pipeline uses is checked, so that `ingest` needs no search library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from brpnas.errors import BrpNasError, UnknownNameError
from pipelines.pipeline_registry import STAGES, LazyPipelines

__all__ = ["MissingInputError", "check_inputs", "check_parameters"]


class MissingInputError(BrpNasError, FileNotFoundError):
    """A pipeline reads what an earlier stage has not written yet."""


def _device(name: str) -> None:
    from brpnas.devices import get_device  # noqa: PLC0415

    get_device(name)


def _dataset(name: str) -> None:
    from brpnas.datasets.nasbench201 import DATASETS  # noqa: PLC0415

    if name not in DATASETS:
        raise UnknownNameError("data set", name, DATASETS)


def _constraints(texts: Sequence[str]) -> None:
    from brpnas.search.constraints import Constraint  # noqa: PLC0415

    for text in texts:
        Constraint.parse(text, ("latency_ms", "flops_m", "params_m"))


_CHECKS: dict[str, Callable[[Any], None]] = {
    "params:device": _device,
    "params:dataset": _dataset,
    "params:constraints": _constraints,
}


def check_parameters(pipeline: Pipeline, parameters: Mapping[str, Any]) -> None:
    """Check the names that the pipeline's parameters refer to.

    Raises:
        UnknownNameError: If there is no such device or data set.
        ConstraintError: If a constraint cannot be read.
    """
    used = pipeline.inputs()
    for name, check in _CHECKS.items():
        if name in used:
            check(parameters[name.removeprefix("params:")])


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
