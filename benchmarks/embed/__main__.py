"""``python -m benchmarks.embed``: write the embedded benchmark."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.embed import collect, contents, extend, replace_curves, write
from brpnas.datasets.shipped import EMBEDDED
from brpnas.devices import catalogue
from brpnas.errors import BrpNasError

CATALOGUE = Path(catalogue.__file__).with_name("catalogue.yml")


def main(arguments: list[str] | None = None) -> int:
    """Read the workspace, write the package files, print a summary."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.embed",
        description="Makes the shipped benchmark from the outputs of `kedro run --env=embedded "
        "--pipelines=train_candidates` and `--pipelines=measure`, or adds devices to it.",
    )
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--trained",
        metavar="TEXT",
        help="make all of it; when, on what and with which torch the networks were trained, for "
        "the datasheet",
    )
    kind.add_argument(
        "--add",
        action="store_true",
        help="add the devices of 01_raw/measured in the workspace (`measure`, or tables of `brpnas "
        "kit read`), or replace those of the same names; all else in --output stays",
    )
    kind.add_argument(
        "--curves",
        metavar="TEXT",
        help="replace the learning curves by those of the workspace, which must end at the "
        "accuracies of --output; when and on what they were trained, for the datasheet; all else "
        "stays",
    )
    parser.add_argument("--workspace", type=Path, default=Path("data/embedded"), metavar="FOLDER")
    parser.add_argument(
        "--again",
        type=Path,
        metavar="FOLDER",
        help="second measurements, tables of the same names, to state how well they agree",
    )
    parser.add_argument("--output", type=Path, default=EMBEDDED, metavar="FOLDER")
    parser.add_argument("--catalogue", type=Path, default=CATALOGUE, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        if given.add:
            collected = extend(given.workspace, given.output, given.catalogue, again=given.again)
        elif given.curves is not None:
            collected = replace_curves(
                given.workspace, given.output, given.catalogue, trained=given.curves
            )
        else:
            collected = collect(given.workspace, trained=given.trained, again=given.again)
        files = contents(collected)
        write(files, collected.devices, given.output, given.catalogue)
    except BrpNasError as error:
        sys.exit(f"Error: {error}")
    for name, content in files.items():
        print(f"{len(content):>10,} bytes  {given.output / name}")
    for name, facts in collected.facts["latency"].items():
        print(f"median {facts['latency_ms']['median']:8.3f} ms  {name}, {facts['cells']} cells")
    return 0


if __name__ == "__main__":
    sys.exit(main())
