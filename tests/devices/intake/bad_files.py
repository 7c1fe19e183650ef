"""Faulty files of latencies: each kind made from a good table, at places chosen by the seed.

`BAD` maps every kind to its function, `GOOD` lists every acceptable notation.
"""

from __future__ import annotations

import functools
import gzip
import json
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.notation import written
from brpnas.datasets import read_embedded_latency
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, from_string, published_cells

__all__ = ["BAD", "GOOD", "Made", "Sample", "good_sample"]

ROWS = 60
NAME = "board"


@dataclass(frozen=True)
class Sample:
    """A good table, and the generator choosing the faulty rows."""

    cells: list[str]
    values: list[float]
    rng: np.random.Generator

    def rows(self, count: int) -> list[int]:
        """Some positions in the table, in order."""
        return sorted(int(i) for i in self.rng.choice(len(self.cells), count, replace=False))

    def texts(self) -> list[list[str]]:
        """Cells and latencies in the notation of a CSV file."""
        return [[c, f"{v:.6g}"] for c, v in zip(self.cells, self.values, strict=True)]


@dataclass(frozen=True)
class Made:
    """A generated file, and the words required in a report on it."""

    path: Path
    words: tuple[str, ...]


Maker = Callable[[Path, Sample], Made]
BAD: dict[str, Maker] = {}
"""Each kind of bad file, and the function making it in a folder."""


def good_sample(seed: int, rows: int = ROWS) -> Sample:
    """Rows of a shipped table, different ones for each seed.

    Cells without a path from input to output are left out: their tiny latency means that the
    runtime ran no network, and the report says this.
    """
    table, rng = _table(), np.random.default_rng(seed)
    chosen = table.iloc[rng.choice(len(table), rows, replace=False)]
    return Sample(chosen["arch_id"].tolist(), chosen["latency_ms"].tolist(), rng)


@functools.cache
def _table() -> pd.DataFrame:
    table = read_embedded_latency("amd-epyc-torch-fp32-1t")
    return table[[has_path(cell) for cell in table["arch_id"]]]


def has_path(cell: str) -> bool:
    """Whether the output of a cell depends on its input."""
    reached = {0}
    for code, (source, target) in zip(from_string(cell), EDGES, strict=True):
        if OPERATIONS[code] != "none" and source in reached:
            reached.add(target)
    return max(reached) == EDGES[-1][1]


def bad(kind: str) -> Callable[[Maker], Maker]:
    """Register the function of a kind of bad file."""

    def register(maker: Maker) -> Maker:
        assert kind not in BAD
        BAD[kind] = maker
        return maker

    return register


def lines(rows: Sequence[int]) -> str:
    """Rows as a report names them: the header is line 1; five are shown."""
    shown = ", ".join(str(row + 2) for row in rows[:5])
    return f"line{'s' * (len(rows) > 1)} {shown}"


def csv(
    folder: Path,
    rows: Sequence[Sequence[str]],
    *words: str,
    header: str = "arch_id,latency_ms",
    name: str = f"{NAME}.csv",
    sign: str = ",",
    encoding: str = "utf-8",
) -> Made:
    """Write a file; values are written unchanged."""
    text = "\n".join([header, *(sign.join(row) for row in rows), ""])
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return Made(path, words)


def binary(folder: Path, content: bytes, *words: str, name: str = f"{NAME}.csv") -> Made:
    """Write bytes."""
    (folder / name).write_bytes(content)
    return Made(folder / name, words)


def replaced(sample: Sample, column: int, values: Sequence[str]) -> tuple[list[list[str]], str]:
    """The rows with these values at drawn positions, and how a report names them."""
    rows, hit = sample.texts(), sample.rows(len(values))
    for row, value in zip(hit, values, strict=True):
        rows[row][column] = value
    return rows, lines(hit)


def latencies(kind: str, values: Sequence[str], *words: str) -> None:
    """Register a kind that is some wrong latencies."""

    @bad(kind)
    def make(folder: Path, sample: Sample) -> Made:
        rows, where = replaced(sample, 1, values)
        return csv(folder, rows, where, *words)


def cells(kind: str, values: Sequence[str], *words: str) -> None:
    """Register a kind that is some wrong cells."""

    @bad(kind)
    def make(folder: Path, sample: Sample) -> Made:
        rows, where = replaced(sample, 0, values)
        return csv(folder, rows, where, *words)


def headers(kind: str, header: str, *words: str) -> None:
    """Register a kind that is a wrong header above good rows."""

    @bad(kind)
    def make(folder: Path, sample: Sample) -> Made:
        return csv(folder, sample.texts(), *words, header=header)


