import dataclasses

import pytest
import torch
from made_input import (
    assert_all_weights_learn,
    assert_batch_equals_singles,
    assert_embeds,
    assert_gpu_agrees,
    clouds,
    parameters,
)
from torch import nn

from facelib.errors import BadInput
from facelib.geometry.point_clouds import farthest_point_sampling
from facelib.models.pointcnn import (
    LAYERS,
    Depthwise,
    PointCNN,
    PointCNNBody,
    PointCNNSettings,
    XConvolution,
    find_neighbourhoods,
)

SMALL = PointCNNSettings(points_2=56, points_3=48, width=0.125, embedding=10, dropout=0.0)


def test_embeds_clouds():
    assert_embeds(PointCNN(SMALL)(clouds()), 3, 10)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (clouds()[:0], "no size zero"),
        (clouds()[:, :, :2], "expected"),
        (clouds(count=50), "50 points, 56"),
        (clouds() * torch.nan, "non-finite"),
        (clouds(batch=1), "batch of one"),
    ],
)
def test_refuses_bad_clouds(points, message):
    with pytest.raises(BadInput, match=message):
        PointCNN(SMALL)(points)


@pytest.mark.parametrize(
    ("points_2", "points_3", "message"), [(48, 56, "not to grow"), (56, 40, "k is 48: expected 1 to 40")]
)
def test_refuses_representative_points_that_do_not_fit(points_2, points_3, message):
    settings = dataclasses.replace(SMALL, points_2=points_2, points_3=points_3)
    with pytest.raises(BadInput, match=message):
        PointCNN(settings)(clouds())


def test_refuses_a_width_that_is_not_positive():
    with pytest.raises(BadInput, match="width -1"):
        PointCNN(PointCNNSettings(width=-1))


def test_refuses_neighbourhoods_of_other_clouds_or_settings():
    neighbourhoods = find_neighbourhoods(clouds(), SMALL)
    with pytest.raises(BadInput, match="centres has shape"):
        PointCNN(SMALL)(clouds(), neighbourhoods[:2])
    with pytest.raises(BadInput, match="neighbours has shape"):
        PointCNN(SMALL)(clouds(count=80), neighbourhoods)


def test_published_parameter_count_of_the_classifier():
    body = PointCNNBody(PointCNNSettings())
    assert parameters(body) + parameters(nn.Linear(192, 40)) == 599_340
    assert parameters(PointCNN()) == 690_436


def test_published_shapes():
    settings = PointCNNSettings(width=0.125)
    points = clouds(batch=2, count=1024)
    neighbourhoods = find_neighbourhoods(points, settings)
    shapes = [tuple(index.shape[1:]) for index in neighbourhoods.neighbours]
    assert shapes == [(1024, 8), (384, 12), (128, 16), (128, 16)]
    assert [layer.dilation for layer in LAYERS] == [1, 2, 2, 3]
    assert PointCNNBody(settings)(points, neighbourhoods).shape == (2, 128, 24)


def test_neighbours_are_every_dth_of_the_nearest():
    points = clouds(batch=2).double()
    neighbourhoods = find_neighbourhoods(points, SMALL)
    for cloud in range(2):
        centres = points[cloud, neighbourhoods.centres[cloud]]
        sources = [points[cloud], points[cloud], centres, centres[:48]]
        queries = [points[cloud], centres, centres[:48], centres[:48]]
        for layer, source, query, found in zip(LAYERS, sources, queries, neighbourhoods.neighbours, strict=True):
            order = torch.cdist(query, source).argsort(dim=1)
            assert torch.equal(found[cloud], order[:, : layer.neighbours * layer.dilation : layer.dilation])


def test_representative_points_of_later_layers_are_what_a_second_search_would_find():
    points = clouds(batch=2)
    centres = find_neighbourhoods(points, SMALL).centres
    chosen = torch.stack([cloud[index] for cloud, index in zip(points, centres, strict=True)])
    again = farthest_point_sampling(chosen, 48)
    assert torch.equal(again, torch.arange(48).expand(2, 48))


