from __future__ import annotations

import numpy as np

from benchmarks.cluster import SimulatedWorkers
from brpnas.search import Question
from brpnas.testing.words import accuracy_table

SECONDS = {"aaaa": 4.0, "aaab": 1.0, "aaac": 2.0}


def clock() -> SimulatedWorkers:
    """Two workers."""
    table = accuracy_table(list(SECONDS), np.full(3, 0.5))
    oracle = SimulatedWorkers(table.assign(train_time_s=table["arch_id"].map(SECONDS)), "toys", 0)
    oracle.workers = 2
    return oracle


def test_trainings_end_in_the_order_of_their_seconds() -> None:
    oracle = clock()
    with oracle.start() as evaluations:
        for query, arch_id in enumerate(SECONDS):  # the third after the second, on its worker
            evaluations.submit(Question(query, arch_id))
        ends = [(evaluations.next_answer()[0].query, oracle.now) for _ in range(3)]
    assert ends == [(1, 1.0), (2, 3.0), (0, 4.0)]
    assert oracle.busy == 7.0


def test_a_training_starts_when_it_is_submitted() -> None:
    oracle = clock()
    with oracle.start() as evaluations:
        for query, arch_id in enumerate(("aaab", "aaac")):
            evaluations.submit(Question(query, arch_id))
            evaluations.next_answer()
    assert oracle.now == 3.0
