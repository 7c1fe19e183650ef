"""Search: limits, candidate pools, samplers, oracles, the loop and its store.

`run_search` runs or resumes one search, `compare` many in memory. `Limits` applies the
constraints to architectures. `ListedPool` holds the architectures of a space in arrays,
`SampledPool` draws them from a space too large to list. `MetricFilter` measures proposals before
the oracle is queried. `chosen` and `trace` read the outcome. `brpnas.search.fronts` searches for
several objectives.
"""

from brpnas.search.compare import compare
from brpnas.search.constraints import Constraint
from brpnas.search.filter import Measure, MetricFilter, TableMetrics
from brpnas.search.history import History, Measurement
from brpnas.search.limits import Limits
from brpnas.search.loop import run_search, search_fingerprint
from brpnas.search.oracles import Answer, Evaluations, Oracle, Question, TableOracle
from brpnas.search.oracles.file import FileOracle
from brpnas.search.oracles.surrogate import SurrogateOracle
from brpnas.search.pools.base import CandidatePool, Shortlist
from brpnas.search.pools.listed import ListedPool
from brpnas.search.pools.sampled import SampledPool
from brpnas.search.result import SearchResult, chosen, leaderboard
from brpnas.search.samplers import Sampler, fit_ranker, get_sampler
from brpnas.search.stopping import EarlyStopping, StoppingRule
from brpnas.search.store import SearchStore
from brpnas.search.trace import HeldOutScores, trace

__all__ = [
    "Answer",
    "CandidatePool",
    "Constraint",
    "EarlyStopping",
    "Evaluations",
    "FileOracle",
    "HeldOutScores",
    "History",
    "Limits",
    "ListedPool",
    "Measure",
    "Measurement",
    "MetricFilter",
    "Oracle",
    "Question",
    "SampledPool",
    "Sampler",
    "SearchResult",
    "SearchStore",
    "Shortlist",
    "StoppingRule",
    "SurrogateOracle",
    "TableMetrics",
    "TableOracle",
    "chosen",
    "compare",
    "fit_ranker",
    "get_sampler",
    "leaderboard",
    "run_search",
    "search_fingerprint",
    "trace",
]
