"""The event log of a search in memory: measurements, plans and answers.

`brpnas.search.store.SearchStore` is the same log on disk. Use `EventLog` for searches without a
file, such as comparisons of many searches.
"""

from __future__ import annotations

from collections.abc import Iterator

from brpnas.errors import StoreError
from brpnas.search.history import Measurement, Plan, Record

__all__ = ["EventLog"]


class EventLog:
    """Plans in order of their rounds, answers by query number, measurements by architecture.

    Attributes:
        measurements: Measurements of proposals, by architecture.
        plans: The rounds planned so far.
        answers: The answers so far, by query number.
    """

    def __init__(self) -> None:
        self.measurements: dict[str, Measurement] = {}
        self.plans: list[Plan] = []
        self.answers: dict[int, Record] = {}

    @property
    def open_queries(self) -> Iterator[tuple[Plan, int, str]]:
        """Planned queries without an answer: plan, query and architecture, in their order."""
        for plan in self.plans:
            for query, arch_id in enumerate(plan.arch_ids, start=plan.first_query):
                if query not in self.answers:
                    yield plan, query, arch_id

    @property
    def planned(self) -> int:
        """Number of queries planned so far."""
        return sum(len(plan.arch_ids) for plan in self.plans)

    def measured_until(self, number: int) -> list[Measurement]:
        """Measurements for all rounds before round ``number``."""
        return [m for m in self.measurements.values() if m.round < number]

    def forget_failures(self) -> None:
        """Forget failed measurements for the next round; they are then repeated."""
        number = len(self.plans)
        self.measurements = {
            arch_id: m
            for arch_id, m in self.measurements.items()
            if not (m.message and m.round == number)
        }

    def add_measurement(self, measurement: Measurement) -> None:
        """Add a measurement for the next round.

        Raises:
            StoreError: If it is for another round, or the architecture already has a measurement.
                A measurement may replace one that failed in the same round.
        """
        earlier = self.measurements.get(measurement.arch_id)
        if earlier and not (earlier.message and earlier.round == measurement.round):
            raise StoreError(f"a second measurement of {measurement.arch_id}")
        if measurement.round != len(self.plans):
            raise StoreError(
                f"a measurement for round {measurement.round}, where round {len(self.plans)} is "
                "the next to be planned"
            )
        self.measurements[measurement.arch_id] = measurement

    def add_plan(self, plan: Plan) -> None:
        """Add the plan of a round, before its first query.

        Raises:
            StoreError: If the plan does not continue the earlier plans.
        """
        expected = (len(self.plans), self.planned)
        if (plan.round, plan.first_query) != expected or not plan.arch_ids:
            raise StoreError(
                f"a plan for round {plan.round} from query {plan.first_query} with "
                f"{len(plan.arch_ids)} architectures, where round {expected[0]} must begin at "
                f"query {expected[1]}"
            )
        self.plans.append(plan)

    def add_answer(self, record: Record) -> None:
        """Add an answer as soon as it arrives.

        Raises:
            StoreError: If the query is not planned, is of another architecture, or has an answer.
        """
        if record.status == "pending":
            raise StoreError(f"query {record.query} is in flight, which is no answer")
        if record.query in self.answers:
            raise StoreError(f"a second answer to query {record.query}")
        if not 0 <= record.round < len(self.plans):
            raise StoreError(f"an answer in round {record.round}, which was not planned")
        plan = self.plans[record.round]
        place = record.query - plan.first_query
        if not 0 <= place < len(plan.arch_ids) or plan.arch_ids[place] != record.arch_id:
            raise StoreError(
                f"an answer to query {record.query} ({record.arch_id}), which round {record.round} "
                "did not plan"
            )
        self.answers[record.query] = record
