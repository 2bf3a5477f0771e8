from __future__ import annotations

import pytest
import torch
from made_input import images, parameters

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, UnknownName
from facelib.faces.face_layout import face_layout
from facelib.geometry.alignment import Similarity, self_alignment
from facelib.geometry.rotations import euler_to_matrix
from facelib.models.face_encoder import standardised
from facelib.models.face_template import FaceTemplate
from facelib.models.sadrnet import SADRNet

SIZE = 64
VARIANTS = {
    "figure 2": {},
    "9a": {"attention": False, "geometry": "direct"},
    "9b": {"attention": False, "geometry": "regressed_pose"},
    "9c": {"attention": False},
    "9d": {"geometry": "direct"},
    "9e": {"shape": "scratch"},
    "split decoder": {"shared_layers": 4},
    "unposed image": {"unposes": True},
    "3DDFA": {"attention": False, "geometry": "regressed_pose", "shape": "coefficients"},
}


@pytest.fixture(scope="module")
def template(face_model) -> FaceTemplate:
    return FaceTemplate(face_layout(face_model, SIZE), face_model.mean, face_model.landmarks)


@pytest.fixture(scope="module")
def bases(face_model) -> torch.Tensor:
    return face_layout(face_model, SIZE).position_map(face_model.identity_basis[:7])


@pytest.fixture(params=VARIANTS)
def network(request, template, bases) -> SADRNet:
    torch.manual_seed(0)
    options = VARIANTS[request.param]
    given = {"bases": bases} if options.get("shape") == "coefficients" else {}
    return SADRNet(template, width=1 / 16, **options, **given)


def test_gives_what_its_framework_has(network):
    maps = network(images(2, SIZE))
    assert maps.geometry.shape == (2, 3, SIZE, SIZE)
    assert (maps.attention is None) == (network.attention is None)
    assert (maps.pose_dependent is None) == (network.geometry == "regressed_pose")
    assert (maps.shape is None) == (maps.pose is None) == (network.geometry == "direct")
    if maps.attention is not None:
        assert maps.attention.shape == (2, SIZE // 8, SIZE // 8)
        assert 0 <= maps.attention.min() <= maps.attention.max() <= 1
    if maps.pose is not None:
        assert torch.allclose(torch.linalg.det(maps.pose.rotation), torch.ones(2), atol=1e-4)
        posed = maps.pose.apply(maps.shape.flatten(2).mT).mT.view_as(maps.geometry)
        assert torch.equal(posed, maps.geometry)  # eq. 2


def test_images_in_another_memory_layout_are_the_same_images(network):
    """Convolved as they lie, they would crash some backward passes of torch 2.13."""
    pictures = images(2, SIZE)
    turned = pictures.contiguous(memory_format=torch.channels_last)
    network.eval()
    assert torch.allclose(network(turned).geometry, network(pictures).geometry, atol=1e-3)


def test_every_parameter_learns(network, template):
    maps = network(images(2, SIZE))
    loss = (maps.geometry[..., template.mask] / SIZE).square().mean()
    for part in (maps.pose_dependent, maps.shape):
        loss = loss if part is None else loss + part[..., template.mask].square().mean() / SIZE**2
    if maps.first_landmarks is not None:
        loss = loss + maps.first_landmarks.square().mean() / SIZE**2
    loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_full_size_has_the_published_number_of_parameters(template):
    assert parameters(SADRNet(template)) == 15_487_044


def test_what_is_shared_is_counted_once(template):
    """From the layer at which the decoder is split there are two of each; split or not, every head sees ten layers."""
    torch.manual_seed(0)
    shared, split, apart = (SADRNet(template, width=1 / 16, shared_layers=layers) for layers in (10, 4, 0))
    whole = shared.decoder
    for network, layers in ((split, 4), (apart, 0)):
        rest = parameters(whole) - parameters(network.decoder)
        assert parameters(network) == parameters(shared) + rest
        assert len(network.decoder) == 3 * layers
        for head in (network.shape_head, network.pose_dependent_head):
            assert len(network.decoder) + len(head) == len(whole) + len(shared.shape_head)
    with pytest.raises(BadInput, match="11 shared layers: expected 0 to 10"):
        SADRNet(template, width=1 / 16, shared_layers=11)


def test_the_geometry_teaches_the_shape_only_where_it_may(template):
    torch.manual_seed(0)
    network = SADRNet(template, width=1 / 16, shared_layers=0)
    for learns in (True, False):
        geometry = network(images(2, SIZE), shape_learns=learns).geometry.square().sum()
        first, last = network.pose_dependent_head[-2].weight, network.shape_head[-2].weight
        gradients = torch.autograd.grad(geometry, (first, last), allow_unused=True)
        assert gradients[0].any()
        assert (gradients[1] is not None) == learns


def test_exp_of_the_attention_weighs_the_features(template):
    """Eq. 9, layer by layer; at A = 0 the branch changes nothing but the alignment."""
    torch.manual_seed(0)
    network = SADRNet(template, width=1 / 16, geometry="direct").eval()
    pictures = images(2, SIZE)
    with torch.no_grad():
        low = network.low(standardised(pictures))
        attended = low * torch.exp(network.attention(low))
        expected = network.position_map(network.decoder(network.high(attended)))
        assert torch.allclose(network(pictures).geometry, expected)


def test_the_alignment_finds_the_pose_of_a_true_map(template):
    """With P the mean face in a known pose, the geometry is P again, whatever the attention."""
    torch.manual_seed(0)
    network = SADRNet(template, width=1 / 16)
    angles = torch.tensor([[0.3, -0.2, 0.1], [1.3, 0.2, -0.4]])
    rotation = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*angles.unbind(1))
    pose = Similarity(torch.tensor([0.3, 0.25]), rotation, torch.tensor([[30.0, 33.0, 0.0], [28.0, 30.0, 0.0]]))
    shape = template.mean_map.expand(2, -1, -1, -1)
    true = pose.apply(shape.flatten(2).mT).mT.view_as(shape)
    for attention in (None, torch.rand(2, 8, 8)):
        found = network.align(shape, true, attention)
        assert torch.allclose(found.rotation, rotation, atol=1e-4)
        assert torch.allclose(found.scale, pose.scale, rtol=1e-4)
        assert torch.allclose(found.translation, pose.translation, atol=1e-2)


