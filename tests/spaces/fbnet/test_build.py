from __future__ import annotations

import pytest
import torch

from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.export import export_network
from brpnas.spaces import NetworkConfig
from brpnas.spaces.fbnet.build import build_network
from tests.spaces.fbnet.examples import FBNET_C, chain_of
from tests.spaces.fbnet.slow import by_hand


def test_fbnet_c_is_the_published_network():
    """5.5 million parameters and 375 million multiply-adds on ImageNet (Wu et al., table 3)."""
    network = build_network(FBNET_C, NetworkConfig(16, 4, 7, (3, 224, 224), 1000))
    params = sum(p.numel() for p in network.parameters())
    assert params == by_hand(FBNET_C, 224, 1000)[0]
    assert params / 1e6 == pytest.approx(5.5, abs=0.1)


@pytest.mark.parametrize("image", [(1, 8, 8), (3, 16, 20), (3, 65, 64), (2, 131, 128), (3, 3, 1)])
def test_images_of_any_size(rng_sample, image):
    config = NetworkConfig(4, 4, 7, image, 5)
    for arch_id in (*rng_sample[:3], chain_of("skip")):
        network = build_network(arch_id, config).eval()
        with torch.inference_mode():
            assert network(torch.zeros(2, *image)).shape == (2, 5)


def test_isomorphic_architectures_compute_one_function():
    """Moved skips leave all weights in their order."""
    first = FBNET_C.replace("k3_e6-skip-k3_e1-k3_e1", "k3_e6-k3_e1-skip-k3_e1")
    config, states = NetworkConfig(8, 4, 7, (3, 12, 12), 4), []
    for arch_id in (FBNET_C, first):
        torch.manual_seed(0)
        network = build_network(arch_id, config).eval()
        torch.manual_seed(1)
        with torch.inference_mode():
            states.append(network(torch.randn(2, 3, 12, 12)))
    assert torch.equal(*states)


def test_a_network_trains_and_every_weight_takes_part(rng_sample):
    network = build_network(rng_sample[0], NetworkConfig(4, 4, 7, (3, 16, 16), 3))
    loss = torch.nn.functional.cross_entropy(
        network(torch.randn(8, 3, 16, 16)), torch.arange(8) % 3
    )
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_what_is_no_network_is_refused():
    with pytest.raises(ArchitectureError):
        build_network("k3_e1")
    with pytest.raises(ConfigurationError, match="stages is 3"):
        build_network(FBNET_C, NetworkConfig())


@pytest.mark.slow
@pytest.mark.parametrize("dynamic_batch", [False, True])
def test_exports_with_equal_answers(tmp_path, dynamic_batch):
    arch_id = FBNET_C.replace("k5_e3", "k5_e1_g2")
    config = NetworkConfig(4, 4, 7, (3, 18, 14), 4, False)
    path = tmp_path / "network.onnx"
    error = export_network(arch_id, path, config, space="fbnet", dynamic_batch=dynamic_batch)
    assert error < 1e-5
