"""A candidate pool of a space too large to list: it draws architectures on demand.

`brpnas.search.ListedPool` is for spaces, or samples of them, small enough for arrays: it ranks all
architectures in every round.
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
from brpnas.search.history import History
from brpnas.search.limits import Limits
from brpnas.search.pools.base import CandidatePool, Shortlist, is_allowed
from brpnas.search.pools.cache import ArchitectureCache, Predict
from brpnas.search.seeding import generator
from brpnas.spaces import NetworkConfig, SearchSpace, size_of

__all__ = ["SampledPool"]

_log = logging.getLogger(__name__)

_BLOCK = 256
"""Architectures drawn at once for the random order, and the smallest block of a round's sample."""
_PATIENCE = 50_000
"""Number of draws in a row without a new feasible function that ends the drawing."""
_DRAWS = 20
"""Maximum number of draws of a round per architecture of its sample."""


@dataclass(frozen=True, eq=False)
class SampledPool(CandidatePool):
    """A pool over an unlisted space. Build it with `create`; reseed it with `dataclasses.replace`.

    A round of a ranking sampler ranks a new random sample of the space, like BRP-NAS on the space
    of DARTS (Dudziak et al., NeurIPS 2020). Samples are uniform over the architectures, so a
    function of many architectures is drawn more often.

    Attributes:
        space: The search space.
        seed: Seed of the search.
        view: View of the ranker.
        candidates: Number of functions drawn and ranked in each round; fewer if 20 draws per
            function do not find enough feasible ones.
        predict: Predicts metrics of architectures, for the limits and the history. Deterministic;
            picklable for searches in several processes.
        limits: Limits of the search.
        predictor: Name of ``predict`` in the store of a search, such as a hash of its weights.
        network: Network of an architecture.
        deviate: Gives the deviations of the logarithms of the predictions, like ``predict``.
    """

    space: SearchSpace
    seed: int
    view: View
    candidates: int
    predict: Predict | None
    limits: Limits
    predictor: str
    network: NetworkConfig
    deviate: Predict | None

    @classmethod
    def create(  # noqa: PLR0913 - as many as for a listed pool
        cls,
        space: SearchSpace,
        *,
        seed: int,
        candidates: int,
        view: View = "function",
        predict: Predict | None = None,
        limits: Limits | None = None,
        predictor: str = "",
        network: NetworkConfig | None = None,
        deviate: Predict | None = None,
    ) -> SampledPool:
        """Put a pool together.

        Args:
            space: The search space.
            seed: Seed of the search, not negative.
            candidates: Number of functions ranked in each round.
            view: View of the ranker.
            predict: Predicts metrics of architectures, for the limits and the history.
            limits: Limits of the search; none if left out.
            predictor: Name of ``predict`` in the store of a search.
            network: Network of an architecture; the published network without dead operations if
                left out.
            deviate: Gives the deviations of the logarithms of the predictions.

        Raises:
            ConfigurationError: If a number is out of range, or nothing predicts a limited metric.
            ConstraintError: If ``predict`` lacks a limited metric.
        """
        limits = limits or Limits()
        if seed < 0 or candidates < 1:
            raise ConfigurationError(
                "A search needs a seed that is not negative and at least 1 candidate, not "
                f"{seed} and {candidates}."
            )
        if limits.constraints and predict is None:
            raise ConfigurationError(
                f"Nothing predicts the metrics of the constraint {limits.constraints[0].text!r}: "
                "give `predict`."
            )
        probe = space.sample(generator(seed, "probe"), 1)
        cache = ArchitectureCache(space, predict, limits, deviate)
        limits.proposable(probe, cache.metrics(probe), cache.deviations(probe))
        network = network or space.published.as_exported
        return cls(space, seed, view, candidates, predict, limits, predictor, network, deviate)

    @cached_property
    def _cache(self) -> ArchitectureCache:
        return ArchitectureCache(self.space, self.predict, self.limits, self.deviate)

    @cached_property
    def _order(self) -> tuple[list[str], Iterator[str]]:
        """The random order of the seed: the part drawn so far, and an iterator over the rest."""
        return [], self._functions(generator(self.seed, "open"), min(_BLOCK, size_of(self.space)))

    @cached_property
    def _whole_order(self) -> tuple[list[str], Iterator[str]]:
        """`_order` without the constraints."""
        rng = generator(self.seed, "open")
        return [], self._functions(rng, min(_BLOCK, size_of(self.space)), feasible=False)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def capacity(self) -> int:  # type: ignore[override]
        """Number of architectures, an upper bound of the number of distinct functions."""
        return size_of(self.space)

    def isomorphism_id(self, arch_id: str) -> str:
        """Id of the function of an architecture.

        Raises:
            ArchitectureError: If it is not in the space.
        """
        return self._cache.functions([arch_id])[0]

    @property
    def is_limited(self) -> bool:  # type: ignore[override]
        """Whether there are constraints."""
        return bool(self.limits.constraints)

    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the space and satisfies the constraints."""
        return self._cache.is_feasible(arch_id)

    def is_within(self, arch_id: str) -> bool:
        """Whether the architecture is feasible without a measurement."""
        return self._cache.is_within(arch_id)

    def fresh(self, history: History, count: int, *, feasible: bool = True) -> list[str]:
        """The next open architectures in the random order of the seed, of different functions.

        Args:
            history: All queries so far.
            count: Number of architectures.
            feasible: Whether the constraints apply; if not, the whole space is drawn from.

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
                is_new = is_allowed(self, name, history) and not history.knows(function)
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
            also: More architectures to rank.

        Returns:
            Fewer than `candidates` if too few feasible ones are found, possibly none.
        """
        rng = generator(self.seed, "candidates", len(history))
        block = min(max(_BLOCK, self.candidates // 4), size_of(self.space))
        drawn = self._functions(rng, block, _DRAWS * max(_BLOCK, self.candidates))
        unqueried = (name for name in drawn if not history.knows(self.isomorphism_id(name)))
        sample = list(islice(unqueried, self.candidates))
        taken = set(self._cache.functions(sample))
        names = list(sample)
        feasible = list(compress(also, self._cache.feasible(also))) if also else []
        for name, function in zip(feasible, self._cache.functions(feasible), strict=True):
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
            np.array([self.is_within(name) for name in names], np.bool_),
        )

    def graphs_of(self, arch_ids: Sequence[str]) -> GraphBatch:
        """Graphs of architectures in the view of the ranker, encoded at each call."""
        return self.space.encode(arch_ids, self.view)

    def predictions(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Predicted metrics of architectures by name, each of shape ``[N]``."""
        return self._cache.metrics(arch_ids)

    def deviations(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Deviations of the logarithms of these predictions, each ``[N]``, if known."""
        return self._cache.deviations(arch_ids)

    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store: space, seed, sample, constraints."""
        return {
            "space": self.space.name,
            "architectures": size_of(self.space),
            "seed": self.seed,
            "view": self.view,
            "candidates": self.candidates,
            "network": self.network.size,
            "limits": self.limits.describe(),
            "predictor": self.predictor,
        }

    def _functions(
        self,
        rng: np.random.Generator,
        block: int,
        most: int | None = None,
        *,
        feasible: bool = True,
    ) -> Iterator[str]:
        """Random architectures, each of a different function, until the space is exhausted.

        Args:
            rng: Generator of the draws.
            block: Number of architectures drawn and predicted at once.
            most: Maximum number of draws; unlimited if left out.
            feasible: Whether the constraints apply.
        """
        seen: set[str] = set()
        functions: set[str] = set()
        total = idle = 0
        size = self.capacity
        while len(seen) < size and idle < _PATIENCE and (most is None or total < most):
            names = self.space.sample(rng, block)
            total, idle = total + block, idle + block
            drawn = list(compress(names, self._cache.feasible(names))) if feasible else names
            for name, function in zip(drawn, self._cache.functions(drawn), strict=True):
                if function not in functions:
                    functions.add(function)
                    idle = 0
                    yield name
            seen.update(names)

    def _infeasible(self) -> InfeasibleError:
        limits = " and ".join(repr(constraint.text) for constraint in self.limits.constraints)
        return InfeasibleError(
            f"None of {len(self._cache)} random architectures of {self.space.name} satisfies "
            f"{limits}: loosen the constraints, or check their units."
        )
