"""Nodes of the stage `ingest`: from the configured benchmarks to tables, and a report of both.

Each benchmark holds latencies (`LATENCIES`), accuracies (`ACCURACIES`), or both. Only configured
benchmarks are read, and published files are downloaded on first use.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from brpnas.datasets import (
    ACCURACY,
    LATENCY,
    NASBENCH101_EPOCHS,
    OPERATIONS,
    embedded_devices,
    near_twins,
    read_accuracy,
    read_embedded_accuracy,
    read_embedded_latency,
    read_embedded_operations,
    read_help_latency,
    read_latency,
    read_nasbench101_accuracy,
    share_with_isomorphic,
    validate,
)
from brpnas.devices import Device, Intake, intake_report
from brpnas.errors import ConfigurationError, SchemaError
from pipelines.config import BENCHMARK_SPACES, IngestConfig, parse
from pipelines.ingest.architectures import make_architectures
from pipelines.ingest.notes import source_notes
from pipelines.ingest.sizes import with_accuracy_sizes
from pipelines.sizes import with_latency_size

__all__ = [
    "ACCURACIES",
    "LATENCIES",
    "make_accuracy",
    "make_architectures",
    "make_latency",
    "make_operations",
    "report_ingest",
    "trained_datasets",
]

ACCURACIES = ("embedded", "trained", "nasbench201", "nasbench101")
LATENCIES = ("embedded", "measured", "devices", "latbench", "help")

Files = Callable[[], Mapping[str, Path]]
Tables = Mapping[str, Callable[..., pd.DataFrame]]
Intakes = Mapping[str, Callable[..., Intake]]

_log = logging.getLogger(__name__)


def make_accuracy(
    architectures: pd.DataFrame,
    published: Files,
    published_nasbench101: Files,
    trained: Tables,
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Accuracies of the configured benchmarks, concatenated.

    If one cell of each function was trained, isomorphic cells get its rows, see
    `brpnas.datasets.share_with_isomorphic`. If a shipped table and a table of the user are on the
    same data set, the one with more cells is used.

    Args:
        architectures: The space.
        published: Gives the files of NAS-Bench-201 by name.
        published_nasbench101: Gives the files of NAS-Bench-101 by name.
        trained: Readers of the user's accuracy tables, by data set.
        params: Parameters of the stage.

    Returns:
        Accuracy table; empty if no configured benchmark has accuracies. A search with a training
        oracle needs none.

    Raises:
        SchemaError: If a table is malformed, or `trained` and `nasbench201` hold one data set.
    """
    asked = parse(IngestConfig, params).benchmarks
    found: dict[str, pd.DataFrame] = {}
    space = _space_of(architectures)
    own = trained_datasets(trained, asked, space)
    if "embedded" in asked:
        shipped = read_embedded_accuracy()
        for dataset in sorted(set(shipped["dataset"]) & set(trained) if "trained" in asked else ()):
            used, other = ("Your own", "trained") if dataset in own else ("The shipped", "embedded")
            _log.warning(
                "%s table of %s is used, because the other has no more cells; for that one leave "
                "%r out of ingest.benchmarks",
                *(used, dataset, other),
            )
        shipped = shipped[~shipped["dataset"].isin(own)]
        if len(shipped):
            found["embedded"] = share_with_isomorphic(shipped, architectures)
    if own:
        tables = [_own(trained[name](space=space), name, "accuracy") for name in own]
        rows = pd.concat(tables, ignore_index=True)
        found["trained"] = share_with_isomorphic(rows, architectures)
    if "nasbench201" in asked:
        found["nasbench201"] = read_accuracy(published())
    if "nasbench101" in asked:
        # Shorter trainings are left out: the table holds networks trained to the end.
        files, epochs = published_nasbench101(), NASBENCH101_EPOCHS[-1:]
        found["nasbench101"] = read_nasbench101_accuracy(files, epochs)
    if not found:
        _log.info(
            "No accuracies in %s: a search needs an oracle that trains, a surrogate, or one of %s.",
            ", ".join(asked),
            ", ".join(ACCURACIES),
        )
        return _nothing(ACCURACY)
    owners: dict[str, str] = {}
    for benchmark, table in found.items():
        found[benchmark] = with_accuracy_sizes(table, benchmark)
        for dataset, rows in table.groupby("dataset"):
            _claim(owners, str(dataset), benchmark, "accuracies on")
            _log.info("Accuracy on %s: %d rows of %s", dataset, len(rows), benchmark)
    return pd.concat(found.values(), ignore_index=True)


