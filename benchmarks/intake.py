"""Files of latencies that are wrong: each kind refused in words that help, and no file changed.

For each seed, rows of a table that ships are drawn and every kind of `benchmarks.bad_files` is made
of them. A refusal is clear if it is an `IntakeError` that names the rows or columns hit and a
remedy. A file is changed if its bytes, or the list of files beside it, differ after the intake.
Good files in every notation of a cell must be accepted, all with the same table. `--quick` asks the
tables that ship about the notation of NASLib; else those of LatBench and HELP are asked too.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.bad_files import BAD, GOOD, csv, good_sample
from benchmarks.data import Benchmark
from benchmarks.notation import figures as notation_figures
from brpnas.devices import read_device_table
from brpnas.errors import IntakeError
from brpnas.spaces import get_space

__all__ = ["accepts", "hashes", "refuses", "run"]


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print the table and return its figures."""
    seeds = seeds or (1 if quick else 10)
    print(__doc__)
    print(f"{seeds} seeds\n")
    clear = dict.fromkeys(BAD, 0)
    changed = 0
    for kind in BAD:
        for seed in range(seeds):
            said, is_clear, touched = refuses(kind, seed, bench.space_name)
            clear[kind] += is_clear
            changed += touched
            if seed == 0:
                print(f"{kind:31} | {said[:150]}")
    accepted = {
        name: sum(accepts(name, s, bench.space_name) for s in range(seeds)) for name in GOOD
    }
    refused = [kind for kind, count in clear.items() if count == seeds]
    good = [name for name, count in accepted.items() if count == seeds]
    print(f"\nNot refused clearly with every seed: {sorted(set(BAD) - set(refused)) or 'none'}")
    print(f"Good notations accepted with every seed: {', '.join(good)}")
    print(
        f"{len(BAD)} kinds of bad file: {len(refused)} clear refusals, {changed} files changed; "
        f"{len(good)} of {len(GOOD)} good notations accepted"
    )
    return {
        "seeds": seeds,
        "kinds": len(BAD),
        "refused": len(refused),
        "files_changed": changed,
        "good": len(GOOD),
        "good_accepted": len(good),
        "not_refused": sorted(set(BAD) - set(refused)),
        "notation": notation_figures(bench, published=not quick, draws=5 if quick else 40),
    }


def refuses(kind: str, seed: int, space: str) -> tuple[str, bool, int]:
    """Make a bad file and read it.

    Returns:
        The first problem as it was told, whether the refusal is clear, and how many files changed.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = BAD[kind](folder, good_sample(seed))
        before = hashes(folder)
        try:
            read_device_table(made.path, get_space(space))
            report = "accepted"
        except IntakeError as error:
            report = str(error)
        after = hashes(folder)
    touched = sum(before.get(name) != after.get(name) for name in {*before, *after})
    lines = [*report.splitlines(), ""]
    names = any(name in lines[0] for name in (str(made.path), repr(str(made.path))))
    is_clear = names and all(word in report for word in made.words)
    return lines[1].strip(), is_clear, touched


def accepts(notation: str, seed: int, space: str) -> bool:
    """Whether a good file in a notation is read as the table it was made of, without a flag."""
    sample = good_sample(seed)
    write = GOOD[notation]
    with tempfile.TemporaryDirectory() as place:
        rows = [[write(cell), repr(v)] for cell, v in zip(sample.cells, sample.values, strict=True)]
        made = csv(Path(place), rows)
        try:
            found = read_device_table(made.path, get_space(space))
        except IntakeError:
            return False
    expected = pd.Series(sample.values, sample.cells).sort_index()
    read = found.table.set_index("arch_id")["latency_ms"]
    return not found.findings and read.to_dict() == expected.to_dict()


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, by its path."""
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
