"""Answers written by users: read with their line, or refused with lines and remedies."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from brpnas.errors import IntakeError
from brpnas.search.oracles.answers import read_answers
from brpnas.spaces import NasBench201

CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arch_id,acc\nx,0.5\n", "'acc'"),
        ("arch_id,accuracy\nx,93.1\n", "line 2: accuracy '93.1': a fraction.*[\\s\\S]*by 100"),
        ("arch_id,accuracy\nx,91 %\n", "line 2: .*[\\s\\S]*0.914 for 91.4 %"),
        ("arch_id,accuracy\nx,0.5\ny,good\n", "line 3: accuracy 'good'"),
        ("arch_id,accuracy\nx,nan\n", "NaN accuracy, line 2: [\\s\\S]*Leave accuracy"),
        ("arch_id,accuracy\nx,-1\n", "negative accuracy, line 2: [\\s\\S]*Leave accuracy"),
        ("arch_id,accuracy\nx,0.5\n,0.6\n", "missing cell, line 3"),
        ("arch_id,accuracy\nx,0.9,\ny,0.8,\n", "lines 2, 3: 3 .* 2; .*comma"),
        ("arch_id,accuracy\nx,0,914\n", "line 2.*decimal comma"),
        ('arch_id,accuracy\nx,"0,914"\n', "accuracy, line 2: .*'0,914'.*decimal"),
        ("arch_id,accuracy,train_time_s\nx,0,914\ny,1,0\n", "lines 2, 3.*decimal commas"),
        ("arch_id,accuracy,message\nx,,out of memory, killed\n", "line 2: 4 values"),
        ("arch_id;accuracy\nx;0.5\n", "delimiter, line 1: .*semicolon"),
        (
            "arch_id,accuracy,test_acc\nx,0.5,0.4\n",
            "no column 'test_accuracy'.*'test_acc'",
        ),
        (
            "arch_id,accuracy,Train time\nx,0.5,9\n",
            "'Train time'.*[\\s\\S]*Rename .*'train_time_s'",
        ),
        (
            "arch_id,accuracy,train_time_h\nx,0.5,9\n",
            "'train_time_h'.*[\\s\\S]*3,600 .*'train_time_s'",
        ),
        ("", "empty file: [\\s\\S]*arch_id,accuracy"),
        ("arch_id,accuracy\n", "no rows: [\\s\\S]*arch_id,accuracy"),
    ],
)
def test_malformed_answers_are_refused_with_lines(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(text)
    with pytest.raises(IntakeError, match=message) as caught:
        read_answers(path, None)
    assert str(path) in str(caught.value)


def test_a_column_that_nothing_knows_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("arch_id,accuracy,test_acuracy,gpu\nx,0.5,0.4,H200\n")
    assert read_answers(path, None)["test_accuracy"].isna().all()
    assert re.search(rf"{path}: .*'test_acuracy' .*'test_accuracy'\?", caplog.text)
    assert "'gpu'" in caplog.text
    path.write_text("arch_id,accuracy,test_accuracy,query,run\nx,0.5,0.4,1,0\n")
    caplog.clear()
    read_answers(path, None)
    assert not caplog.records


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_other_encodings_are_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes("arch_id,accuracy,message\nx,,größer\n".encode(encoding))
    with pytest.raises(IntakeError, match="UTF-16" if "16" in encoding else "Latin-1"):
        read_answers(tmp_path / "a.csv", None)


def test_good_answers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\xef\xbb\xbfrun,message,accuracy,arch_id,train_time_s\r\n"
        b'0,"out of memory, killed",,300001,\r\n\r\n1,, 1 ,' + CELL.encode() + b",12\r\n"
    )
    table = read_answers(path, NasBench201())
    assert table["line"].tolist() == [2, 4]
    assert table["arch_id"].tolist() == [CELL, CELL]
    assert table["accuracy"].tolist() == pytest.approx([np.nan, 1.0], nan_ok=True)
    assert table["train_time_s"].tolist() == pytest.approx([np.nan, 12.0], nan_ok=True)
    assert table["test_accuracy"].isna().all()
    assert table["message"].tolist() == ["out of memory, killed", ""]


def test_no_file_is_no_answer(tmp_path: Path) -> None:
    assert read_answers(tmp_path / "none.csv", NasBench201()).empty
