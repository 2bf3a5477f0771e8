import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.models.irnet import IRNet18, IRNetSettings
from facelib.models.joint_attention import (
    JointAttention,
    JointAttentionNetwork,
    JointAttentionSettings,
    load_body,
    load_image_part,
)
from facelib.models.pointnet2 import PointNet2Settings, group_cloud

POINTS = PointNet2Settings(points_1=24, samples_1=6, points_2=16, samples_2=6, width=0.125)
SMALL = JointAttentionSettings(image_size=32, width=0.125, stages=3, embedding=16, gamma_start=0.5, points=POINTS)
WHOLE = replace(SMALL, image_size=64, stages=4, dropout=0.0)


def images(size: int = 32, batch: int = 3) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(3))


def clouds(batch: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.nn.functional.normalize(torch.randn(batch, 48, 3, generator=generator), dim=2)


def test_network_returns_both_modalities():
    out = JointAttentionNetwork(SMALL)(images(), clouds())
    for embedding, attended in ((out.embedding_2d, out.attended_2d), (out.embedding_3d, out.attended_3d)):
        assert embedding.unit.shape == (3, 16)
        assert embedding.norm.shape == (3, 1)
        assert attended.softmax.shape == (3, 16, 16)
        assert torch.allclose(attended.softmax.sum(2), torch.ones(3, 16), atol=1e-5)
        assert torch.equal(attended.attention, 0.5 * attended.softmax)


def test_without_a_3d_branch_images_are_attended_to_alone():
    network = JointAttentionNetwork(replace(SMALL, points=None, dropout=0.0)).eval()
    whole = JointAttentionNetwork(replace(SMALL, dropout=0.0)).eval()
    load_image_part(network, whole.state_dict())
    alone, both = network(images()), whole(images(), clouds())
    assert (alone.embedding_3d, alone.attended_3d) == (None, None)
    assert torch.equal(alone.embedding_2d.unit, both.embedding_2d.unit)
    with pytest.raises(MissingPart, match="no 3D branch"):
        network(images(), clouds())
    with pytest.raises(BadInput, match="images without clouds"):
        whole(images())


def test_a_negative_gamma_takes_attention_away():
    layer = JointAttention(8, gamma_start=-0.4)
    attended = layer(torch.randn(2, 8, 3, 3), "2d")
    assert (attended.attention < 0).all()
    assert torch.allclose(attended.attention.sum(2), torch.full((2, 9), -0.4), atol=1e-6)


def test_a_final_stride_of_1_makes_the_map_twice_as_wide():
    points = replace(POINTS, points_1=48, points_2=36)
    small = replace(SMALL, image_size=48, stages=4, points=points)
    with pytest.raises(BadInput, match="points_2 36: expected 3 x 3"):
        JointAttentionNetwork(small)
    network = JointAttentionNetwork(replace(small, final_stride=1)).eval()
    assert network.features(images(48)).shape[2:] == (6, 6)
    recogniser = IRNet18(IRNetSettings(48, 0.125, 16, final_stride=1)).eval()
    load_body(network, recogniser)
    network.joint_attention.gamma.data.zero_()
    assert torch.equal(network.embed_images(images(48)).unit, recogniser(images(48)).unit)


@pytest.mark.parametrize(
    ("pictures", "points", "message"),
    [
        (images(batch=2), clouds(batch=3), "points has shape"),
        (images(64), clouds(), "images has shape"),
        (images() * torch.nan, clouds(), "non-finite"),
        (images(batch=1), clouds(batch=1), "batch of one"),
        (images()[:0], clouds(), "points has shape"),
    ],
)
def test_refuses_bad_input(pictures, points, message):
    with pytest.raises(BadInput, match=message):
        JointAttentionNetwork(SMALL)(pictures, points)


def test_refuses_an_unknown_modality_and_a_reduction_that_leaves_nothing():
    with pytest.raises(UnknownName, match="4d"):
        JointAttention(8)(torch.rand(1, 8, 2, 2), "4d")
    with pytest.raises(BadInput, match="reduction 9"):
        JointAttention(8, reduction=9)


def test_refuses_points_that_do_not_fill_the_map():
    with pytest.raises(BadInput, match="points_2"):
        JointAttentionNetwork(replace(SMALL, stages=4))


def test_parameter_count_of_the_layer():
    assert sum(p.numel() for p in JointAttention(512, reduction=8).parameters()) == 590_977


def test_attention_equals_equation_3_in_loops():
    torch.manual_seed(0)
    layer = JointAttention(8, reduction=4, gamma_start=0.7).double()
    z = torch.randn(1, 8, 2, 3, dtype=torch.float64)
    joint, attention, _ = layer(z, "3d")

    def convolve(conv, x):
        return conv.weight.detach().numpy()[:, :, 0, 0] @ x + conv.bias.detach().numpy()

    positions = z[0].reshape(8, 6).numpy().T
    expected, rows = np.zeros((8, 6)), np.zeros((6, 6))
    for i in range(6):
        energy = [convolve(layer.query, positions[i]) @ convolve(layer.key, positions[j]) for j in range(6)]
        rows[i] = np.exp(energy) / np.exp(energy).sum()
        taken = sum(rows[i, j] * convolve(layer.value["3d"], positions[j]) for j in range(6))
        expected[:, i] = 0.7 * taken + positions[i]
    assert np.allclose(attention[0].detach().numpy(), 0.7 * rows, atol=1e-12)
    assert np.allclose(joint[0].reshape(8, 6).detach().numpy(), expected, atol=1e-12)


def test_gradcheck():
    layer = JointAttention(4, reduction=2, gamma_start=0.3).double()
    z = torch.randn(2, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: layer(z, "2d"), (z,))


def test_modalities_share_attention_but_not_values():
    layer = JointAttention(8, gamma_start=1.0)
    z = torch.randn(2, 8, 3, 3)
    joint_2d, attention_2d, _ = layer(z, "2d")
    joint_3d, attention_3d, _ = layer(z, "3d")
    assert torch.equal(attention_2d, attention_3d)
    assert not torch.allclose(joint_2d, joint_3d, atol=1e-3)


def test_gamma_zero_is_the_identity_and_holds_back_the_other_gradients():
    layer = JointAttention(8, gamma_start=0.0)
    z = torch.randn(2, 8, 3, 3)
    joint = layer(z, "2d").joint
    assert torch.equal(joint, z)
    joint.square().sum().backward()
    assert layer.gamma.grad.abs() > 0
    assert all(layer.get_submodule(name).weight.grad.abs().sum() == 0 for name in ("query", "key", "value.2d"))


def test_attention_follows_a_permutation_of_positions():
    layer = JointAttention(8, gamma_start=1.0).double()
    z = torch.randn(1, 8, 2, 4, dtype=torch.float64)
    order = torch.randperm(8)
    moved = z.flatten(2)[:, :, order].reshape(z.shape)
    expected = layer(z, "2d")[0].flatten(2)[:, :, order]
    assert torch.allclose(layer(moved, "2d")[0].flatten(2), expected, atol=1e-12)


def test_cached_grouping_changes_nothing():
    network = JointAttentionNetwork(SMALL).eval()
    grouping = group_cloud(clouds(), POINTS).to(torch.int16)
    with_cache, without = network(images(), clouds(), grouping), network(images(), clouds())
    assert torch.equal(with_cache.embedding_3d.unit, without.embedding_3d.unit)


def test_shared_head_has_one_linear_layer():
    shared, separate = (JointAttentionNetwork(replace(SMALL, shared_head=flag)) for flag in (True, False))
    linear = 32 * 4 * 4 * 16 + 16
    count = [sum(p.numel() for p in network.parameters()) for network in (shared, separate)]
    assert count[1] - count[0] == linear
    assert shared.compression.linear_of("2d") is shared.compression.linear_of("3d")
    assert separate.compression.linear_of("2d") is not separate.compression.linear_of("3d")


def test_clouds_do_not_touch_the_statistics_that_images_use():
    torch.manual_seed(0)
    first, second = JointAttentionNetwork(replace(SMALL, dropout=0.0)), JointAttentionNetwork(SMALL)
    second.load_state_dict(first.state_dict())
    first(images(), clouds())
    second.embed_images(images())
    norms = [network.compression.map_norm["2d"].running_mean for network in (first, second)]
    assert torch.equal(*norms)


def test_image_only_embeds_alike_and_holds_no_3d_weights():
    network = JointAttentionNetwork(SMALL)
    network(images(), clouds())  # moves the running statistics
    network.eval()
    alone = network.image_only()
    assert torch.equal(alone.embed_images(images()).unit, network.embed_images(images()).unit)
    assert torch.equal(network(images(), clouds()).embedding_2d.unit, network.embed_images(images()).unit)
    assert not [name for name in alone.state_dict() if "3d" in name]
    with pytest.raises(MissingPart, match="call it without clouds"):
        alone(images(), clouds())


def test_load_image_part_names_the_weight_that_does_not_fit():
    wide = JointAttentionNetwork(replace(SMALL, width=0.25, points=None))
    with pytest.raises(BadInput, match=r"weight body_2d\.stem\.0\.weight"):
        load_image_part(wide, JointAttentionNetwork(SMALL).state_dict())


def test_network_starts_as_the_pretrained_recogniser():
    recogniser = IRNet18(IRNetSettings(image_size=64, width=0.125, embedding=16, dropout=0.0))
    recogniser(images(64))  # moves the running statistics
    network = JointAttentionNetwork(replace(WHOLE, gamma_start=0.0))
    load_body(network, recogniser)
    pictures = images(64)
    assert torch.allclose(network.eval().embed_images(pictures).unit, recogniser.eval()(pictures).unit, atol=1e-6)


def test_load_body_fills_the_stages_that_a_truncated_network_has():
    recogniser = IRNet18(IRNetSettings(image_size=112, width=0.125)).eval()
    network = JointAttentionNetwork(SMALL).eval()
    load_body(network, recogniser)
    whole = recogniser.body
    expected = whole.stages[2](whole.stages[1](whole.stages[0](whole.stem(2 * images() - 1))))
    assert torch.equal(network.body_2d(images()), expected)


def test_load_body_refuses_other_sizes_and_changes_nothing():
    network = JointAttentionNetwork(WHOLE)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(BadInput, match="weight"):
        load_body(network, IRNet18(IRNetSettings(image_size=112, width=0.125, embedding=16)))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_gradient_reaches_both_branches():
    network = JointAttentionNetwork(SMALL)
    out = network(images(), clouds())
    loss = sum(e.unit[:, 0].sum() + e.norm.square().sum() for e in (out.embedding_2d, out.embedding_3d))
    loss.backward()
    without = [name for name, p in network.named_parameters() if p.dim() > 1 and not p.grad.abs().sum() > 0]
    assert without == []
    assert math.isfinite(network.joint_attention.gamma.grad.item())
