"""A search task over a space that is too large to list: architectures are drawn as they are needed.

`brpnas.search.SearchContext` is the one to use where all architectures, or a sample that stands for
them, fit into arrays: it ranks all of them in every round.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError, InfeasibleError
from brpnas.graphs import GraphBatch, View
from brpnas.search.constraints import Constraint
from brpnas.search.history import History
from brpnas.search.met import Met, Predict
from brpnas.search.seeding import generator
from brpnas.search.task import BoolArray, SearchTask, Shortlist
from brpnas.spaces import NetworkConfig, SearchSpace

__all__ = ["OpenContext"]

_log = logging.getLogger(__name__)

_BLOCK = 256
"""Architectures drawn at once for the random order, and the smallest block of a round's sample."""
_PATIENCE = 50_000
"""Draws in a row without a new feasible function after which there are no more."""
_DRAWS = 20
"""Draws of a round for each architecture of its sample, at most."""


@dataclass(frozen=True, eq=False)
class OpenContext(SearchTask):
    """A task over a space that is not listed. Build it with `create`.

    To reseed it, use `dataclasses.replace`. A round of a ranking sampler ranks a new random sample
    of the space, as BRP-NAS does on the space of DARTS (Dudziak et al., NeurIPS 2020). Samples are
    uniform over the architectures, so that a function that many of them compute is drawn more
    often.

    Attributes:
        space: The search space.
        seed: Seed of the search.
        view: View that rankers see.
        candidates: Number of functions drawn and ranked in each round; fewer where so few satisfy
            the constraints that 20 draws for each do not find them.
        predict: Predicts metrics of architectures, for the constraints and the history. It must
            give an architecture the same values each time, and, for searches in several processes,
            be picklable.
        constraints: What a feasible architecture satisfies.
        likely: What one satisfies that is more than worth measuring.
        predictor: What tells ``predict`` from another one, such as a hash of its weights, for the
            store of a search.
        network: What is built of an architecture.
    """

    space: SearchSpace
    seed: int
    view: View
    candidates: int
    predict: Predict | None
    constraints: tuple[Constraint, ...]
    predictor: str
    likely: tuple[Constraint, ...]
    network: NetworkConfig

    @classmethod
    def create(  # noqa: PLR0913 - one argument per choice
        cls,
        space: SearchSpace,
        *,
        seed: int,
        candidates: int,
        view: View = "function",
        predict: Predict | None = None,
        constraints: Sequence[str | Constraint] = (),
        likely: Sequence[Constraint] = (),
        predictor: str = "",
        network: NetworkConfig | None = None,
    ) -> OpenContext:
        """Put a task together.

        Args:
            space: The search space.
            seed: Seed of the search, not negative.
            candidates: Number of functions ranked in each round.
            view: View that rankers see.
            predict: Predicts metrics of architectures; they end up in the history.
            constraints: Constraints on these metrics.
            likely: Stricter ones, which those satisfy that probably keep the limit; those of
                ``constraints`` if left out. They are explored, and the others only measured if
                they are among the best.
            predictor: What tells ``predict`` from another one.
            network: What is built of an architecture; the published network without dead operations
                if left out.

        Raises:
            ConfigurationError: If a number is out of range, or there is nothing to predict what is
                constrained.
            ConstraintError: If a constraint cannot be read or names an unknown metric.
        """
        if seed < 0 or candidates < 1:
            raise ConfigurationError(
                "A search needs a seed that is not negative and at least 1 candidate, not "
                f"{seed} and {candidates}."
            )
        if constraints and predict is None:
            raise ConfigurationError(
                f"Nothing predicts what the constraint {constraints[0]!r} names: give `predict`."
            )
        probe = space.sample(generator(seed, "probe"), 1)
        metrics = Met(space, predict, ()).metrics(probe)
        parsed = tuple(
            c if isinstance(c, Constraint) else Constraint.parse(c, metrics) for c in constraints
        )
        return cls(
            space,
            seed,
            view,
            candidates,
            predict,
            parsed,
            predictor,
            tuple(likely),
            network or space.published.as_exported,
        )

    @cached_property
    def _met(self) -> Met:
        return Met(self.space, self.predict, self.constraints)

    @cached_property
    def _order(self) -> tuple[list[str], Iterator[str]]:
        """The random order of the seed: what is known of it, and what continues it."""
        return [], self._functions(generator(self.seed, "open"), min(_BLOCK, len(self.space)))

    @cached_property
    def _whole_order(self) -> tuple[list[str], Iterator[str]]:
        """The same without the constraints."""
        rng = generator(self.seed, "open")
        return [], self._functions(rng, min(_BLOCK, len(self.space)), feasible=False)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def capacity(self) -> int:
        """Number of architectures, a bound of that of distinct feasible functions."""
        return len(self.space)

    def isomorphism_id(self, arch_id: str) -> str:
        """Id of the function that an architecture computes.

        Raises:
            ArchitectureError: If it is not in the space.
        """
        return self._met.functions([arch_id])[0]

    @property
    def is_limited(self) -> bool:
        """Whether there are constraints."""
        return bool(self.constraints)

    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the space and satisfies the constraints."""
        return self._met.is_feasible(arch_id)

    def fresh(self, history: History, count: int, *, feasible: bool = True) -> list[str]:
        """The next open architectures in the random order of the seed, of different functions.

        Args:
            history: All queries so far.
            count: How many.
            feasible: Whether they are to satisfy the constraints; otherwise any of the space.

        Raises:
            InfeasibleError: If no architecture satisfies the constraints.
        """
        known, rest = self._order if feasible else self._whole_order
        found: list[str] = []
        place = 0
        while len(found) < count:
            if place == len(known):
                known.extend(islice(rest, _BLOCK))
            if place == len(known):
                break
            name = known[place]
            function = self.isomorphism_id(name)
            if feasible:
                is_new = not self.is_refused(name, history) and not history.knows(function)
            else:
                is_new = not history.has_asked(function)
            if is_new:
                found.append(name)
            place += 1
        if count and not known:
            raise self._infeasible()
        return found

    def shortlist(self, history: History, also: Sequence[str] = ()) -> Shortlist:
        """A new random sample of open functions, the same for the same length of history.

        Args:
            history: All queries so far.
            also: Architectures to rank besides.

        Returns:
            Fewer than `candidates` where few are feasible, and none where none was found.
        """
        rng = generator(self.seed, "candidates", len(history))
        block = min(max(_BLOCK, self.candidates // 4), len(self.space))
        drawn = self._functions(rng, block, _DRAWS * max(_BLOCK, self.candidates))
        unqueried = (name for name in drawn if not history.knows(self.isomorphism_id(name)))
        sample = list(islice(unqueried, self.candidates))
        taken = set(self._met.functions(sample))
        names = list(sample)
        feasible = list(compress(also, self._met.feasible(also))) if also else []
        for name, function in zip(feasible, self._met.functions(feasible), strict=True):
            if function not in taken and not history.knows(function):
                taken.add(function)
                names.append(name)
        if len(sample) < self.candidates:
            _log.info("%d candidates instead of %d to rank", len(sample), self.candidates)
        is_open = np.ones(len(names), np.bool_)
        return Shortlist(
            names,
            np.arange(len(names)),
            self.graphs_of(names),
            is_open,
            len(sample),
            is_likely=self.is_likely(names),
        )

    def is_likely(self, arch_ids: Sequence[str]) -> BoolArray:
        """Which probably are within the constraints, shape ``[N]``."""
        mask = np.ones(len(arch_ids), np.bool_)
        metrics = self._met.metrics(arch_ids) if self.likely and arch_ids else {}
        for constraint in self.likely if arch_ids else ():
            mask &= constraint.satisfied(metrics)
        return mask

    def graphs_of(self, arch_ids: Sequence[str]) -> GraphBatch:
        """Graphs of architectures in the view that rankers see, encoded anew."""
        return self.space.encode(arch_ids, self.view)

    def predictions(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Predicted metrics of architectures by name, each of shape ``[N]``."""
        return self._met.metrics(arch_ids)

    def describe(self) -> dict[str, object]:
        """What a store must hold against another task: space, seed, sample, constraints."""
        return {
            "space": self.space.name,
            "architectures": len(self.space),
            "seed": self.seed,
            "view": self.view,
            "candidates": self.candidates,
            "network": self.network.size,
            "constraints": [constraint.canonical for constraint in self.constraints],
            "predictor": self.predictor,
            **({"likely": [c.canonical for c in self.likely]} if self.likely else {}),
        }

    def _functions(
        self,
        rng: np.random.Generator,
        block: int,
        most: int | None = None,
        *,
        feasible: bool = True,
    ) -> Iterator[str]:
        """Random architectures, each of another function, until there are no more.

        Args:
            rng: Draws them.
            block: Architectures to draw and to predict at once.
            most: Draws in total; without end if left out.
            feasible: Whether they satisfy the constraints.
        """
        seen: set[str] = set()
        functions: set[str] = set()
        total = idle = 0
        while len(seen) < len(self.space) and idle < _PATIENCE and (most is None or total < most):
            names = self.space.sample(rng, block)
            total, idle = total + block, idle + block
            drawn = list(compress(names, self._met.feasible(names))) if feasible else names
            for name, function in zip(drawn, self._met.functions(drawn), strict=True):
                if function not in functions:
                    functions.add(function)
                    idle = 0
                    yield name
            seen.update(names)

    def _infeasible(self) -> InfeasibleError:
        limits = " and ".join(repr(constraint.text) for constraint in self.constraints)
        return InfeasibleError(
            f"None of {len(self._met)} random architectures of {self.space.name} satisfies "
            f"{limits}: loosen the constraints, or check their units."
        )
