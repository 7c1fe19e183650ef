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
    NASBENCH101_EPOCHS,
    OPERATIONS,
    embedded_devices,
    fbnet_devices,
    near_twins,
    read_accuracy,
    read_embedded_accuracy,
    read_embedded_latency,
    read_embedded_operations,
    read_fbnet_latency,
    read_help_latency,
    read_latency,
    read_nasbench101_accuracy,
    share_with_isomorphic,
    validate,
)
from brpnas.errors import ConfigurationError, SchemaError
from pipelines.config import BENCHMARK_SPACES
from pipelines.ingest.architectures import make_architectures
from pipelines.ingest.notes import source_notes
from pipelines.ingest.own import OwnTables, open_own_tables
from pipelines.ingest.settings import IngestSettings, read_settings
from pipelines.ingest.sizes import with_accuracy_sizes
from pipelines.sizes import with_latency_size

__all__ = [
    "ACCURACIES",
    "LATENCIES",
    "make_accuracy",
    "make_architectures",
    "make_latency",
    "make_operations",
    "open_own_tables",
    "read_settings",
    "report_ingest",
    "trained_datasets",
]

ACCURACIES = ("embedded", "trained", "nasbench201", "nasbench101")
LATENCIES = ("embedded", "measured", "devices", "latbench", "help", "fbnet")

Files = Callable[[], Mapping[str, Path]]

_log = logging.getLogger(__name__)


def make_accuracy(
    settings: IngestSettings,
    own: OwnTables,
    architectures: pd.DataFrame,
    published_nasbench201: Files,
    published_nasbench101: Files,
) -> pd.DataFrame:
    """Accuracies of the configured benchmarks, concatenated.

    If one cell of each function was trained, isomorphic cells get its rows, see
    `brpnas.datasets.share_with_isomorphic`. If a shipped table and a table of the user are on the
    same data set, the one with more cells is used.

    Args:
        settings: Parameters of the stage.
        own: The user's tables.
        architectures: The space.
        published_nasbench201: Gives the files of NAS-Bench-201 by name.
        published_nasbench101: Gives the files of NAS-Bench-101 by name.

    Returns:
        Accuracy table; empty if no configured benchmark has accuracies. A search with a training
        oracle needs none.

    Raises:
        SchemaError: If a table is malformed, or `trained` and `nasbench201` hold one data set.
    """
    asked = settings.ingest.benchmarks
    found: dict[str, pd.DataFrame] = {}
    trained = trained_datasets(settings, own)
    if "embedded" in asked:
        shipped = read_embedded_accuracy()
        for dataset in sorted(set(shipped["dataset"]) & set(own.trained)):
            mine = dataset in trained
            used, other = ("Your own", "trained") if mine else ("The shipped", "embedded")
            _log.warning(
                "%s table of %s is used, because the other has no more cells; for that one leave "
                "%r out of ingest.benchmarks",
                *(used, dataset, other),
            )
        shipped = shipped[~shipped["dataset"].isin(trained)]
        if len(shipped):
            found["embedded"] = share_with_isomorphic(shipped, architectures)
    if trained:
        rows = pd.concat([own.accuracy(name) for name in trained], ignore_index=True)
        found["trained"] = share_with_isomorphic(rows, architectures)
    if "nasbench201" in asked:
        found["nasbench201"] = read_accuracy(published_nasbench201())
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
    settings: IngestSettings,
    own: OwnTables,
    architectures: pd.DataFrame,
    published_latbench: Files,
    published_help: Files,
    published_fbnet: Files,
) -> dict[str, pd.DataFrame]:
    """Latency table of each device of the configured benchmarks.

    Args:
        settings: Parameters of the stage.
        own: The user's tables.
        architectures: The space.
        published_latbench: Gives the files of LatBench by name.
        published_help: Gives the files of HELP by name.
        published_fbnet: Gives the files of FBNet by name.

    Raises:
        ConfigurationError: If no configured benchmark has latencies.
        SchemaError: If a table is malformed or names unknown cells, or two benchmarks hold one
            device.
    """
    asked, space = settings.ingest.benchmarks, settings.space
    found: dict[str, dict[str, Callable[[], pd.DataFrame]]] = {}
    if "embedded" in asked:
        found["embedded"] = {
            name: partial(read_embedded_latency, name) for name in embedded_devices()
        }
    if "measured" in asked:
        known = set(architectures["arch_id"])
        found["measured"] = {n: partial(own.measured_latency, n, known) for n in own.measured}
    if "devices" in asked:
        found["devices"] = {name: partial(own.brought_latency, name) for name in own.brought}
    for benchmark, files, reader in (
        ("latbench", published_latbench, read_latency),
        ("help", published_help, read_help_latency),
    ):
        if benchmark in asked:
            found[benchmark] = {name: partial(reader, path, name) for name, path in files().items()}
    if "fbnet" in asked:
        read_fbnet = partial(read_fbnet_latency, published_fbnet())
        found["fbnet"] = {name: partial(read_fbnet, name) for name in fbnet_devices()}
    owners: dict[str, str] = {}
    tables: dict[str, pd.DataFrame] = {}
    for benchmark, readers in found.items():
        for device, read in readers.items():
            _claim(owners, device, benchmark, "latencies of")
            tables[device] = with_latency_size(read(), device, own.described, space)
        _log.info("Latency: %d devices of %s", len(readers), benchmark)
    if not tables:
        raise ConfigurationError(_no_latencies(asked, space))
    return tables


def make_operations(settings: IngestSettings, own: OwnTables) -> pd.DataFrame:
    """Operations measured alone, of all devices of the configured benchmarks.

    Args:
        settings: Parameters of the stage.
        own: The user's tables.

    Raises:
        SchemaError: If a table is malformed, or two are about one device.
    """
    tables = [_nothing(OPERATIONS)]
    if "embedded" in settings.ingest.benchmarks:
        tables.append(read_embedded_operations())
    tables += [own.operation_latency(device) for device in own.operations]
    together = pd.concat(tables, ignore_index=True)
    return validate(together, OPERATIONS, origin="The operations of all devices")


def report_ingest(
    settings: IngestSettings,
    own: OwnTables,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency: Mapping[str, Callable[[], pd.DataFrame]],
) -> dict[str, Any]:
    """Rows of each table, pairs of almost equal devices, and the sources of the data.

    Args:
        settings: Parameters of the stage.
        own: The user's tables.
        architectures: The table of architectures.
        accuracy: The table of accuracies.
        latency: Loaders of the latency tables, by device.
    """
    asked = settings.ingest.benchmarks
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
            own.described,
            brought=list(own.brought),
            trained=trained_datasets(settings, own),
        ),
    }


def trained_datasets(settings: IngestSettings, own: OwnTables) -> list[str]:
    """Data sets with accuracies of the user's trainings.

    A data set is left to the shipped benchmark if this is configured too and has more cells: a
    trial with a few cells must not hide it.
    """
    if not own.trained or "embedded" not in settings.ingest.benchmarks:
        return list(own.trained)
    cells = read_embedded_accuracy().groupby("dataset")["arch_id"].nunique()
    return [
        name
        for name in own.trained
        if name not in cells or own.accuracy(name)["arch_id"].nunique() >= cells[name]
    ]


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
