from __future__ import annotations

import json
import math

from brpnas.promotion import Decision, Gates, decide
from tests.promotion.toys import evaluated, rows

CHAMPION = evaluated(rows(0.2, seed=1), "version 1")


def decision() -> Decision:
    return decide(evaluated(rows(0.05)), CHAMPION, "latency", Gates(min_spearman=0.5))


def test_tags_are_short_texts_that_tell_it_all():
    tags = decision().tags()
    assert tags["brpnas.decision"] == "promoted"
    assert tags["brpnas.decision.against"] == "version 1"
    assert tags["brpnas.decision.rows"] == "200"
    low, high = json.loads(tags["brpnas.decision.interval"])
    assert 0 < low < float(tags["brpnas.decision.difference"]) < high
    assert all(isinstance(value, str) and 0 < len(value) <= 5000 for value in tags.values())


def test_long_reasons_are_cut_for_tags():
    long = Decision("refused", ("word " * 3000,), "version 2", None, "latency")
    assert len(long.tags()["brpnas.decision.reasons"]) <= 5000
    assert long.tags()["brpnas.decision.difference"] == "none"


def test_record_is_a_page_with_both_models_side_by_side():
    page = decision().record("latency-board")
    assert page.startswith("# latency-board: version 2 promoted\n")
    assert "| version 2 | version 1 |\n" in page
    assert f"- {decision().reasons[0]}\n" in page
    assert "- gate min_spearman: 0.5" in page
    assert "- gate min_within_10: none" in page


def test_record_without_figures_has_no_empty_headings():
    page = Decision("kept", ("Reason.",), "version 1", None, "latency").record()
    assert "- Reason." in page
    assert "##" not in page


def test_json_holds_everything_and_no_nan():
    refused = Decision(
        "refused", ("No.",), "version 2", None, "latency", {"challenger": {"spearman": math.nan}}
    )
    assert json.loads(refused.to_json())["figures"] == {"challenger": {"spearman": None}}
    found = json.loads(decision().to_json())
    assert found["verdict"] == "promoted"
    assert found["figures"]["challenger"]["log_error"] < found["figures"]["champion"]["log_error"]
