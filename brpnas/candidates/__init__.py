"""Networks trained on the user's images.

`train_jobs` runs many jobs on any engine of `brpnas.fanout` and resumes after an interruption;
`train_architecture` trains one network. `ImageSource` names the images, `JobConfig` the training.
`TrainOracle` answers the queries of a search and keeps each network as a `TrainedNetworkFile`.

Names are imported on first use: reading images needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.candidates.batch import (
        JobRecord,
        TrainingJob,
        accuracy_table,
        run_jobs,
        store_name,
        stored_records,
        train_jobs,
    )
    from brpnas.candidates.checkpoints import Checkpoint, Checkpoints
    from brpnas.candidates.curves import curve_table
    from brpnas.candidates.evaluation import (
        calibration_images,
        check_images,
        held_out_batches,
        network_evaluation,
        score_file,
        score_logits,
    )
    from brpnas.candidates.export import export_trained
    from brpnas.candidates.images import DIGITS, ImageData, ImageSource
    from brpnas.candidates.oracle import TrainOracle
    from brpnas.candidates.report import never_recognised, summary, training_report
    from brpnas.candidates.scores import ClassScores, Metric, class_scores
    from brpnas.candidates.training import (
        JobConfig,
        JobResult,
        final_data,
        network_config,
        train_architecture,
    )
    from brpnas.candidates.weights import TrainedNetworkFile

__all__ = [
    "DIGITS",
    "Checkpoint",
    "Checkpoints",
    "ClassScores",
    "ImageData",
    "ImageSource",
    "JobConfig",
    "JobRecord",
    "JobResult",
    "Metric",
    "TrainOracle",
    "TrainedNetworkFile",
    "TrainingJob",
    "accuracy_table",
    "calibration_images",
    "check_images",
    "class_scores",
    "curve_table",
    "export_trained",
    "final_data",
    "held_out_batches",
    "network_config",
    "network_evaluation",
    "never_recognised",
    "run_jobs",
    "score_file",
    "score_logits",
    "store_name",
    "stored_records",
    "summary",
    "train_architecture",
    "train_jobs",
    "training_report",
]

__getattr__, __dir__ = front_door(__name__, __file__)
