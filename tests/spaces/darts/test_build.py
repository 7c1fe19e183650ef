from __future__ import annotations

import itertools

import onnxruntime
import pytest
import torch

from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.export.network import export_image_network
from brpnas.spaces.darts import Darts
from brpnas.spaces.darts.build import build_network
from brpnas.spaces.darts.isomorphism import renumberings
from brpnas.spaces.darts.space import node_numbers, to_strings
from brpnas.spaces.network import NetworkConfig
from tests.spaces.darts.examples import DARTS_V2_ID, chain_of
from tests.spaces.darts.slow import read

SMALL = NetworkConfig(channels=4, cells_per_stage=1, stages=3, input_shape=(1, 8, 8))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_the_published_network_has_twenty_cells_and_two_reductions():
    network = build_network(DARTS_V2_ID)
    assert len(network.cells) == 20
    with torch.inference_mode():
        sizes, x = [], network.eval().stem(torch.zeros(1, 3, 32, 32))
        before, last = x, x
        for cell in network.cells:
            before, last = last, cell(before, last)
            sizes.append((last.shape[1], last.shape[-1]))
    assert sizes == [(144, 32)] * 6 + [(288, 16)] * 7 + [(576, 8)] * 7


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        NetworkConfig(channels=4, cells_per_stage=1, stages=1, input_shape=(3, 5, 6), classes=3),
        NetworkConfig(channels=3, cells_per_stage=2, stages=4, input_shape=(3, 8, 8)),
    ],
)
def test_maps_images_to_logits(config, rng_sample):
    for arch_id in rng_sample[:3]:
        network = Darts().build(arch_id, config)
        assert network(torch.randn(2, *config.input_shape)).shape == (2, config.classes)


def test_every_parameter_learns():
    network = build_network(DARTS_V2_ID, SMALL)
    network.add_auxiliary()
    logits, auxiliary = network.forward_auxiliary(torch.randn(4, 1, 8, 8))
    (logits.square().sum() + auxiliary.square().sum()).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_renumbered_architectures_compute_the_same_function(rng_sample):
    """Weights moved along with the nodes, the outputs of both networks are equal."""
    arch_id = max(rng_sample, key=lambda a: len(renumberings(node_numbers([a]))[0]))
    other = to_strings(renumberings(node_numbers([arch_id]))[0])
    other = next(o for o in other if o.split(";")[0] != arch_id.split(";")[0])
    config = NetworkConfig(channels=4, cells_per_stage=2, stages=1, input_shape=(1, 8, 8))
    one, two = build_network(arch_id, config).eval(), build_network(other, config).eval()
    nodes, moved = read(arch_id)[0], read(other)[0]
    for order in itertools.permutations(range(4)):  # order[k] is the old node at the new place k
        place = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
        if all(
            sorted((place[s], op) for op, s in nodes[old])
            == sorted((s, op) for op, s in moved[new])
            for new, old in enumerate(order)
        ):
            break
    channels = torch.cat([torch.arange(4) + 4 * old for old in order])
    state, target = one.state_dict(), two.state_dict()
    for name in target:
        parts = name.split(".")
        if parts[2:3] == ["operations"]:
            new, edge = divmod(int(parts[3]), 2)
            op, source = moved[new][edge]
            old = order[new]
            terms = [(o, place[s]) for o, s in nodes[old]]
            parts[3] = str(2 * old + terms.index((op, source)))
        value = state[".".join(parts)]
        reads_a_cell = value.dim() in (2, 4) and value.shape[1] == 16
        target[name] = value[:, channels] if reads_a_cell else value
    two.load_state_dict(target)
    images = torch.randn(3, 1, 8, 8)
    with torch.inference_mode():
        assert torch.allclose(one(images), two(images), atol=1e-5)
        assert not torch.equal(one(images), torch.zeros(3, 10))


class TestAuxiliary:
    def test_is_there_only_when_asked_for(self):
        network = build_network(DARTS_V2_ID, SMALL)
        plain = set(network.state_dict())
        with pytest.raises(ConfigurationError, match="add_auxiliary"):
            network.forward_auxiliary(torch.zeros(1, 1, 8, 8))
        network.add_auxiliary()
        assert plain < set(network.state_dict())
        network.remove_auxiliary()
        assert set(network.state_dict()) == plain

    def test_branches_off_after_two_thirds_of_the_cells(self):
        network = build_network(DARTS_V2_ID)
        network.add_auxiliary()
        assert network.auxiliary.features[2].in_channels == 576
        assert isinstance(network.auxiliary.features[1], torch.nn.AvgPool2d)
        assert network._branches_after == 13

    def test_does_not_change_the_logits(self):
        network = build_network(DARTS_V2_ID, SMALL).eval()
        images = torch.randn(2, 1, 8, 8)
        before = network(images)
        network.add_auxiliary()
        logits, auxiliary = network.eval().forward_auxiliary(images)
        assert torch.equal(before, logits)
        assert torch.equal(before, network(images))
        assert auxiliary.shape == logits.shape
        assert not torch.equal(auxiliary, logits)


def test_drop_path_is_for_training_alone():
    network = build_network(chain_of("max3"), SMALL)
    images = torch.randn(8, 1, 8, 8)
    network.drop_path = 0.5
    torch.manual_seed(1)
    first = network(images)
    assert not torch.allclose(first, network(images))
    network.eval()
    calm = network(images)
    assert torch.equal(calm, network(images))
    network.drop_path = 0.0
    assert torch.equal(calm, network(images))


def test_export_answers_as_the_network_does(tmp_path):
    shape = (3, 9, 7)
    config = NetworkConfig(channels=4, cells_per_stage=1, stages=2, input_shape=shape)
    cell = "skip~0+max3~1|avg3~0+sep3~2|sep5~1+dil3~3|dil5~1+skip~4"
    arch_id, path = f"normal={cell};reduce={cell}", tmp_path / "network.onnx"
    network = build_network(arch_id, config).eval()
    assert export_image_network(network, path, shape, {"arch_id": arch_id}) < 1e-4
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = torch.randn(1, *shape)
    (logits,) = session.run(None, {"image": images.numpy()})
    with torch.inference_mode():
        assert torch.allclose(torch.from_numpy(logits), network(images), atol=1e-4)


def test_unknown_architectures_are_refused():
    with pytest.raises(ArchitectureError, match="nonsense"):
        Darts().build("nonsense")
