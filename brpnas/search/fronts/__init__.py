"""Several objectives: a front of accuracy and costs instead of one best architecture.

`Objectives` reads the objectives. `FrontSampler` spends the queries along the front, `NSGA2Sampler`
is a baseline, and `get_front_sampler` makes them from configuration. `search_front` gives the
`Front` of a search: members, knee, hypervolume per round. `pareto_front` and `hypervolume` work on
any points, `Scale` normalises them.
"""

from brpnas.search.fronts.choice import FRONT_SAMPLERS, get_front_sampler
from brpnas.search.fronts.front import Front, denoised, search_front
from brpnas.search.fronts.hypervolume import hypervolume
from brpnas.search.fronts.nsga2 import NSGA2Sampler
from brpnas.search.fronts.objectives import ACCURACY, Known, Objective, Objectives
from brpnas.search.fronts.pareto import pareto_front
from brpnas.search.fronts.sampler import FrontSampler, Spread
from brpnas.search.fronts.scale import Scale

__all__ = [
    "ACCURACY",
    "FRONT_SAMPLERS",
    "Front",
    "FrontSampler",
    "Known",
    "NSGA2Sampler",
    "Objective",
    "Objectives",
    "Scale",
    "Spread",
    "denoised",
    "get_front_sampler",
    "hypervolume",
    "pareto_front",
    "search_front",
]
