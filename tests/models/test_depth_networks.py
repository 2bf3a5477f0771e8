from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made_input import images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.models.depth_networks import (
    SOURCE,
    TARGET,
    DAPoseNet,
    Discriminator,
    FeatureExtractor,
    Generator,
    HeadPose,
    Regressor,
)
from facelib.models.depth_settings import DepthNetworkSettings

FULL = DepthNetworkSettings()
SMALL = DepthNetworkSettings(image_size=32, halvings=2, width=0.0625, embedding=12, noise=5, hidden=(8,))
OUTPUTS = 89_034  # three for each of FaceWarehouse's 29,678 vertices in the paper


def small_images() -> torch.Tensor:
    return 2 * images(size=32) - 1


def full(kind: str) -> nn.Module:
    """A network at its printed size; on the meta device, where weights take no memory."""
    with torch.device("meta"):
        return {
            "F": lambda: FeatureExtractor(FULL),
            "R": lambda: Regressor(512, FULL.hidden, OUTPUTS, FULL.slope),
            "G": lambda: Generator(FULL),
            "D": lambda: Discriminator(FULL, OUTPUTS),
            "P": lambda: DAPoseNet(FULL),
        }[kind]()


def test_parameters_at_full_size_by_hand() -> None:
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512)]
    norms = sum(2 * 2 * outputs for _, outputs in pairs)
    halving = sum(16 * before * after for before, after in pairs)
    keeping = sum(9 * after * after for _, after in pairs)
    features = halving + keeping + norms + 25 * 512 * 512 + 512
    regressor = 512 * 1024 + 1024 + 1024 * OUTPUTS + OUTPUTS
    expected = {
        "F": features,
        "R": regressor,
        "D": features + 512 + 1 + regressor,
        "P": features + 512 * 256 + 256 + 256 * 7 + 7,
    }

    assert {kind: parameters(full(kind)) for kind in expected} == expected
    assert features == 19_002_624
    # G: F's convolutions backwards, with five norms of 3x3 layers, four of doubling layers, and one of the first.
    norms = 2 * (512 + 512 + 256 + 128 + 64) + 2 * (512 + 256 + 128 + 64) + 2 * 512
    assert parameters(full("G")) == 25 * 1026 * 512 + halving + keeping + norms + 3


def test_sizes_at_160_pixels() -> None:
    pictures = torch.empty(2, 3, 160, 160, device="meta")
    network = full("F")
    sizes = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, _, map_: sizes.append((layer.kernel_size[0], map_.shape[-1])))
    assert network(pictures).shape == (2, 512)
    assert sizes == [(4, 80), (3, 80), (4, 40), (3, 40), (4, 20), (3, 20), (4, 10), (3, 10), (4, 5), (3, 5), (5, 1)]
    assert full("G")(torch.empty(2, 512, device="meta"), SOURCE).shape == pictures.shape
    judged = full("D")(pictures)
    assert (judged.logit.shape, judged.shape.shape) == ((2,), (2, OUTPUTS))


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda: FeatureExtractor(SMALL), lambda net: [net(small_images())]),
        (lambda: Generator(SMALL), lambda net: [net(torch.randn(3, 12), TARGET)]),
        (lambda: Discriminator(SMALL, 6), lambda net: net(small_images())),
        (lambda: DAPoseNet(SMALL), lambda net: net(small_images())),
    ],
    ids="FGDP",
)
def test_all_weights_learn(make, read) -> None:
    torch.manual_seed(0)
    network = make()
    for layer in network.modules():
        if isinstance(layer, Regressor):  # silent at first, so that what lies before it learns from the next step on
            nn.init.normal_(layer[-1].weight)
    sum((value * torch.randn_like(value)).sum() for value in read(network)).backward()
    silent = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []


def test_generated_images_are_in_range_and_depend_on_face_domain_and_noise() -> None:
    torch.manual_seed(0)
    network = Generator(SMALL).eval()
    embedding = torch.randn(2, 12)

    def draw(domain: int, seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return network(embedding, domain)

    first = draw(SOURCE, 1)
    assert first.shape == (2, 3, 32, 32)
    assert first.abs().max() <= 1
    assert torch.equal(first, draw(SOURCE, 1))
    for other in (draw(TARGET, 1), draw(SOURCE, 2), first.flip(0)):
        assert not torch.equal(first, other)


def test_the_last_layer_has_a_leaky_relu_or_none() -> None:
    torch.manual_seed(0)
    with_one, without = FeatureExtractor(SMALL).eval(), FeatureExtractor(replace(SMALL, last_activation=False)).eval()
    without.load_state_dict(with_one.state_dict())
    raw = without(small_images())
    assert (raw < 0).any()
    torch.testing.assert_close(with_one(small_images()), nn.functional.leaky_relu(raw, SMALL.slope))


def test_a_regressor_starts_at_the_mean_face_and_speaks_in_its_unit() -> None:
    read = Regressor(4, (5, 6), 3, slope=0.2, unit=10.0)
    embedding = torch.randn(2, 4)
    assert not read(embedding).any()
    nn.init.ones_(read[-1].weight)
    hidden = nn.Sequential(*list(read)[:-1])(embedding)
    assert hidden.shape == (2, 6)
    torch.testing.assert_close(read(embedding), 10 * hidden.sum(dim=1, keepdim=True).expand(2, 3))


def test_a_pose_starts_frontal_in_the_middle_and_moves_points_of_the_face() -> None:
    torch.manual_seed(0)
    pose = DAPoseNet(SMALL)(small_images())
    torch.testing.assert_close(pose.quaternion, torch.tensor([0.0, 0, 0, 1]).expand(3, 4))
    assert not pose.translation.any()

    half = 0.5**0.5
    turned = HeadPose(torch.tensor([[0, half, 0, half]]), torch.tensor([[1.0, 2.0, 3.0]]))  # yaw of 90 degrees
    nose, crown = turned.motion.apply(torch.tensor([[[0.0, 0, 10], [0, 10, 0]]]))[0]
    # The face frame's z goes to its x, which is the camera's; its y is up, the camera's down.
    torch.testing.assert_close(nose, torch.tensor([11.0, 2, 3]))
    torch.testing.assert_close(crown, torch.tensor([1.0, -8, 3]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 30}, "image_size 30: expected a multiple of 4"),
        ({"image_size": 0}, "image_size 0"),
        ({"halvings": 6}, "6 halvings: expected 1 to 5"),
        ({"halvings": 0}, "0 halvings"),
        ({"width": 0.0}, "width 0"),
    ],
)
def test_bad_settings(changes, message: str) -> None:
    for network in (FeatureExtractor, Generator):
        with pytest.raises(BadInput, match=message):
            network(replace(SMALL, **changes))


def test_bad_input() -> None:
    features, generator = FeatureExtractor(SMALL), Generator(SMALL)
    with pytest.raises(BadInput, match="images has shape"):
        features(torch.zeros(2, 3, 16, 16))
    with pytest.raises(BadInput, match="batch of one in training mode"):
        features(small_images()[:1])
    with pytest.raises(BadInput, match="embedding has shape"):
        generator(torch.zeros(2, 11), SOURCE)
    with pytest.raises(BadInput, match="domain 2: expected 0"):
        generator(torch.zeros(2, 12), 2)
