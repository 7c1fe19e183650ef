"""The report: plots and one self-contained HTML page, from tables and dictionaries.

Fill a `ReportData` and call `render`. `cell_svg` draws an architecture, and
`predicted_vs_measured`, `search_curves` and `training_curve` are the tables of ``dvc plots``.
"""

from brpnas.report.cell import cell_svg
from brpnas.report.data import (
    Chosen,
    EvaluationProtocol,
    PredictorData,
    ReportData,
    SourceNote,
    Task,
)
from brpnas.report.dvc_plots import predicted_vs_measured, search_curves, training_curve
from brpnas.report.page import render

__all__ = [
    "Chosen",
    "EvaluationProtocol",
    "PredictorData",
    "ReportData",
    "SourceNote",
    "Task",
    "cell_svg",
    "predicted_vs_measured",
    "render",
    "search_curves",
    "training_curve",
]
