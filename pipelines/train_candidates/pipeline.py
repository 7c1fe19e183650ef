"""Wiring of the stage `train_candidates`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from pipelines.deferred import functions_of

__all__ = ["create_pipeline"]

_nodes = functions_of("pipelines.train_candidates.nodes")


def create_pipeline() -> Pipeline:
    """From parameters to accuracies and learning curves of a data set, and a report."""
    return Pipeline(
        [
            node(
                _nodes.train_cells,
                inputs=[
                    "training_store",
                    "params:space",
                    "params:network",
                    "params:images",
                    "params:train_candidates",
                    "params:network_training",
                ],
                outputs=["trained_accuracy", "trained_curves", "train_candidates_report"],
                name="train_cells",
            )
        ]
    )
