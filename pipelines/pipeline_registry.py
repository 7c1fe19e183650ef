"""The registry: every stage by its name, and `__default__` for the main sequence of stages.

`PRODUCERS` make inputs for other stages, by hours of work on a device; `DELIVERERS` change the
model registry. Both run only by name, never as part of `__default__`.

A stage is imported on first use: `kedro run --pipeline=ingest` only needs the libraries of
`ingest`. (Kedro's `find_pipelines` finds nothing if the pipelines package is the project.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from kedro.pipeline import Pipeline

__all__ = ["DELIVERERS", "ON_REQUEST", "PRODUCERS", "STAGES", "LazyPipelines", "register_pipelines"]

STAGES: tuple[str, ...] = ("ingest", "featurise", "train", "search", "export", "evaluate")
"""Names of the stages in order of execution."""

PRODUCERS: tuple[str, ...] = ("measure", "train_candidates", "pretrain")
"""Names of the producing stages: latency of a device, accuracy on a data set, prior for new
devices."""

DELIVERERS: tuple[str, ...] = ("retrain", "promote")
"""Names of the stages with results in the model registry: from a device's table to its challenger,
and from exported predictors to challengers and champions."""

ON_REQUEST: tuple[str, ...] = (*PRODUCERS, *DELIVERERS)
"""Names of all stages that run only by name."""


class LazyPipelines(Mapping[str, Pipeline]):
    """Pipelines by name, each imported when it is first looked up.

    Not a `dict`: copying a `dict` would bypass `__getitem__`.
    """

    def __getitem__(self, name: str) -> Pipeline:
        """Build one stage, or for ``__default__`` the main sequence of stages."""
        if name == "__default__":
            return sum((self[stage] for stage in STAGES), Pipeline([]))
        if name not in (*STAGES, *ON_REQUEST):
            raise KeyError(name)
        pipeline: Pipeline = import_module(f"pipelines.{name}").create_pipeline()
        return pipeline

    def __iter__(self) -> Iterator[str]:
        return iter(("__default__", *STAGES, *ON_REQUEST))

    def __len__(self) -> int:
        return len(STAGES) + len(ON_REQUEST) + 1


def register_pipelines() -> Mapping[str, Pipeline]:
    """Return the registry; called by Kedro."""
    return LazyPipelines()
