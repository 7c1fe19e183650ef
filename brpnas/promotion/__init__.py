"""Whether a new model replaces the registered one.

`decide` compares two `EvaluatedModel`, the challenger and the champion, on the same test rows and
under `Gates`. It returns a `Decision` with its reasons and figures. `paired_bootstrap` is the
comparison alone. `describe_data_drift` lists the changes of a latency table since the champion was
made. Nothing here depends on a registry.
"""

from brpnas.promotion.bootstrap import Difference, Statistic, paired_bootstrap
from brpnas.promotion.data_drift import data_drift_sentences, describe_data_drift
from brpnas.promotion.decide import decide
from brpnas.promotion.decision import Decision, Verdict
from brpnas.promotion.evaluated import EvaluatedModel, check_rows
from brpnas.promotion.gates import Gates, Kind

__all__ = [
    "Decision",
    "Difference",
    "EvaluatedModel",
    "Gates",
    "Kind",
    "Statistic",
    "Verdict",
    "check_rows",
    "data_drift_sentences",
    "decide",
    "describe_data_drift",
    "paired_bootstrap",
]
