from __future__ import annotations

import dataclasses

import pytest

from brpnas.errors import ConfigurationError
from brpnas.spaces.fbnet.plan import PUBLISHED, plan_of


def sized(*image: int, **changes: int):
    return dataclasses.replace(PUBLISHED, input_shape=(3, *image), **changes)


def test_the_published_network_on_cifar():
    plan = plan_of(PUBLISHED)
    assert (plan.stem, plan.stem_stride, plan.head, plan.classes) == (16, 1, 1504, 100)
    starts = [layer for layer in plan.layers if not layer.keeps]
    assert [(x.inputs, x.outputs, x.stride) for x in starts] == [
        (16, 24, 1), (24, 32, 2), (32, 64, 2), (64, 112, 1), (112, 184, 2), (184, 352, 1)
    ]  # fmt: skip
    assert [layer.height for layer in plan.layers] == [32] * 6 + [16] * 4 + [8] * 8 + [4] * 4
    assert all(x.inputs == x.outputs and x.stride == 1 for x in plan.layers if x.keeps)


def test_the_published_network_on_imagenet():
    plan = plan_of(sized(224, 224, classes=1000))
    assert (plan.stem, plan.stem_stride, plan.head) == (16, 2, 1984)
    heights = [112] * 2 + [56] * 4 + [28] * 4 + [14] * 8 + [7] * 4
    assert [layer.height for layer in plan.layers] == heights


@pytest.mark.parametrize(
    ("image", "last", "head"),
    [
        ((63, 200), (8, 25), 1504),
        ((64, 64), (4, 4), 1504),
        ((127, 127), (8, 8), 1504),
        ((128, 128), (4, 4), 1984),
        ((129, 300), (5, 10), 1984),
        ((8, 8), (1, 1), 1504),
        ((1, 1), (1, 1), 1504),
        ((9, 31), (2, 4), 1504),
    ],
)
def test_images_decide_what_halves_them(image, last, head):
    plan = plan_of(sized(*image))
    layer = plan.layers[-1]
    assert (layer.height, layer.width) == last
    assert layer.output_pixels == last[0] * last[1]
    assert plan.head == head


@pytest.mark.parametrize("channels", [1, 3, 5, 8, 12, 33])
def test_widths_follow_the_channels_and_are_even(channels):
    plan = plan_of(sized(32, 32, channels=channels))
    widths = [plan.stem, *(layer.outputs for layer in plan.layers), plan.head]
    published = plan_of(PUBLISHED)
    exact = [published.stem, *(layer.outputs for layer in published.layers), published.head]
    assert all(width % 2 == 0 and width >= 2 for width in widths)
    assert all(
        abs(width - max(2, channels * e / 16)) <= 1 for width, e in zip(widths, exact, strict=True)
    )
    assert [layer.keeps for layer in plan.layers] == [layer.keeps for layer in published.layers]


@pytest.mark.parametrize("change", [{"stages": 3}, {"cells_per_stage": 1}])
def test_the_space_decides_the_depth(change):
    (name,) = change
    with pytest.raises(ConfigurationError, match=f"^{name} is {change[name]}.*Set {name} to"):
        plan_of(sized(32, 32, **change))
