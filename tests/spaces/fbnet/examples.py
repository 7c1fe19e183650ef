"""Architectures used in several tests."""

FBNET_C = "-".join(
    [
        "k3_e1",
        *("k3_e6", "skip", "k3_e1", "k3_e1"),
        *("k5_e6", "k5_e3", "k5_e6", "k3_e6"),
        *("k5_e6", "k5_e3", "k5_e6", "k5_e6"),
        *("k5_e6", "k5_e6", "k5_e6", "k5_e3"),
        *("k5_e6", "k5_e6", "k5_e6", "k5_e6"),
        "k3_e6",
    ]
)
"""FBNet-C (Wu et al., figure 4)."""


def chain_of(block: str) -> str:
    """The architecture of 22 equal blocks."""
    return "-".join([block] * 22)
