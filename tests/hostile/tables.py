"""Users' tables: latencies, lists of cells, answers of a file oracle."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from brpnas.spaces import get_space
from tests.hostile import Folder, Hostile

__all__ = ["make_tables"]


def _parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


def make_tables(root: Path) -> list[Hostile]:
    """Make the files."""
    return _latencies(root) + _parquets(root) + _lists(root)


def _latencies(root: Path) -> list[Hostile]:
    folder = Folder(root, "latency table", ".csv")
    cells = get_space("nasbench201").enumerate()[:60]
    good = "arch_id,latency_ms\n" + "".join(
        f"{cell},{1 + i / 60}\n" for i, cell in enumerate(cells)
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("board.csv", good)
    files = {
        "a header of 300,000 names": ",".join(f"c{i}" for i in range(300_000)).encode() + b"\n",
        "a line of 50 MB": b"arch_id,latency_ms\n" + b"a" * 50_000_000,
        "a quote that does not end": b'arch_id,latency_ms\n"' + good.encode() * 200,
        "ZIP": archive.getvalue(),
        "gzip of zeros": gzip.compress(bytes(2**28)),
        "binary": bytes(range(256)) * 1000,
        "NUL bytes": good.encode().replace(b"1.5", b"1\x005"),
        "formulas": good.replace("1.5", "=cmd|'/c calc'!A0").encode(),
        "a number of many digits": good.replace("1.5", "9" * 50_000).encode(),
        "latencies of infinity": good.replace("1.5", "inf").encode(),
        "half of UTF-16": good.encode("utf-16")[:-1],
        "empty": b"",
    }
    for name, content in files.items():
        folder.add(name, content, "table")
    folder.path("a folder").mkdir()
    folder.note("a folder", "table")
    return folder.made


def _parquets(root: Path) -> list[Hostile]:
    folder = Folder(root, "latency table of Parquet", ".parquet")
    cells = get_space("nasbench201").enumerate()[:60]
    good = pd.DataFrame({"arch_id": cells, "latency_ms": np.linspace(1, 2, 60)})
    content = _parquet(pa.Table.from_pandas(good))
    rows = pa.table(
        {
            "arch_id": pa.array([cells[0]]).take(pa.array(np.zeros(3_000_000, np.int64))),
            "latency_ms": np.ones(3_000_000),
        }
    )
    nested = pa.array([[[[1.0]]]] * 60)
    files = {
        "3,000,000 rows": _parquet(rows),
        "nested columns": _parquet(pa.table({"arch_id": cells, "latency_ms": nested})),
        "3,000 columns": _parquet(pa.table({f"c{i}": [1] for i in range(3000)})),
        "a damaged footer": content[:-30] + b"\xff" * 22 + content[-8:],
        "a footer of 2 GB": content[:-8] + b"\xff\xff\xff\x7fPAR1",
        "cut off": content[: len(content) // 2],
    }
    for name, data in files.items():
        folder.add(name, data, "table")
    return folder.made


def _lists(root: Path) -> list[Hostile]:
    cells = Folder(root, "list of cells", ".txt")
    cells.add("binary", bytes(range(256)) * 100, "cells")
    cells.add("a line of 20 MB", b"|" * 20_000_000, "cells")
    cells.add("deep brackets", b"(" * 100_000, "cells")
    answers = Folder(root, "answers by hand", ".csv")
    cell = get_space("nasbench201").enumerate()[0]
    answers.add("an accuracy of 700", f"arch_id,accuracy\n{cell},700\n".encode(), "answers")
    answers.add("an accuracy that is text", f"arch_id,accuracy\n{cell},good\n".encode(), "answers")
    answers.add("columns that are missing", f"a,b\n{cell},1\n".encode(), "answers")
    answers.add("binary", bytes(range(256)) * 100, "answers")
    return cells.made + answers.made
