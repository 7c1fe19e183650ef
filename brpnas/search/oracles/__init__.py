"""Oracles: each answers a query with the validation accuracy of one training."""

from brpnas.search.oracles.base import Answer, Evaluations, Oracle, Question
from brpnas.search.oracles.file import FileOracle
from brpnas.search.oracles.table import TableOracle, longest_runs

__all__ = [
    "Answer",
    "Evaluations",
    "FileOracle",
    "Oracle",
    "Question",
    "TableOracle",
    "longest_runs",
]
