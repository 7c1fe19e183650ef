"""NSGA-II (Deb et al., IEEE Transactions on Evolutionary Computation 2002), by pymoo.

The baseline of a search with several objectives. pymoo is in the extra ``brpnas[baselines]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brpnas.errors import ConfigurationError
from brpnas.search.fronts.objectives import Known, Objectives
from brpnas.search.fronts.values import known_values
from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool, is_open
from brpnas.search.samplers.base import Sampler
from brpnas.search.seeding import generator

__all__ = ["NSGA2Sampler"]


class NSGA2Sampler(Sampler):
    """Non-dominated sorting genetic algorithm on answers and predicted costs.

    A round is a generation; the first is random. The population is the survivors of all answered
    architectures by rank and crowding. Binary tournaments choose the parents,
    `SearchSpace.recombine` and `SearchSpace.mutate` make a child. Infeasible children and children
    of a known function are rejected. Failed queries do not enter the population.

    Args:
        objectives: The objectives, with at least one cost.
        known: Measured values, which replace predictions.
        population: Size of the population and of a generation, at least 2.

    Raises:
        ConfigurationError: If the population is too small, or pymoo is missing.
    """

    name = "nsga2"

    def __init__(
        self, *, objectives: Objectives, known: Known | None = None, population: int = 10
    ) -> None:
        if population < 2:
            raise ConfigurationError(
                f"NSGA-II needs a population of at least 2, and has {population}."
            )
        try:
            import pymoo  # noqa: F401, PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                "The sampler 'nsga2' needs pymoo: install brpnas[baselines]."
            ) from None
        self.objectives, self.known, self.population = objectives, known or {}, population

    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """A random first generation, then the children of the survivors."""
        size = min(self.population, budget - len(history))
        if len(history.means()) < 2:
            return pool.fresh(history, size)
        algorithm = _algorithm(pool, history, len(self.objectives), self.population, size)
        for generation in self._generations(pool, history):
            algorithm.tell(infills=generation)
        children = algorithm.ask()
        names = [] if children is None else [str(name) for (name,) in children.get("X")]
        names = names[:size]
        missing = size - len(names)
        if missing:
            taken = {pool.isomorphism_id(name) for name in names}
            others = pool.fresh(history, size + len(names))
            names += [n for n in others if pool.isomorphism_id(n) not in taken][:missing]
        return names

    def _generations(self, pool: CandidatePool, history: History) -> list[Any]:
        """The answered architectures by round of their first answer, as populations of pymoo."""
        from pymoo.core.population import Population  # noqa: PLC0415 - an extra

        means = history.choosable()
        rounds: dict[int, list[str]] = {}
        seen: set[str] = set()
        for record in history:
            if record.arch_id in means and record.arch_id not in seen:
                seen.add(record.arch_id)
                rounds.setdefault(record.round, []).append(record.arch_id)
        known, generations = known_values(self.known, history), []
        for names in rounds.values():
            costs = self.objectives.values(names, pool.predictions(names), known)
            points = self.objectives.points([means[name] for name in names], costs)
            genes = np.array(names, np.object_)[:, None]
            generations.append(Population.new(X=genes, F=-points))
        return generations

    def describe(self) -> dict[str, object]:
        """Name, objectives and population."""
        return {
            "name": self.name,
            **self.objectives.describe(self.known),
            "population": self.population,
        }


def _algorithm(
    pool: CandidatePool, history: History, objectives: int, population: int, size: int
) -> Any:
    """NSGA-II of pymoo on architectures of a space; it draws from a generator of the round."""
    from pymoo.algorithms.moo.nsga2 import NSGA2  # noqa: PLC0415 - an extra
    from pymoo.core.crossover import Crossover  # noqa: PLC0415
    from pymoo.core.duplicate import DuplicateElimination  # noqa: PLC0415
    from pymoo.core.mutation import Mutation  # noqa: PLC0415
    from pymoo.core.problem import Problem  # noqa: PLC0415

    space = pool.space

    class Recombine(Crossover):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(2, 1)

        def _do(self, problem: Any, X: Any, *_: Any, random_state: Any, **__: Any) -> Any:  # noqa: N803
            children = [
                space.recombine(a, b, random_state) for a, b in zip(*X[:, :, 0], strict=True)
            ]
            return np.array(children, np.object_)[None, :, None]

    class Mutate(Mutation):  # type: ignore[misc]
        def _do(self, problem: Any, X: Any, *_: Any, random_state: Any, **__: Any) -> Any:  # noqa: N803
            children = [space.mutate(name, random_state) for (name,) in X]
            return np.array(children, np.object_)[:, None]

    class Distinct(DuplicateElimination):  # type: ignore[misc]
        """Rejects what the search may not query, and functions that are twice among children."""

        def _do(self, pop: Any, other: Any, is_duplicate: Any) -> Any:
            names = [name for (name,) in pop.get("X")]
            functions = [pool.isomorphism_id(name) for name in names]
            seen = set() if other is None else {pool.isomorphism_id(n) for (n,) in other.get("X")}
            for place, (name, function) in enumerate(zip(names, functions, strict=True)):
                is_duplicate[place] |= function in seen or not is_open(pool, name, history)
                if other is None:
                    seen.add(function)
            return is_duplicate

    algorithm = NSGA2(
        pop_size=population,
        n_offsprings=size,
        crossover=Recombine(),
        mutation=Mutate(),
        eliminate_duplicates=Distinct(),
    )
    algorithm.setup(Problem(n_var=1, n_obj=objectives, vtype=object))
    algorithm.random_state = generator(pool.seed, "nsga2", len(history))
    return algorithm
