"""Hardware-aware neural architecture search with BRP-NAS (Dudziak et al., NeurIPS 2020)."""
