"""The registry: every stage by its name, and `__default__` for those that follow one another.

`PRODUCERS` make tables that others may read, by hours of work on a device: they run when they are
asked for, never as part of the rest.

A stage is imported when it is asked for, so that `kedro run --pipeline=ingest` needs only what
ingest needs. (Kedro's `find_pipelines` sees nothing where the pipelines package is the project.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from kedro.pipeline import Pipeline

__all__ = ["PRODUCERS", "STAGES", "LazyPipelines", "register_pipelines"]

STAGES: tuple[str, ...] = ("ingest", "featurise", "train", "search", "evaluate", "export")
"""Names of the stages in the order in which they run."""

PRODUCERS: tuple[str, ...] = ("measure", "train_candidates")
"""Names of the stages that run beside them: latency of a device, accuracy on a data set."""


class LazyPipelines(Mapping[str, Pipeline]):
    """Pipelines by name, each imported when it is first looked up.

    Not a `dict`: copying a `dict` would bypass `__getitem__`.
    """

    def __getitem__(self, name: str) -> Pipeline:
        """Build one stage, or for ``__default__`` all but the producers."""
        if name == "__default__":
            return sum((self[stage] for stage in STAGES), Pipeline([]))
        if name not in (*STAGES, *PRODUCERS):
            raise KeyError(name)
        pipeline: Pipeline = import_module(f"pipelines.{name}").create_pipeline()
        return pipeline

    def __iter__(self) -> Iterator[str]:
        return iter(("__default__", *STAGES, *PRODUCERS))

    def __len__(self) -> int:
        return len(STAGES) + len(PRODUCERS) + 1


def register_pipelines() -> Mapping[str, Pipeline]:
    """Return the registry; called by Kedro."""
    return LazyPipelines()
