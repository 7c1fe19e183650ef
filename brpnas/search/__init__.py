"""Search: samplers, constraints, oracles, the ask/tell loop and its store.

`run_search` runs or resumes one search, `compare` many in memory. `feasible_mask` turns constraint
strings into what `SearchContext` restricts a search to; `OpenContext` is the task over a space that
is too large to list. `LatencyCheck` measures what is about to be asked. `chosen` and `trace` read
the outcome.
"""

from brpnas.search.check import LatencyCheck, Measure, TableLatency
from brpnas.search.compare import compare
from brpnas.search.constraints import Constraint, feasible_mask
from brpnas.search.context import SearchContext
from brpnas.search.file_oracle import FileOracle
from brpnas.search.history import History, Measurement
from brpnas.search.loop import run_search, task_fingerprint
from brpnas.search.open_context import OpenContext
from brpnas.search.oracle import Answer, Oracle, Question, TableOracle
from brpnas.search.result import SearchResult, chosen, leaderboard
from brpnas.search.samplers import Sampler, fit_ranker, get_sampler
from brpnas.search.store import SearchStore
from brpnas.search.surrogate_oracle import SurrogateOracle
from brpnas.search.task import SearchTask, Shortlist
from brpnas.search.trace import HeldOutScores, trace

__all__ = [
    "Answer",
    "Constraint",
    "FileOracle",
    "HeldOutScores",
    "History",
    "LatencyCheck",
    "Measure",
    "Measurement",
    "OpenContext",
    "Oracle",
    "Question",
    "Sampler",
    "SearchContext",
    "SearchResult",
    "SearchStore",
    "SearchTask",
    "Shortlist",
    "SurrogateOracle",
    "TableLatency",
    "TableOracle",
    "chosen",
    "compare",
    "feasible_mask",
    "fit_ranker",
    "get_sampler",
    "leaderboard",
    "run_search",
    "task_fingerprint",
    "trace",
]
