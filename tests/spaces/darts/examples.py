"""Published architectures, and their numbers as the papers or their code state them."""

DARTS_V2 = """Genotype(
    normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
            ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
    normal_concat=[2, 3, 4, 5],
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1),
            ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
    reduce_concat=[2, 3, 4, 5])"""
DARTS_V2_ID = (
    "normal=sep3~0+sep3~1|sep3~0+sep3~1|skip~0+sep3~1|skip~0+dil3~2;"
    "reduce=max3~0+max3~1|max3~1+skip~2|max3~0+skip~2|max3~1+skip~2"
)
PC_DARTS = """Genotype(
    normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1),
            ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)],
    normal_concat=range(2, 6),
    reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2),
            ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],
    reduce_concat=range(2, 6))"""


def chain_of(operation: str) -> str:
    """Architecture of one operation alone, by its short name."""
    term = f"{operation}~0+{operation}"
    nodes = "|".join(f"{term}~{source}" for source in (1, 2, 3, 4))
    return f"normal={nodes};reduce={nodes}"
