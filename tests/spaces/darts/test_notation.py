import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.darts import OPERATIONS, Darts, read_notation
from brpnas.spaces.darts.cell import CELLS
from tests.spaces.darts.examples import DARTS_V2, DARTS_V2_ID, PC_DARTS


def to_genotype(arch_id):
    """The published notation."""
    decisions = Darts().decisions([arch_id])[0].reshape(len(CELLS), -1, 2).tolist()
    edges = [[(OPERATIONS[op], source) for op, source in cell] for cell in decisions]
    return (
        f"Genotype(normal={edges[0]}, normal_concat=range(2, 6), "
        f"reduce={edges[1]}, reduce_concat=range(2, 6))"
    )


GOOD = to_genotype(DARTS_V2_ID)


def test_the_published_genotype():
    assert read_notation(DARTS_V2) == DARTS_V2_ID
    assert read_notation(PC_DARTS).startswith("normal=skip~0+sep3~1|sep3~0+dil3~1|sep5~0+sep3~1|")


@pytest.mark.parametrize("frame", ["{}", "DARTS_V2 = {}", "\n\tgenotypes.{} \n"])
def test_what_stands_around_a_genotype(frame):
    assert read_notation(frame.format(GOOD)) == DARTS_V2_ID


@pytest.mark.parametrize("concat", ["range(6)[2:]", "range(2, 6)", "[2, 3, 4, 5]", "(5, 2, 3, 4)"])
def test_ways_to_write_a_concatenation(concat):
    text = GOOD.replace("range(2, 6)", concat)
    if "[2:]" in concat:
        with pytest.raises(ArchitectureError, match=r": normal_concat .* list .* range\."):
            read_notation(text)
    else:
        assert read_notation(text) == DARTS_V2_ID


def test_arguments_by_position():
    text = GOOD
    for name in ("normal=", "normal_concat=", "reduce=", "reduce_concat="):
        text = text.replace(name, "", 1)
    assert "=" not in text
    assert read_notation(text) == DARTS_V2_ID


def test_text_and_genotype_are_two_ways_to_write_the_same(rng_sample):
    assert [read_notation(to_genotype(arch_id)) for arch_id in rng_sample] == rng_sample
    assert [read_notation(arch_id) for arch_id in rng_sample] == rng_sample
    assert Darts().read(to_genotype(rng_sample[0])) == rng_sample[0]


def test_a_genotype_names_operations_as_published():
    namespace = {"Genotype": dict, "range": range}
    fields = eval(GOOD, namespace)
    assert list(fields) == ["normal", "normal_concat", "reduce", "reduce_concat"]
    assert fields["normal"][:2] == [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)]
    assert fields["reduce"][2:4] == [("max_pool_3x3", 1), ("skip_connect", 2)]
    assert list(fields["reduce_concat"]) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("range(2, 6)", "range(3, 6)", "normal_concat must be"),
        ("range(2, 6)", "range(2, 10**9)", ": normal_concat is"),
        ("range(2, 6)", "range(10)", "normal_concat must be"),
        ("range(2, 6)", "list(2, 6)", ": normal_concat is"),
        ("range(2, 6)", "__import__('os').getcwd()", ": normal_concat is"),
        ("range(2, 6)", "{2, 3, 4, 5}", "normal_concat must be"),
        ("'sep_conv_3x3'", "'sep_conv_7x7'", "'sep_conv_5x5'?"),
        ("'sep_conv_3x3'", "'none'", "no operation 'none'"),
        ("'sep_conv_3x3'", "3", "no operation 3"),
        ("'sep_conv_3x3', 1", "'sep_conv_3x3', 0", "reads node 0 twice"),
        ("'sep_conv_3x3', 1", "'sep_conv_3x3', 2", "nodes 0 to 1"),
        ("'sep_conv_3x3', 1", "'sep_conv_3x3', -1", "nodes 0 to 1"),
        ("'sep_conv_3x3', 1", "'sep_conv_3x3', True", " a pair "),
        ("('sep_conv_3x3', 1)", "'sep_conv_3x3'", " a pair "),
        ("[('sep_conv_3x3', 0), ", "[", "list of 8 pairs"),
        ("normal=", "norma1=", "'norma1' is unknown"),
        ("normal=", "normal=[], normal=", "given twice"),
        (", reduce_concat=range(2, 6)", "", "lacks reduce_concat"),
        (")", "", "call of Genotype"),
        (", reduce=", ", **{}, reduce=", "argument None "),
        ("normal=", "1, normal=", "given twice"),
    ],
)
def test_a_genotype_of_another_kind_is_refused(old, new, why):
    with pytest.raises(ArchitectureError) as raised:
        read_notation(GOOD.replace(old, new, 1))
    assert why in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "Genotype(" * 5000,
        "Genotype(" + "[" * 500 + "]" * 500 + ")",
        "Genotype(\0)",
        "Genotype(1, 2, 3, 4, 5)",
        "Genotype()",
        "Genotype(*[1])",
    ],
    ids=["deep", "brackets", "null", "many", "none", "star"],
)
def test_strange_text_is_refused(text):
    with pytest.raises(ArchitectureError, match=r"^['\"]Genotype\(.* DARTS "):
        read_notation(text)