def test_landmarks_turned_away_or_unattended_are_not_seen(template):
    """Eq. 10: of a face turned far to its left the right jaw looks at the viewer, the left one does not."""
    network = SADRNet(template, width=1 / 16)
    turn = euler_to_matrix(torch.tensor([1.2]), torch.tensor([0.0]), torch.tensor([0.0]))
    pose = Similarity(torch.tensor([0.15]), torch.tensor(FACE_TO_CAMERA) @ turn, torch.tensor([[32.0, 32.0, 0.0]]))
    geometry = pose.apply(template.mean_map.flatten(1).T[None]).mT.unflatten(2, (SIZE, SIZE))
    landmarks = template.landmarks_of(geometry)
    facing = network.visibility(geometry, landmarks, None)[0]
    assert facing[0] == 1
    assert facing[16] == 0
    attention = torch.full((1, 8, 8), 0.25)
    assert torch.equal(network.visibility(geometry, landmarks, attention)[0], 0.25 * facing)
    outside = geometry + torch.tensor([1000.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert not network.visibility(outside, template.landmarks_of(outside), attention).any()


def test_the_alignment_is_that_of_the_landmarks(template):
    torch.manual_seed(1)
    network = SADRNet(template, width=1 / 16).eval()
    with torch.no_grad():
        maps = network(images(2, SIZE))
        landmarks = [template.landmarks_of(each) for each in (maps.shape, maps.pose_dependent)]
        visibility = network.visibility(maps.pose_dependent, landmarks[1], maps.attention)
        expected = self_alignment(*landmarks, visibility)
    assert torch.equal(maps.scale, expected.scale)
    assert torch.equal(maps.rotation, expected.rotation)


def test_a_regressed_pose_starts_frontal_in_the_middle(template):
    network = SADRNet(template, width=1 / 16, attention=False, geometry="regressed_pose")
    maps = network(images(2, SIZE))
    assert torch.allclose(maps.rotation, torch.tensor(FACE_TO_CAMERA).expand(2, 3, 3))
    assert torch.allclose(maps.translation, torch.tensor([SIZE / 2, SIZE / 2, 0.0]).expand(2, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"geometry": "regressed_pose", "shape": "coefficients"}, "need the bases"),
        ({"shape": "coefficients"}, "regressed pose"),
        ({"geometry": "self_aligned", "width": 0.0}, "width"),
    ],
)
def test_impossible_networks_are_refused(template, options, message):
    with pytest.raises(BadInput, match=message):
        SADRNet(template, **options)


def test_unknown_names_are_refused(template):
    with pytest.raises(UnknownName, match="geometry"):
        SADRNet(template, geometry="selfaligned")
    with pytest.raises(UnknownName, match="shape"):
        SADRNet(template, shape="deform")


def test_sizes_that_cannot_be_halved_are_refused(face_model):
    template = FaceTemplate(face_layout(face_model, 72), face_model.mean, face_model.landmarks)
    with pytest.raises(BadInput, match="multiple of 32"):
        SADRNet(template)


def test_bad_batches_are_refused(template):
    network = SADRNet(template, width=1 / 16)
    with pytest.raises(BadInput, match="batch of one"):
        network(images(1, SIZE))
    with pytest.raises(BadInput, match=r"\(2, 3, 32, 32\)"):
        network(images(2, 32))
