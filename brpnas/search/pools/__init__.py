"""Candidate pools: the architectures available to a search, listed or sampled."""

from brpnas.search.pools.base import CandidatePool, Shortlist, is_allowed, is_open
from brpnas.search.pools.listed import ListedPool
from brpnas.search.pools.sampled import SampledPool

__all__ = ["CandidatePool", "ListedPool", "SampledPool", "Shortlist", "is_allowed", "is_open"]
