from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.benchmarks import registration, sampling
from facelib.benchmarks.clouds import head_cloud

SAMPLING = {case.name: case for case in sampling.CASES}
NEAREST = [case for case in registration.CASES if case.kernel == "nearest neighbours"]
ICP = [case for case in registration.CASES if case.kernel == "ICP"]


def peer_of(case):
    try:
        return case.load_peer()
    except (ImportError, OSError) as error:
        pytest.skip(f"{case.peer} cannot be imported: {error}")


def test_the_cloud_is_as_large_as_a_head_uneven_and_another_for_another_seed():
    cloud = head_cloud(2000, seed=0)
    extent = cloud.amax(0) - cloud.amin(0)
    assert cloud.shape == (2000, 3)
    assert (extent > 130).all()
    assert (extent < 240).all()
    assert float((cloud / torch.tensor([75.0, 100, 95])).norm(dim=-1).std()) > 0.01
    assert not torch.equal(cloud, head_cloud(2000, seed=1))


@pytest.mark.parametrize("name", list(SAMPLING))
def test_the_usual_sampling_code_gives_our_answers(monkeypatch, name):
    monkeypatch.setattr(sampling, "CENTRES", 100)
    monkeypatch.setattr(sampling, "RADIUS", 0.4)
    case = SAMPLING[name]
    points = case.prepare(600)
    ours, theirs = case.ours(points), case.load_peer()(points)
    assert case.agree(ours, theirs)
    assert not case.agree(ours, theirs.roll(1, dims=1))


@pytest.mark.parametrize("case", NEAREST, ids=lambda case: case.name)
def test_other_libraries_find_the_same_neighbours(case):
    peer, scans = peer_of(case), case.prepare(500)
    assert case.agree(case.ours(scans), peer(scans))


def test_wrong_neighbours_are_refused():
    (distance, index), back = ours = registration.both_ways(registration.our_search)(registration.two_scans(500))
    agree = NEAREST[0].agree
    assert agree(ours, ours)
    assert not agree(ours, (back, (distance, index)))
    assert not agree(ours, ((distance + 0.001, index), back))
    assert not agree(ours, ((distance, np.roll(index, 1)), back))


@pytest.mark.parametrize("case", ICP, ids=lambda case: case.name)
def test_other_libraries_arrive_at_the_same_place(case):
    peer = peer_of(case)
    scans = case.prepare(8000)  # trimesh finds another scale the sparser they are
    assert case.agree(case.ours(scans), peer(scans))


@pytest.mark.parametrize("case", ICP, ids=lambda case: case.name)
def test_a_wrong_registration_is_refused(case):
    ours = case.ours(case.prepare(500))
    shifted, scaled = ours.copy(), ours.copy()
    shifted[0, 3] += 0.2
    scaled[:, :3] *= 1.002
    assert case.agree(ours, ours)
    for wrong in (np.eye(4), shifted, scaled):
        assert not case.agree(ours, wrong)


def test_growth_quadruples_and_each_kernel_has_one_curve():
    cases = (*sampling.CASES, *registration.CASES)
    curves = [case for case in cases if case.growth]
    assert sorted(case.kernel for case in curves) == sorted({case.kernel for case in cases})
    for case in curves:
        first, second, third = case.growth
        assert (second, third) == (4 * first, 16 * first)
