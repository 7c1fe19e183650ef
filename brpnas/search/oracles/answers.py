"""Strict reader of the answers to the file oracle: a table of accuracies written by hand."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from brpnas.spaces import SearchSpace
from brpnas.spaces.reading import read_column
from brpnas.tables import (
    CELL,
    Column,
    Finding,
    RawTable,
    check,
    error,
    read_numbers,
    read_raw,
    row_word,
    warning_text,
)
from brpnas.tables.numbers import examples

__all__ = ["ANSWER_COLUMNS", "read_answers"]

_log = logging.getLogger(__name__)

_ACCURACY = (
    *("acc", "valacc", "validacc", "valaccuracy", "validaccuracy", "validationaccuracy"),
    *("accuracyval", "accuracyvalid", "accuracypercent", "top1", "top1accuracy", "score"),
)
_TEST_ACCURACY = ("testacc", "acctest", "accuracytest", "testaccuracypercent", "testtop1")
_MINUTES, _HOURS = "Multiply it by 60", "Multiply it by 3,600"
_TIME = {
    **dict.fromkeys(("traintime", "trainingtime", "trainingtimes", "time", "times"), ""),
    **dict.fromkeys(("seconds", "duration", "durations", "trainseconds", "walltime"), ""),
    **dict.fromkeys(("traintimemin", "traintimeminutes", "trainingtimemin", "minutes"), _MINUTES),
    **dict.fromkeys(("traintimeh", "traintimehours", "trainingtimeh", "hours"), _HOURS),
}
ANSWER_COLUMNS = (
    CELL,
    Column("accuracy", "number", required=True, aliases=dict.fromkeys(_ACCURACY, "")),
    Column("test_accuracy", "number", aliases=dict.fromkeys(_TEST_ACCURACY, "")),
    Column("train_time_s", "number", aliases=_TIME, unit="seconds"),
    Column("message"),
    Column("query"),
    Column("run"),
)
"""The last two are columns of the questions and are ignored."""
_EMPTY_MEANS = {
    "accuracy": "Leave accuracy empty where a training failed.",
    "test_accuracy": "Leave it empty where it is not known.",
    "train_time_s": "Leave it empty where it is not known.",
}


def read_answers(path: Path, space: SearchSpace | None) -> pd.DataFrame:
    """Read a file of answers; log oddities such as an unknown column.

    Args:
        path: A CSV file with the columns ``arch_id`` and ``accuracy``, optionally
            ``test_accuracy``, ``train_time_s`` and ``message``; it need not exist.
        space: Space of the cells, in any of its notations; None keeps them unchanged.

    Returns:
        ``line, arch_id, accuracy, test_accuracy, train_time_s, message``, a row for each answer, in
        the order of the file. NaN for an empty number.

    Raises:
        IntakeError: If the file has an error; the report names every problem with its lines.
    """
    if not path.exists():
        raw, found = RawTable({}, (), 0), list[Finding]()
    else:
        read, found = read_raw(path, ANSWER_COLUMNS)
        found = [_read_by_itself(finding) for finding in found]
        check(path, found if read is None else [])
        raw = read or RawTable({}, (), 0)
    table = pd.DataFrame({"line": pd.Series(raw.lines, dtype="int64")})
    texts = raw.column("arch_id")
    arch_ids: Sequence[str | None] = texts
    if "arch_id" in raw.texts:
        as_it_stands: Callable[[str], str] = str
        reader = as_it_stands if space is None else space.read
        arch_ids, about = read_column(texts, raw.lines, reader)
        found += about
    table["arch_id"] = pd.Series(list(arch_ids), dtype="object")
    for name, remedy in _EMPTY_MEANS.items():
        table[name], about = _numbers(name, raw, remedy)
        found += about
    table["message"] = pd.Series(list(raw.column("message")), dtype="object")
    check(path, [*found, *_decimal_commas(raw)])
    for line in warning_text(found, row_word(path)):
        _log.warning("%s: %s", path, line.strip(" -"))
    return table


def _read_by_itself(finding: Finding) -> Finding:
    """Finding with the advice to fill an empty file of answers, not to remove it."""
    if finding.kind not in ("no rows", "empty file"):
        return finding
    remedy = "Put arch_id,accuracy into the first line and a row for each answer below it."
    return error(finding.kind, f"{finding.message} No answer is in it.", remedy, finding.rows)


def _numbers(name: str, raw: RawTable, remedy: str) -> tuple[list[float], list[Finding]]:
    """A column of numbers, empty if it is missing; accuracies are fractions."""
    texts = raw.column(name)
    values, found = read_numbers(name, texts, raw.lines, may_miss=("missing",))
    if any(text.endswith("%") for text in texts):
        remedy = "Write a fraction: 0.914 for 91.4 %."
    found = [f if "comma" in f.kind else error(f.kind, f.message, remedy, f.rows) for f in found]
    wrong = [i for i, value in enumerate(values) if value > 1] if "accuracy" in name else []
    if wrong:
        message = f"{name} {examples([texts[i] for i in wrong])}: a fraction is from 0 to 1."
        where = [raw.lines[i] for i in wrong]
        found.append(error(f"{name} above 1", message, "Divide percent by 100.", where))
    return values, found


def _decimal_commas(raw: RawTable) -> list[Finding]:
    """Rows with digits moved by a decimal comma into the column after the accuracy."""
    names = list(raw.texts)
    after = names[names.index("accuracy") + 1 :][:1] if "accuracy" in names else []
    if not after:
        return []
    pairs = list(zip(raw.texts["accuracy"], raw.texts[after[0]], strict=True))
    wrong = [i for i, pair in enumerate(pairs) if re.fullmatch(r"0,\d+|1,0+", ",".join(pair))]
    given = sum(bool(first) for first, _ in pairs)
    if not wrong or len(wrong) < given:
        return []
    message = (
        f"every accuracy is 0 or 1, with digits in {after[0]}, such as {','.join(pairs[wrong[0]])}:"
        " this looks like decimal commas."
    )
    remedy = "Write a decimal point: 0.914. An accuracy of exactly 0 or 1 is written 0.0 or 1.0."
    return [error("decimal comma", message, remedy, [raw.lines[i] for i in wrong])]