def make_latency(
    architectures: pd.DataFrame,
    published_latbench: Files,
    published_help: Files,
    measured: Tables,
    described: Mapping[str, Device],
    brought: Intakes,
    space: str,
    params: Mapping[str, Any],
) -> dict[str, pd.DataFrame]:
    """Latency table of each device of the configured benchmarks.

    Args:
        architectures: The space.
        published_latbench: Gives the files of LatBench by name.
        published_help: Gives the files of HELP by name.
        measured: Readers of the tables of the stage `measure`, by device.
        described: The catalogue of these devices.
        brought: Readers of the latency files of owners, by device.
        space: Name of the space.
        params: Parameters of the stage.

    Raises:
        ConfigurationError: If no configured benchmark has latencies, or a measured device has no
            entry in a catalogue.
        IntakeError: If the file of an owner is refused.
        SchemaError: If a table is malformed or names unknown cells, or two benchmarks hold one
            device.
    """
    asked = parse(IngestConfig, params).benchmarks
    found: dict[str, Tables] = {}
    if "embedded" in asked:
        found["embedded"] = {
            name: partial(read_embedded_latency, name) for name in embedded_devices()
        }
    if "measured" in asked:
        _require_entries(measured, described)
        known = set(architectures["arch_id"])
        found["measured"] = {
            name: lambda name=name, read=read: _known_cells(
                _own(read(space=space), name, "latency"), known, space
            )
            for name, read in measured.items()
        }
    if "devices" in asked:
        found["devices"] = {name: partial(_accepted, read, space) for name, read in brought.items()}
    for benchmark, files, reader in (
        ("latbench", published_latbench, read_latency),
        ("help", published_help, read_help_latency),
    ):
        if benchmark in asked:
            found[benchmark] = {name: partial(reader, path, name) for name, path in files().items()}
    owners: dict[str, str] = {}
    tables: dict[str, pd.DataFrame] = {}
    for benchmark, readers in found.items():
        for device, read in readers.items():
            _claim(owners, device, benchmark, "latencies of")
            tables[device] = with_latency_size(read(), device, described, space)
        _log.info("Latency: %d devices of %s", len(readers), benchmark)
    if not tables:
        raise ConfigurationError(_no_latencies(asked, space))
    return tables


def make_operations(measured: Tables, params: Mapping[str, Any]) -> pd.DataFrame:
    """Operations measured alone, of all devices of the configured benchmarks.

    Args:
        measured: Readers of the tables of operations, by device.
        params: Parameters of the stage.

    Raises:
        SchemaError: If a table is malformed, or two are about one device.
    """
    asked = parse(IngestConfig, params).benchmarks
    tables = [_nothing(OPERATIONS)]
    if "embedded" in asked:
        tables.append(read_embedded_operations())
    if "measured" in asked:
        tables += [_own(read(), name, "operations") for name, read in measured.items()]
    together = pd.concat(tables, ignore_index=True)
    return validate(together, OPERATIONS, origin="The operations of all devices")