def dense_in_loops(layer: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    linear, _, norm = layer
    y = torch.stack([row @ x for row in linear.weight])
    return normalise(norm, torch.where(y > 0, y, y.exp() - 1))


def normalise(norm: nn.BatchNorm1d, x: torch.Tensor) -> torch.Tensor:
    return (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias


def depthwise_in_loops(layer: Depthwise, x: torch.Tensor) -> torch.Tensor:
    k, channels, filters = layer.weight.shape
    out = [sum(x[i, c] * layer.weight[i, c, f] for i in range(k)) for c in range(channels) for f in range(filters)]
    return torch.stack(out)


@pytest.mark.parametrize("inputs", [0, 2])
def test_x_convolution_equals_loops_over_neighbours(inputs):
    torch.manual_seed(0)
    k = 3
    layer = XConvolution(inputs, outputs=5, lifted=2, neighbours=k, filters=2).double()
    local = torch.randn(2, 4, k, 3, dtype=torch.float64)
    features = torch.randn(2, 4, k, inputs, dtype=torch.float64)
    layer(local, features)  # moves the running statistics
    found = layer.eval()(local, features)
    for b, p in ((0, 0), (1, 3)):
        lifted = torch.stack([dense_in_loops(layer.lift[1], dense_in_loops(layer.lift[0], q)) for q in local[b, p]])
        lifted = torch.cat([lifted, features[b, p]], dim=1)
        x = dense_in_loops(layer.first, local[b, p].flatten()).reshape(k, k)
        x = depthwise_in_loops(layer.second[0], x)
        x = normalise(layer.second[2], torch.where(x > 0, x, x.exp() - 1)).reshape(k, k)
        x = normalise(layer.third[1], depthwise_in_loops(layer.third[0], x)).reshape(k, k)
        mixed = torch.stack([sum(x[i, j] * lifted[j] for j in range(k)) for i in range(k)])
        expected = dense_in_loops(layer.convolution[1], depthwise_in_loops(layer.convolution[0], mixed))
        assert torch.allclose(found[b, p], expected, atol=1e-10)


def test_gradcheck_of_an_x_convolution():
    torch.manual_seed(0)
    layer = XConvolution(2, outputs=3, lifted=2, neighbours=2, filters=2).double()
    local = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    features = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (local, features))


def test_the_order_of_the_points_does_not_matter_but_for_the_first():
    network = PointCNN(SMALL).double().eval()
    points = clouds().double()
    order = torch.cat([torch.zeros(1, dtype=torch.int64), 1 + torch.randperm(63)])
    assert torch.allclose(network(points).unit, network(points[:, order]).unit, atol=1e-9)


def test_features_do_not_see_where_the_cloud_lies_but_for_the_last_layer():
    layer = PointCNNBody(SMALL).double().eval()
    points = clouds().double()
    neighbourhoods = find_neighbourhoods(points, SMALL)
    shifted = points + torch.tensor([0.1, -0.2, 0.05])
    for parameter in layer.position.parameters():
        nn.init.zeros_(parameter)
    assert torch.allclose(layer(points, neighbourhoods), layer(shifted, neighbourhoods), atol=1e-9)


def test_neighbourhoods_may_be_stored_small_and_taken_by_rows():
    points = clouds()
    network = PointCNN(SMALL).eval()
    small = find_neighbourhoods(points, SMALL).to(torch.int16)
    assert torch.equal(network(points, small).unit, network(points).unit)
    assert torch.allclose(network(points[1:], small[1:]).unit, network(points).unit[1:], atol=1e-5)


def test_a_batch_equals_its_clouds_one_by_one_and_itself_again():
    assert_batch_equals_singles(PointCNN(SMALL))


def test_points_that_coincide_give_finite_embeddings_and_gradients():
    network = PointCNN(SMALL)
    points = torch.zeros(2, 64, 3)
    points[1] = clouds(1)
    points.requires_grad_()
    network(points).norm.sum().backward()
    assert points.grad.isfinite().all()


def test_gradient_reaches_every_weight():
    assert_all_weights_learn(PointCNN(SMALL), clouds(batch=4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same_embedding():
    assert_gpu_agrees(PointCNN(SMALL))
