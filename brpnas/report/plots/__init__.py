"""Figures of the report, one module per section; each function returns an ``<svg>`` element."""

from brpnas.report.plots.predictor import error_histogram, prediction_scatter
from brpnas.report.plots.space import Accuracies, accuracies, space_plot
from brpnas.report.plots.traces import CURVES, HYPERVOLUME, known_curves, search_curve, spread
from brpnas.report.plots.training import training_curves

__all__ = [
    "CURVES",
    "HYPERVOLUME",
    "Accuracies",
    "accuracies",
    "error_histogram",
    "known_curves",
    "prediction_scatter",
    "search_curve",
    "space_plot",
    "spread",
    "training_curves",
]
