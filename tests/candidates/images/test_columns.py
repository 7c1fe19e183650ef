from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from brpnas.candidates.images.columns import Columns, find_columns
from brpnas.errors import SchemaError


def find(names: str, label: str | None = None, **features: Any) -> Columns:
    schema = pa.schema([(name, pa.int64()) for name in names.split()])
    if features:
        notes = json.dumps({"info": {"features": features}})
        schema = schema.with_metadata({"huggingface": notes})
    return find_columns(schema, label, "x.parquet")


@pytest.mark.parametrize(
    ("names", "image", "label", "split"),
    [
        ("image label", "image", "label", None),
        ("label split img", "img", "label", "split"),
        ("image label fine_label", "image", "label", None),
        ("image labels", "image", "labels", None),
        ("id image target", "image", "target", None),
    ],
)
def test_by_their_usual_names(names: str, image: str, label: str, split: str | None) -> None:
    assert find(names) == Columns(image, label, split, None)


def test_by_the_notes_of_hugging_face() -> None:
    breed = {"_type": "ClassLabel", "names": ["pug", "corgi"]}
    found = find("photo breed", photo={"_type": "Image"}, breed=breed)
    assert found == Columns("photo", "breed", None, ("pug", "corgi"))
    other = {"_type": "ClassLabel", "names": ["big"]}
    with pytest.raises(SchemaError, match=r"labels: breed, size .*images\.label"):
        find("photo breed size", photo={"_type": "Image"}, breed=breed, size=other)
    chosen = find("photo breed size", "size", photo={"_type": "Image"}, breed=breed, size=other)
    assert chosen.label_names == ("big",)


@pytest.mark.parametrize(
    ("names", "label", "message"),
    [
        ("img text", None, r"no labels, only img, text.*images\.label"),
        ("label", None, "no images, only label"),
        ("image fine_label coarse_label", None, "labels: fine_label, coarse_label "),
        ("image label", "lable", r"'lable', .*images\.label.* 'label'\?"),
        (" ".join(f"c{n}" for n in range(300)), None, r"c0, .*\bc19 and"),
    ],
)
def test_what_is_missing_is_named(names: str, label: str | None, message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        find(names, label)
    assert len(str(caught.value)) < 600
