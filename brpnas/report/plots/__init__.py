"""Figures of the report, one module per section; each function returns an ``<svg>`` element."""

from brpnas.report.plots.latency import error_histogram, latency_scatter
from brpnas.report.plots.space import Accuracies, accuracies, space_plot
from brpnas.report.plots.traces import CURVES, known_curves, search_curve, spread
from brpnas.report.plots.training import training_curves

__all__ = [
    "CURVES",
    "Accuracies",
    "accuracies",
    "error_histogram",
    "known_curves",
    "latency_scatter",
    "search_curve",
    "space_plot",
    "spread",
    "training_curves",
]
