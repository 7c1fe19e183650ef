"""The user's own tables: trained data sets, measured devices, and latency files of owners."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa

from brpnas.datasets import ACCURACY, LATENCY, OPERATIONS, validate
from brpnas.devices import Device, Intake, intake_report
from brpnas.errors import ConfigurationError, IntakeError, SchemaError
from pipelines.ingest.settings import IngestSettings

__all__ = ["OwnTables", "open_own_tables"]

Tables = Mapping[str, Callable[..., pd.DataFrame]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OwnTables:
    """The user's tables in the configured benchmarks; a table is read and checked on request.

    Attributes:
        space: Name of the space.
        trained: Readers of the accuracy tables, by data set.
        measured: Readers of the tables of the stage `measure`, by device.
        operations: Readers of the tables of operations measured alone, by device.
        brought: Accepted latency files of owners, by device.
        described: The catalogue of the user's devices.
    """

    space: str
    trained: Tables
    measured: Tables
    operations: Tables
    brought: Mapping[str, Intake]
    described: Mapping[str, Device]

    def architectures(self) -> Iterator[str]:
        """Architectures of the accuracy and latency tables, not checked."""
        for read in (*self.trained.values(), *self.measured.values()):
            table = read(space=self.space)
            yield from table["arch_id"].tolist() if "arch_id" in table else ()
        for intake in self.brought.values():
            yield from intake.table["arch_id"].tolist()

    def accuracy(self, dataset: str) -> pd.DataFrame:
        """Accuracies of a data set.

        Raises:
            SchemaError: If the table is malformed, or about another data set.
        """
        origin = f"The table {dataset} in 01_raw/trained"
        table = self.trained[dataset](space=self.space)
        return _about(table, "dataset", dataset, ACCURACY, origin)

    def measured_latency(self, device: str, known: Collection[str]) -> pd.DataFrame:
        """Latencies of a device from the stage `measure`.

        Args:
            device: Name of the device.
            known: Architectures of the space.

        Raises:
            SchemaError: If the table is malformed, about another device, or names unknown cells.
        """
        origin = f"The table {device} in 01_raw/measured"
        table = self.measured[device](space=self.space)
        table = _about(table, "device", device, LATENCY, origin)
        strangers = [arch_id for arch_id in table["arch_id"] if arch_id not in known]
        if strangers:
            raise SchemaError(
                f"{origin} names {len(strangers)} cells that the space {self.space!r} does not "
                f"have, the first of them {strangers[0]!r}. `brpnas arch` explains a cell; correct "
                "or remove these."
            )
        return table

    def brought_latency(self, device: str) -> pd.DataFrame:
        """Latencies of a device from the file of its owner; flagged rows are logged."""
        intake = self.brought[device]
        if intake.findings:
            _log.warning("%s", intake_report(intake))
        return intake.table

    def operation_latency(self, device: str) -> pd.DataFrame:
        """Operations of a device measured alone.

        Raises:
            SchemaError: If the table is malformed, or about another device.
        """
        origin = f"The table {device} in 01_raw/measured/operations"
        return _about(self.operations[device](), "device", device, OPERATIONS, origin)


def open_own_tables(
    settings: IngestSettings,
    files: Mapping[str, Callable[..., Intake]],
    trained: Tables,
    measured: Tables,
    operations: Tables,
    described: Mapping[str, Device],
) -> OwnTables:
    """Keep the tables of the configured benchmarks, and read the files of owners.

    A refused file is left out with a warning; other devices are not affected. A run about the
    device of a refused file stops earlier, in `pipelines.checks`.

    Args:
        settings: Parameters of the stage.
        files: Readers of the latency files of owners, by device.
        trained: Readers of the accuracy tables, by data set.
        measured: Readers of the tables of the stage `measure`, by device.
        operations: Readers of the tables of operations, by device.
        described: The catalogue of the user's devices.

    Raises:
        ConfigurationError: If a measured device has no entry in the catalogue.
    """
    asked = settings.ingest.benchmarks
    if "measured" not in asked:
        measured, operations = {}, {}
    missing = sorted(set(measured) - set(described))
    if missing:
        raise ConfigurationError(
            f"01_raw/measured has a table of {missing[0]!r}, but devices.yml beside it does not "
            "describe that device. Add an entry; docs/measure.md shows one."
        )
    return OwnTables(
        settings.space,
        trained if "trained" in asked else {},
        measured,
        operations,
        _accepted(files, settings) if "devices" in asked else {},
        described,
    )


def _accepted(
    files: Mapping[str, Callable[..., Intake]], settings: IngestSettings
) -> dict[str, Intake]:
    accepted: dict[str, Intake] = {}
    for name, read in files.items():
        try:
            accepted[name] = read(
                space=settings.space, least=settings.least_rows, unit_check=settings.unit_check
            )
        except IntakeError as error:
            _log.warning("The device %s is left out. %s", name, error)
    return accepted


def _about(
    table: pd.DataFrame, column: str, name: str, schema: pa.DataFrameSchema, origin: str
) -> pd.DataFrame:
    """A table of the user, validated; its file has the name of the device or data set."""
    valid = validate(table, schema, origin=origin)
    others = sorted(set(valid[column]) - {name})
    if others:
        raise SchemaError(
            f"{origin} must be about the {column} {name!r} alone, like its name; its column "
            f"{column!r} says {others[0]!r}. Rename the file, or correct the column."
        )
    return valid
