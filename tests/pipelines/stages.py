"""The nodes of a stage without a catalog: each runs when one of its outputs is asked for."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Pipeline

__all__ = ["Stage"]


class Stage:
    """Data sets of a stage by name; a missing one comes from its node.

    Args:
        pipeline: The stage.
        data: Its inputs, and outputs that are known already.
    """

    def __init__(self, pipeline: Pipeline, data: dict[str, Any]) -> None:
        self.data = dict(data)
        self._producers = {name: node for node in pipeline.nodes for name in node.outputs}

    def __getitem__(self, name: str) -> Any:
        if name not in self.data:
            node = self._producers[name]
            made = node.func(*[self[each] for each in node.inputs])
            outputs = [made] if len(node.outputs) == 1 else made
            self.data |= dict(zip(node.outputs, outputs, strict=True))
        return self.data[name]