def units(kind: str, factor: float, *words: str) -> None:
    """Register a kind: a whole file in another unit."""

    @bad(kind)
    def make(folder: Path, sample: Sample) -> Made:
        scaled = Sample(sample.cells, [value * factor for value in sample.values], sample.rng)
        return csv(folder, scaled.texts(), *words)


def spreads(kind: str, column: str, values: Sequence[str], *words: str) -> None:
    """Register a kind that is a wrong optional column."""

    @bad(kind)
    def make(folder: Path, sample: Sample) -> Made:
        good = "0.01" if column == "std_ms" else "10"
        rows, hit = [[*row, good] for row in sample.texts()], sample.rows(len(values))
        for row, value in zip(hit, values, strict=True):
            rows[row][2] = value
        return csv(folder, rows, lines(hit), *words, header=f"arch_id,latency_ms,{column}")


# Values of rows.
_AGAIN = "Remedy: Measure the cell, or remove the row."
latencies("negative latency", ["-4.2", "-1"], "negative latency", "'-4.2', '-1'", _AGAIN)
latencies("zero latency", ["0", "0.0"], "zero latency", "Remedy: Measure these cells again")
latencies("NaN latency", ["nan", "NaN", "N/A"], "NaN latency", "'nan', 'NaN', 'N/A'", _AGAIN)
latencies("missing latency", ["", ""], "missing latency", _AGAIN)
latencies("infinite latency", ["inf", "1e999"], "infinite latency", _AGAIN)
latencies("text as latency", ["timeout", "fast"], "'timeout', 'fast'", "Remedy: Write a number")
latencies("unit beside a latency", ["5 ms", "4.1ms"], "'5 ms', '4.1ms'", "numbers alone")
latencies("thousands separated", ['"1,234"'], "'1,234'", "with a decimal point")
latencies("below all networks", ["1e-5"], "impossible latency", "1e-05 ms", "or remove the rows")
latencies("above all networks", ["8e7"], "impossible latency", "100,000 ms", "or remove the rows")
latencies("far outlier", ["300", "350"], "outlier", "300, 350 ms", "or remove the rows")
latencies("a row in seconds", ["0.0058"], "mixed units", "0.0058", "every latency in milliseconds")
latencies("rows in microseconds", ["5800", "6100", "4900"], "mixed units", "milliseconds")
_CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"
cells("unknown operation", [_CELL.replace("avg", "max")], "'max_pool_3x3'", "or remove the rows")
cells("cell cut off", [_CELL[:50], _CELL[:60]], "unknown cell", _CELL[:50], "notations")
cells("missing cell", ["", ""], "missing cell", "Remedy: Name the cell")
cells("index that does not exist", ["15625"], "an index is from 0 to 15624", "notations")
cells("codes that do not exist", ["334136"], "from 0 to 4, and 6 is none", "notations")
cells("too few codes", ['"(3, 3, 4, 1, 3)"'], "has 5 operations", "notations")
spreads("negative spread", "std_ms", ["-0.1"], "negative std_ms", _AGAIN)
spreads("text as spread", "std_ms", ["small"], "text as std_ms", "Remedy: Write a number")
spreads("repeats that are no count", "repeats", ["2.5", "0"], "'2.5'", "or leave it empty")
_HEADER = "Remedy: Rename the column to"
headers("column 'arch'", "arch,latency_ms", "'arch'", f"{_HEADER} 'arch_id'")
headers("column 'latency'", "arch_id,latency", "'latency'", f"{_HEADER} 'latency_ms' if")
headers("column 'latency (ms)'", "arch_id,latency (ms)", "'latency (ms)'", _HEADER)
headers("column in other case", "Arch_ID,Latency_MS", "'Arch_ID'", "'Latency_MS'", _HEADER)
headers("column 'latency_s'", "arch_id,latency_s", "'latency_s'", "Multiply it by 1,000 and rename")
headers("column 'latency_us'", "arch_id,latency_us", "'latency_us'", "Divide it by 1,000 and")
headers("column missing", "arch_id,accuracy", "no column 'latency_ms'", "Remedy: Add the column")
units("seconds", 1e-3, "unit", "it looks like seconds", "Multiply all latencies by 1,000")
units("microseconds", 1e3, "unit", "looks like microseconds", "Divide all latencies by 1,000")
units("nanoseconds", 1e6, "unit", "looks like nanoseconds", "Divide all latencies by 1,000,000")


@bad("one value throughout")
def _constant(folder: Path, sample: Sample) -> Made:
    rows = [[cell, "5.5"] for cell in sample.cells]
    return csv(folder, rows, "constant latency", "5.5 ms", "Remedy: Export the measured values")


