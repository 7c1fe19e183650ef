"""Candidates: networks that are really trained, on the user's own images.

`train_candidates` trains many, on any engine of `brpnas.fanout`, and can be interrupted;
`train_candidate` trains one. `ImageSource` says on what, `CandidateConfig` how. `TrainOracle`
answers the queries of a search with them, and keeps each network as a `TrainedNetworkFile`.

Each name is imported when it is first asked for: to read images needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.candidates.batch import (
        Candidate,
        CandidateRun,
        accuracy_table,
        run_candidates,
        store_name,
        stored_candidates,
        train_candidates,
    )
    from brpnas.candidates.evaluation import network_evaluation, score_file
    from brpnas.candidates.export import export_trained
    from brpnas.candidates.images import DIGITS, ImageData, ImageSource
    from brpnas.candidates.oracle import TrainOracle
    from brpnas.candidates.report import candidates_report, never_recognised, summary
    from brpnas.candidates.scores import ClassScores, Metric, class_scores
    from brpnas.candidates.training import (
        CandidateConfig,
        TrainedCandidate,
        final_data,
        network_config,
        train_candidate,
    )
    from brpnas.candidates.weights import TrainedNetworkFile

__all__ = [
    "DIGITS",
    "Candidate",
    "CandidateConfig",
    "CandidateRun",
    "ClassScores",
    "ImageData",
    "ImageSource",
    "Metric",
    "TrainOracle",
    "TrainedCandidate",
    "TrainedNetworkFile",
    "accuracy_table",
    "candidates_report",
    "class_scores",
    "export_trained",
    "final_data",
    "network_config",
    "network_evaluation",
    "never_recognised",
    "run_candidates",
    "score_file",
    "store_name",
    "stored_candidates",
    "summary",
    "train_candidate",
    "train_candidates",
]

__getattr__, __dir__ = front_door(
    __name__,
    {
        "batch": (
            "Candidate",
            "CandidateRun",
            "accuracy_table",
            "run_candidates",
            "store_name",
            "stored_candidates",
            "train_candidates",
        ),
        "evaluation": (
            "network_evaluation",
            "score_file",
        ),
        "export": ("export_trained",),
        "images": (
            "DIGITS",
            "ImageData",
            "ImageSource",
        ),
        "oracle": ("TrainOracle",),
        "report": (
            "candidates_report",
            "never_recognised",
            "summary",
        ),
        "scores": (
            "ClassScores",
            "Metric",
            "class_scores",
        ),
        "training": (
            "CandidateConfig",
            "TrainedCandidate",
            "final_data",
            "network_config",
            "train_candidate",
        ),
        "weights": ("TrainedNetworkFile",),
    },
)
