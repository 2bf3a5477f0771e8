from functools import partial

import made_input
import pytest
import torch
from made_input import (
    assert_all_weights_learn,
    assert_batch_equals_singles,
    assert_embeds,
    assert_gpu_agrees,
    parameters,
)
from torch import nn

from facelib.errors import BadInput
from facelib.models.dgcnn import DGCNN, DGCNNBody, DGCNNSettings, EdgeConvolution

SMALL = DGCNNSettings(neighbours=5, width=0.125, embedding=10)
clouds = partial(made_input.clouds, count=24)


def test_embeds_clouds():
    assert_embeds(DGCNN(SMALL)(clouds()), 3, 10)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (clouds()[:0], "no size zero"),
        (clouds()[:, :, :2], "expected"),
        (clouds(count=4), "k is 5: expected 1 to 4"),
        (clouds(batch=1), "batch of one"),
    ],
)
def test_refuses_bad_clouds(points, message):
    with pytest.raises(BadInput, match=message):
        DGCNN(SMALL)(points)


def test_refuses_a_width_that_is_not_positive():
    with pytest.raises(BadInput, match="width 0"):
        DGCNN(DGCNNSettings(width=0))


def test_published_parameter_count_of_the_classifier():
    body = DGCNNBody()
    head = nn.Sequential(nn.Linear(2048, 512, bias=False), nn.BatchNorm1d(512), nn.Linear(512, 256))
    head += nn.Sequential(nn.BatchNorm1d(256), nn.Linear(256, 40))
    assert parameters(body) + parameters(head) == 1_809_576
    assert parameters(DGCNN()) == 1_666_944


def edge_convolution_in_loops(convolution: EdgeConvolution, x: torch.Tensor) -> torch.Tensor:
    weight, norm = convolution.linear.weight, convolution.norm
    places = x.detach()
    out = []
    for i in range(len(x)):
        nearest = sorted(range(len(x)), key=lambda j: (places[j] - places[i]).square().sum())[: convolution.neighbours]
        edges = torch.stack([weight @ torch.cat([x[j] - x[i], x[i]]) for j in nearest])
        normal = (edges - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
        out.append(torch.where(normal > 0, normal, 0.2 * normal).max(0).values)
    return torch.stack(out)


def test_edge_convolution_equals_loops_over_edges():
    torch.manual_seed(0)
    convolution = EdgeConvolution(4, 6, neighbours=3).double()
    x = torch.randn(2, 10, 4, dtype=torch.float64)
    convolution(x)  # moves the running statistics
    convolution.eval()
    expected = torch.stack([edge_convolution_in_loops(convolution, cloud) for cloud in x])
    assert torch.allclose(convolution(x), expected, atol=1e-12)


def test_body_finds_neighbours_anew_in_the_features_of_each_layer():
    body = DGCNNBody(neighbours=4, width=0.0625).double()
    points = clouds(batch=2, count=12).double()
    body(points)  # moves the running statistics
    body.eval()
    x, outputs = points[0], []
    for convolution in body.edge_convolutions:
        x = edge_convolution_in_loops(convolution, x)
        outputs.append(x)
    x = body.pointwise(torch.cat(outputs, dim=1)[None])[0]
    expected = torch.cat([x.max(0).values, x.mean(0)])
    assert torch.allclose(body(points)[0], expected, atol=1e-10)


def test_gradcheck_of_an_edge_convolution():
    convolution = EdgeConvolution(3, 2, neighbours=3).double()
    x = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(convolution, (x,))


def test_the_order_of_the_points_does_not_matter():
    network = DGCNN(SMALL).double().eval()
    points = clouds().double()
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(network(points).unit, network(points[:, order]).unit, atol=1e-9)


def test_points_that_coincide_give_finite_embeddings_and_gradients():
    network = DGCNN(SMALL)
    points = torch.zeros(2, 24, 3)
    points[1] = clouds(1)
    points.requires_grad_()
    network(points).norm.sum().backward()
    assert points.grad.isfinite().all()


def test_a_batch_equals_its_clouds_one_by_one_and_itself_again():
    assert_batch_equals_singles(DGCNN(SMALL))


def test_gradient_reaches_every_weight():
    assert_all_weights_learn(DGCNN(SMALL), clouds(batch=4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same_embedding():
    assert_gpu_agrees(DGCNN(SMALL))