def report_ingest(
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency: Tables,
    trained: Tables,
    described: Mapping[str, Device],
    brought: Intakes,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Rows of each table, pairs of almost equal devices, and the sources of the data.

    Args:
        architectures: The table of architectures.
        accuracy: The table of accuracies.
        latency: Loaders of the latency tables, by device.
        trained: Readers of the user's accuracy tables, by data set.
        described: The catalogue of the user's devices.
        brought: Accepted files of owners, by device; only the names are used.
        params: Parameters of the stage.
    """
    asked = parse(IngestConfig, params).benchmarks
    # Each run replaces the folder as a whole, so it holds no other device.
    tables = {device: load() for device, load in latency.items()}
    by_dataset = dict(list(accuracy.groupby("dataset")))
    functions = architectures.set_index("arch_id")["isomorphism_id"]
    return {
        "benchmarks": list(asked),
        "rows": {
            "architectures": len(architectures),
            "accuracy": {name: len(rows) for name, rows in by_dataset.items()},
            "latency": {device: len(table) for device, table in tables.items()},
        },
        "functions_with_accuracy": {
            name: int(functions.loc[rows["arch_id"].unique()].nunique())
            for name, rows in by_dataset.items()
        },
        "near_twins": [
            {"devices": [first, second], "spearman": round(value, 4)}
            for first, second, value in near_twins(tables)
        ],
        "sources": source_notes(
            asked,
            list(tables),
            described,
            brought=list(brought) if "devices" in asked else (),
            trained=trained_datasets(trained, asked, _space_of(architectures)),
        ),
    }


def trained_datasets(trained: Tables, asked: Sequence[str], space: str) -> list[str]:
    """Data sets with accuracies of the user's trainings, if `trained` is configured.

    A data set is left to the shipped benchmark if this is configured too and has more cells: a
    trial with a few cells must not hide it.
    """
    if "trained" not in asked:
        return []
    shipped = read_embedded_accuracy() if "embedded" in asked else _nothing(ACCURACY)
    cells = shipped.groupby("dataset")["arch_id"].nunique()
    return [
        name
        for name, read in trained.items()
        if name not in cells
        or _own(read(space=space), name, "accuracy")["arch_id"].nunique() >= cells[name]
    ]


def _space_of(architectures: pd.DataFrame) -> str:
    """Name of the space of a table of architectures."""
    return str(architectures["space"].iloc[0])


def _nothing(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A valid table without rows."""
    columns = {name: pd.Series(dtype=str(column.dtype)) for name, column in schema.columns.items()}
    return validate(pd.DataFrame(columns), schema, origin=f"the empty table of {schema.name}")


def _no_latencies(asked: Sequence[str], space: str) -> str:
    """The error for missing latencies, with the remedy."""
    other = [
        name
        for name in LATENCIES
        if name not in asked and BENCHMARK_SPACES.get(name, space) == space
    ]
    ways = [f"add {' or '.join(other)} to ingest.benchmarks"] if other else []
    if "devices" in asked:
        ways.insert(0, "put a file of latencies into 01_raw/devices (docs/devices.md)")
    if "measured" in asked:
        ways.insert(0, "run `kedro run --pipelines=measure` in the same environment")
    return (
        f"There are no latencies in the benchmarks asked for, {', '.join(asked)}: "
        f"{', or '.join(ways)}."
    )


def _claim(owners: dict[str, str], name: str, benchmark: str, what: str) -> None:
    """Record the benchmark of a name.

    Raises:
        SchemaError: If it already belongs to another.
    """
    other = owners.setdefault(name, benchmark)
    if other != benchmark:
        raise SchemaError(
            f"Two benchmarks hold {what} {name!r}, {other} and {benchmark}, and the two are not to "
            "be mixed. Leave one of them out of ingest.benchmarks, or give your own table another "
            "name, that of its file and of the column alike."
        )


_OWN = {
    "accuracy": ("trained", ACCURACY, "dataset"),
    "latency": ("measured", LATENCY, "device"),
    "operations": ("measured/operations", OPERATIONS, "device"),
}


def _own(table: pd.DataFrame, name: str, kind: str) -> pd.DataFrame:
    """A table of the user, validated; its file has the name of the device or data set."""
    folder, schema, column = _OWN[kind]
    origin = f"The table {name} in 01_raw/{folder}"
    valid = validate(table, schema, origin=origin)
    others = sorted(set(valid[column]) - {name})
    if others:
        raise SchemaError(
            f"{origin} must be about the {column} {name!r} alone, like its name; its column "
            f"{column!r} says {others[0]!r}. Rename the file, or correct the column."
        )
    return valid


def _accepted(read: Callable[..., Intake], space: str) -> pd.DataFrame:
    """The table of an owner's file; flagged rows are logged as a warning."""
    intake = read(space=space)
    if intake.findings:
        _log.warning("%s", intake_report(intake))
    return intake.table


def _known_cells(table: pd.DataFrame, known: set[str], space: str) -> pd.DataFrame:
    strangers = [arch_id for arch_id in table["arch_id"] if arch_id not in known]
    if strangers:
        raise SchemaError(
            f"The table {table['device'].iloc[0]} in 01_raw/measured names {len(strangers)} cells "
            f"that the space {space!r} does not have, the first of them {strangers[0]!r}. `brpnas "
            "arch` explains a cell; correct or remove these."
        )
    return table


def _require_entries(measured: Tables, described: Mapping[str, Device]) -> None:
    missing = sorted(set(measured) - set(described))
    if missing:
        raise ConfigurationError(
            f"01_raw/measured has a table of {missing[0]!r}, but devices.yml beside it does not "
            "describe that device. Add an entry; docs/measure.md shows one."
        )
