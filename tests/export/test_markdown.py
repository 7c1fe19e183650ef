"""Names of unknown origin show as they are: no markup of theirs takes effect."""

from __future__ import annotations

import pytest

from brpnas.export.markdown import Code, code, code_block, escape, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("nor_conv_3x3", "nor_conv_3x3"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a & b &lt;", "a &amp; b &amp;lt;"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("![x](http://y)", r"!\[x\](http://y)"),
        ("*a* _b_ `c` ~d~ $e$", r"\*a\* \_b\_ \`c\` \~d\~ \$e\$"),
        ("a|b\\", r"a\|b" + "\\\\"),
        ("two\nlines\t here", "two lines here"),
        ("hid\u202eden\u200b\x00", "hidU+202EdenU+200BU+0000"),
        ("犬 👩\u200d🔬", "犬 👩\u200d🔬"),
    ],
)
def test_text_is_shown_literally(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_code_cannot_be_left() -> None:
    assert code("a") == "`a`"
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert code("a\n\nb") == "`a b`"
    assert code_block("x = 1", "python") == "```python\nx = 1\n```"
    assert code_block("```\n# end").startswith("````\n")


def test_cells_stay_in_their_column() -> None:
    assert table(("a", "b"), []) == ""
    assert table(("a", "b"), [("x|y", Code("p|q")), (1, 2.5)]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        r"| x\|y | `p\|q` |",
        "| 1 | 2.5 |",
    ]