@bad("half in seconds")
def _halves(folder: Path, sample: Sample) -> Made:
    hit = sample.rows(ROWS // 2)
    values = [v / 1e3 if i in hit else v for i, v in enumerate(sample.values)]
    mixed = Sample(sample.cells, values, sample.rng)
    return csv(folder, mixed.texts(), "mixed units", lines(hit), "(30 in all)", "milliseconds")


@bad("cell twice, equal")
def _twice(folder: Path, sample: Sample) -> Made:
    rows = sample.texts()
    first, second = sample.rows(2)
    rows[second] = rows[first]
    return csv(folder, rows, lines([first, second]), "duplicate cell", "one row per cell")


@bad("cell twice, in two notations")
def _ways(folder: Path, sample: Sample) -> Made:
    rows = sample.texts()
    first, second = sample.rows(2)
    rows[second] = [str(published_cells().index(sample.cells[first])), "5.1"]
    return csv(folder, rows, lines([first, second]), "written in 2 ways", "one row per cell")


@bad("codes without their zeros")
def _zeros(folder: Path, sample: Sample) -> Made:
    rows = [[codes(cell), text] for cell, text in sample.texts()]
    hit = sample.rows(1)
    rows[hit[0]][0] = "13"
    return csv(folder, rows, lines(hit), "ambiguous cell", "'13'", "codes with all their digits")


@bad("other device in the column")
def _device(folder: Path, sample: Sample) -> Made:
    rows, hit = [[*row, NAME] for row in sample.texts()], sample.rows(2)
    for row in hit:
        rows[row][2] = "phone"
    header = "arch_id,latency_ms,device"
    return csv(folder, rows, lines(hit), "'phone'", repr(NAME), header=header)


@bad("too few rows")
def _few(folder: Path, sample: Sample) -> Made:
    return csv(folder, sample.texts()[:4], "4 of 4 rows", "5", "Measure more cells")


@bad("more rows than cells")
def _many(folder: Path, sample: Sample) -> Made:
    rows = [[str(i % 15_625), f"{5 + i / 1e4:.4f}"] for i in range(15_626)]
    words = ("15,626 rows", "has 15,625 cells", "lines 2, 15627", "one row per cell")
    return csv(folder, rows, *words)


# How the file is written.
@bad("empty file")
def _empty(folder: Path, sample: Sample) -> Made:
    return binary(folder, b"", "the file is empty", "Remedy: Export the table again")


@bad("blank lines only")
def _blank(folder: Path, sample: Sample) -> Made:
    return binary(folder, b"\xef\xbb\xbf\n \n\n", "the file is empty", "Remedy: Export the table")


@bad("header only")
def _header_only(folder: Path, sample: Sample) -> Made:
    return csv(folder, [], "no row below it", "Remedy: Add a row for each measured cell")


@bad("no header")
def _headless(folder: Path, sample: Sample) -> Made:
    first, *rows = sample.texts()
    return csv(folder, rows, "line 1", "first line is data", "above it", header=",".join(first))


@bad("comment above the header")
def _comment(folder: Path, sample: Sample) -> Made:
    rows = [["arch_id", "latency_ms"], *sample.texts()]
    return csv(folder, rows, "'# measured'", "Remove the lines above", header="# measured")


@bad("semicolons")
def _semicolons(folder: Path, sample: Sample) -> Made:
    words = ("separated by a semicolon", "Remedy: Export the table with the delimiter ','")
    return csv(folder, sample.texts(), *words, header="arch_id;latency_ms", sign=";")


@bad("tabs")
def _tabs(folder: Path, sample: Sample) -> Made:
    words = ("separated by a tab", "Remedy: Export the table with the delimiter ','")
    return csv(folder, sample.texts(), *words, header="arch_id\tlatency_ms", sign="\t")


@bad("blanks")
def _blanks(folder: Path, sample: Sample) -> Made:
    words = ("separated by blanks", "Remedy: Export the table with the delimiter ','")
    return csv(folder, sample.texts(), *words, header="arch_id   latency_ms", sign="   ")


@bad("semicolons and decimal commas")
def _european(folder: Path, sample: Sample) -> Made:
    rows = [[cell, text.replace(".", ",")] for cell, text in sample.texts()]
    words = ("2 problems", "separated by a semicolon", "Write 4.31, not 4,31")
    return csv(folder, rows, *words, header="arch_id;latency_ms", sign=";")


@bad("decimal commas")
def _commas(folder: Path, sample: Sample) -> Made:
    rows = [[cell, f"{v:.3f}".replace(".", ",")] for cell, v in zip(*pairs(sample), strict=True)]
    return csv(folder, rows, "lines 2, 3, 4", "decimal comma", "with a decimal point, 4.31")


@bad("quoted decimal commas")
def _quoted_commas(folder: Path, sample: Sample) -> Made:
    rows = [[cell, f'"{v:.3f}"'.replace(".", ",")] for cell, v in zip(*pairs(sample), strict=True)]
    return csv(folder, rows, "lines 2, 3, 4", "decimal comma", "with a decimal point, 4.31")


@bad("tuples without quotes")
def _tuples(folder: Path, sample: Sample) -> Made:
    rows = [[str(from_string(cell)), text] for cell, text in sample.texts()]
    return csv(folder, rows, "lines 2, 3, 4", "a tuple holds commas", "in double quotes")


@bad("row with a value too many")
def _wide(folder: Path, sample: Sample) -> Made:
    rows, hit = sample.texts(), sample.rows(2)
    for row in hit:
        rows[row].append("extra")
    return csv(folder, rows, lines(hit), "uneven rows", "3 values", "one value per column")


@bad("file cut off")
def _cut(folder: Path, sample: Sample) -> Made:
    rows = [*sample.texts(), [_CELL[:30]]]
    return csv(folder, rows, lines([ROWS]), "1 value where", "cut off", "Remedy: Give each row")


@bad("quote that is not closed")
def _quote(folder: Path, sample: Sample) -> Made:
    rows, hit = sample.texts(), sample.rows(1)
    rows[hit[0]][0] = f'"{rows[hit[0]][0]}'
    return csv(folder, rows, lines(hit), "double quotes", "Remedy: Close every quoted value")


@bad("column twice")
def _column_twice(folder: Path, sample: Sample) -> Made:
    rows = [[*row, row[1]] for row in sample.texts()]
    words = ("'latency_ms' comes 2 times", "Remedy: Keep one of them")
    return csv(folder, rows, *words, header="arch_id,latency_ms,latency_ms")


@bad("UTF-16")
def _utf16(folder: Path, sample: Sample) -> Made:
    return csv(folder, sample.texts(), "like UTF-16", "encoding UTF-8", encoding="utf-16")


@bad("Latin-1")
def _latin(folder: Path, sample: Sample) -> Made:
    rows, hit = [[*row, "ok"] for row in sample.texts()], sample.rows(1)
    rows[hit[0]][2] = "gerät"
    words = (lines(hit), "like Latin-1", "with the encoding UTF-8")
    header = "arch_id,latency_ms,note"
    return csv(folder, rows, *words, header=header, encoding="latin-1")


@bad("NUL bytes")
def _nul(folder: Path, sample: Sample) -> Made:
    rows, where = replaced(sample, 1, ["4.\0002"])
    return csv(folder, rows, where, "NUL bytes", "Remedy: Export the table again")


@bad("spreadsheet named .csv")
def _xlsx(folder: Path, sample: Sample) -> Made:
    with zipfile.ZipFile(folder / f"{NAME}.csv", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return Made(folder / f"{NAME}.csv", ("spreadsheet (.xlsx)", "Remedy: Export the table"))


@bad("gzip named .csv")
def _gzip(folder: Path, sample: Sample) -> Made:
    return binary(folder, gzip.compress(b"arch_id,latency_ms"), "gzip", "Remedy: Export the table")


@bad("web page named .csv")
def _html(folder: Path, sample: Sample) -> Made:
    page = b"\n<!DOCTYPE html><title>Sign in</title>"
    return binary(folder, page, "a web page", "Remedy: Export the table")


@bad("JSON named .csv")
def _json(folder: Path, sample: Sample) -> Made:
    content = json.dumps(dict(zip(*pairs(sample), strict=True))).encode()
    return binary(folder, content, "JSON", "Remedy: Export the table")


@bad("pointer of Git LFS")
def _lfs(folder: Path, sample: Sample) -> Made:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    return binary(folder, pointer, "pointer of Git LFS", "Remedy: Export the table")


# Where it lies, and Parquet.
@bad("no such file")
def _gone(folder: Path, sample: Sample) -> Made:
    return Made(folder / "gone.csv", ("the file is missing", "path of an existing file"))


@bad("other suffix")
def _suffix(folder: Path, sample: Sample) -> Made:
    words = ("'.txt' is not one of", "as CSV or Parquet")
    return csv(folder, sample.texts(), *words, name=f"{NAME}.txt")


@bad("name that is none of a device")
def _name(folder: Path, sample: Sample) -> Made:
    words = ("'board (1)'", "Remedy: Rename the file")
    return csv(folder, sample.texts(), *words, name=f"{NAME} (1).csv")


@bad("CSV and Parquet of one device")
def _both(folder: Path, sample: Sample) -> Made:
    frame(sample).to_parquet(folder / f"{NAME}.parquet")
    words = (f"{NAME}.parquet beside it", "Remedy: Remove one of them")
    return csv(folder, sample.texts(), *words)


@bad("damaged Parquet")
def _damaged(folder: Path, sample: Sample) -> Made:
    path = folder / f"{NAME}.parquet"
    frame(sample).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    return Made(path, ("cannot be read as Parquet", "Remedy: Write it again"))


@bad("CSV named .parquet")
def _renamed(folder: Path, sample: Sample) -> Made:
    words = ("cannot be read as Parquet", "Remedy: Write it again")
    return csv(folder, sample.texts(), *words, name=f"{NAME}.parquet")


@bad("Parquet with text as latency")
def _typed(folder: Path, sample: Sample) -> Made:
    frame(sample).astype({"latency_ms": str}).to_parquet(folder / f"{NAME}.parquet")
    words = ("the column 'latency_ms'", "numbers", "astype(float)")
    return Made(folder / f"{NAME}.parquet", words)


@bad("Parquet with a missing latency")
def _null(folder: Path, sample: Sample) -> Made:
    table, hit = frame(sample), sample.rows(1)
    table.loc[hit, "latency_ms"] = math.nan
    table.to_parquet(folder / f"{NAME}.parquet")
    words = (f"missing latency, row {hit[0] + 1}:", "or remove the row")
    return Made(folder / f"{NAME}.parquet", words)


@bad("tuples of NASLib")
def _naslib(folder: Path, sample: Sample) -> Made:
    rows = [
        [f'"{cell}"', text]
        for cell, text in zip(
            written(NasBench201(), sample.cells), [text for _, text in sample.texts()], strict=True
        )
    ]
    return csv(folder, rows, "operation codes of NASLib", "--notation naslib --output")


@bad("symbolic link")
def _link(folder: Path, sample: Sample) -> Made:
    made = csv(folder, sample.texts(), "symbolic link", "Copy the table itself", name="other.csv")
    (folder / f"{NAME}.csv").symlink_to(made.path)
    return Made(folder / f"{NAME}.csv", made.words)


@bad("name that ends in a line break")
def _line_break(folder: Path, sample: Sample) -> Made:
    made = csv(folder, sample.texts(), "'board\\n'", "Rename", name=f"{NAME}\n.csv")
    return Made(made.path, made.words)


@bad("thousands of columns")
def _columns(folder: Path, sample: Sample) -> Made:
    header = "arch_id,latency_ms" + ",c" * 25_000
    return csv(folder, [], "25,002 columns", "1,000", header=header)


@bad("index of thousands of digits")
def _digits(folder: Path, sample: Sample) -> Made:
    rows, where = replaced(sample, 0, ["1" * 5_000])
    return csv(folder, rows, where, "unknown cell", "in one of its notations")


@bad("value of a hundred thousand characters")
def _long(folder: Path, sample: Sample) -> Made:
    rows, where = replaced(sample, 1, ["1" * 100_000 + "x"])
    return csv(folder, rows, where, "10,000 characters", "Correct the value")


@bad("Parquet of millions of rows")
def _millions(folder: Path, sample: Sample) -> Made:
    rows = 5_000_000
    same = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["000200"]))
    path = folder / f"{NAME}.parquet"
    pq.write_table(pa.table({"arch_id": same}), path, compression="zstd")
    return Made(path, ("5,000,000 rows", "31,250", "split the table"))


def pairs(sample: Sample) -> tuple[list[str], list[float]]:
    """Cells and latencies."""
    return sample.cells, sample.values


def frame(sample: Sample) -> pd.DataFrame:
    """The good table."""
    return pd.DataFrame({"arch_id": sample.cells, "latency_ms": sample.values})


def codes(cell: str) -> str:
    """Operation codes of a cell as six digits."""
    return "".join(str(code) for code in from_string(cell))


GOOD: dict[str, Callable[[str], str]] = {
    "string": str,
    "string in quotes": lambda cell: f'"{cell}"',
    "six digits": codes,
    "tuple": lambda cell: f'"{from_string(cell)}"',
    "list": lambda cell: f'"{list(from_string(cell))}"',
    "blanks": lambda cell: " ".join(codes(cell)),
    "hyphens": lambda cell: "-".join(codes(cell)),
    "index": lambda cell: str(published_cells().index(cell)),
}
"""Each acceptable notation, and its form of a cell in CSV."""
