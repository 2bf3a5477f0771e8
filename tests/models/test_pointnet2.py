import dataclasses
from functools import partial

import made_input
import pytest
import torch
from made_input import assert_embeds
from torch import nn

from facelib.errors import BadInput
from facelib.models.pointnet2 import (
    PointNet2Body,
    PointNet2Embedding,
    PointNet2Map,
    PointNet2Settings,
    gather,
    group_cloud,
)

SMALL = PointNet2Settings(points_1=32, samples_1=8, points_2=16, samples_2=8, width=0.125)
clouds = partial(made_input.clouds, batch=2)


def test_map_and_embedding_shapes():
    points = clouds()
    assert PointNet2Map(SMALL, channels=12, size=4)(points).shape == (2, 12, 4, 4)
    assert_embeds(PointNet2Embedding(SMALL, embedding=10)(points), 2, 10)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (clouds()[:0], "no size zero"),
        (clouds()[:, :, :2], "expected"),
        (clouds() * torch.nan, "non-finite"),
        (clouds() * 100, "unit sphere"),
        (clouds(count=20), "fewer centres"),
        (clouds(batch=1), "batch of one"),
    ],
)
def test_refuses_bad_clouds(points, message):
    with pytest.raises(BadInput, match=message):
        PointNet2Map(SMALL, channels=12, size=4)(points)


def test_refuses_points_that_do_not_fill_the_map():
    with pytest.raises(BadInput, match="5 x 5 = 25"):
        PointNet2Map(SMALL, channels=12, size=5)


def test_refuses_a_grouping_of_other_clouds():
    points = clouds()
    with pytest.raises(BadInput, match=r"grouping\.centres_1"):
        PointNet2Map(SMALL, 12, 4)(points, group_cloud(points, SMALL)[:1])


def test_published_parameter_count_of_the_classifier():
    network = PointNet2Embedding()
    head = nn.Sequential(
        *(nn.Linear(1024, 512), nn.BatchNorm1d(512), nn.Linear(512, 256), nn.BatchNorm1d(256), nn.Linear(256, 40))
    )
    modules = (network.body, network.level_3, head)
    assert sum(p.numel() for module in modules for p in module.parameters()) == 1_475_688


def test_gather_equals_a_loop():
    values, index = torch.randn(3, 5, 2), torch.randint(0, 5, (3, 4, 6), dtype=torch.int16)
    expected = torch.stack([values[b][index[b].long()] for b in range(3)])
    assert torch.equal(gather(values, index), expected)


def test_grouping_may_be_stored_small_and_taken_by_rows():
    points = clouds(batch=3)
    network = PointNet2Map(SMALL, 12, 4).eval()
    grouping = group_cloud(points, SMALL)
    expected = network(points)
    assert torch.equal(network(points, grouping.to(torch.int16)), expected)
    assert torch.allclose(network(points[1:], grouping.to(torch.int16)[1:]), expected[1:], atol=1e-6)


def test_neighbourhoods_lie_inside_their_balls():
    points = clouds()
    grouping = group_cloud(points, SMALL)
    centres = gather(points, grouping.centres_1)
    assert (gather(points, grouping.neighbours_1) - centres[:, :, None]).norm(dim=3).max() <= SMALL.radius_1
    level_2 = gather(centres, grouping.centres_2)
    assert (gather(centres, grouping.neighbours_2) - level_2[:, :, None]).norm(dim=3).max() <= SMALL.radius_2


def test_set_abstraction_equals_a_loop_over_neighbourhoods():
    points = clouds(batch=1)
    body = PointNet2Body(SMALL).eval()
    grouping = group_cloud(points, SMALL)
    cloud, level_1 = points[0], points[0][grouping.centres_1[0]]
    features_1 = []
    for i, centre in enumerate(level_1):
        rows = [body.level_1((cloud[j] - centre)[None])[0] for j in grouping.neighbours_1[0, i]]
        features_1.append(torch.stack(rows).max(0).values)
    features_2 = []
    for i, chosen in enumerate(grouping.centres_2[0]):
        rows = []
        for j in grouping.neighbours_2[0, i]:
            rows.append(body.level_2(torch.cat([level_1[j] - level_1[chosen], features_1[j]])[None])[0])
        features_2.append(torch.stack(rows).max(0).values)
    _, found = body(points, grouping)
    assert torch.allclose(found[0], torch.stack(features_2), atol=1e-6)


def test_features_do_not_change_when_the_cloud_is_shifted():
    points = clouds()
    body = PointNet2Body(SMALL).eval()
    grouping = group_cloud(points, SMALL)
    shifted = points + torch.tensor([0.1, -0.2, 0.05])
    assert torch.allclose(body(points, grouping)[1], body(shifted, grouping)[1], atol=1e-5)


def test_map_positions_follow_the_order_of_farthest_points():
    points = clouds()
    network = PointNet2Map(SMALL, 12, 4).eval()
    grouping = group_cloud(points, SMALL)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    moved = dataclasses.replace(
        grouping, centres_2=grouping.centres_2[:, order], neighbours_2=grouping.neighbours_2[:, order]
    )
    expected = network(points, grouping).flatten(2)[:, :, order]
    assert torch.allclose(network(points, moved).flatten(2), expected, atol=1e-6)


def test_gradient_reaches_every_parameter():
    network = PointNet2Embedding(SMALL, embedding=10)
    unit, norm = network(clouds(batch=4))
    (unit[:, 0].sum() + norm.square().sum()).backward()
    # biases before a batch norm have no effect in training and are kept for the published parameter count
    unused = {name for name, p in network.named_parameters() if p.grad is None}
    assert unused == set()
    assert all(p.grad.abs().sum() > 0 for name, p in network.named_parameters() if p.dim() == 2)
