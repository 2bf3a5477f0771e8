"""What each scanner gives of a head: surface, noise, spikes, holes, against the head itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from facelib.errors import BadInput, DegenerateInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import expression_coefficients
from facelib.faces.scanners import SCANNERS, RangeScans, Scanner, scan_heads, triangles_without
from facelib.geometry.nearest_on_surface import nearest_on_surface
from facelib.geometry.rotations import euler_to_matrix

PERFECT = Scanner("laser", grazing=85.0)


def scanned(
    model: MorphableModel, scanner: Scanner, pose: tuple[float, ...] = (0, 0, 0), seed: int = 0, name: str = "neutral"
) -> RangeScans:
    head = model.vertices(torch.zeros(1, 1), expression_coefficients(model, [name]))
    generator = torch.Generator().manual_seed(seed)
    return scan_heads(model, head, torch.deg2rad(torch.tensor([pose]).float()), scanner, 96, generator)


def deviations(model: MorphableModel, scanner: Scanner, seed: int = 0) -> torch.Tensor:
    """How far each sample is from the perfect scan with the same randomness of the place, NaN in holes of either."""
    return scanned(model, scanner, seed=seed).depth - scanned(model, PERFECT, seed=seed).depth


@pytest.mark.parametrize("pose", [(0, 0, 0), (20, -10, 5)])
def test_a_perfect_scan_lies_on_the_turned_head(face_model: MorphableModel, pose: tuple[float, ...]) -> None:
    scan = scanned(face_model, PERFECT, pose)
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor(pose).float()))
    head = face_model.mean @ turn.T
    head = head - head[face_model.landmarks[30]] + scan.nose_tip[0]
    points = scan.positions[0].flatten(1).T
    points = points[points.isfinite().all(dim=1)]
    assert len(points) > 3000
    found = nearest_on_surface(points[None], head[None], face_model.triangles)
    assert float(found.distances.max()) < 0.01
    tip = points[(points - scan.nose_tip[0]).norm(dim=1).argmin()]
    assert float((tip - scan.nose_tip[0]).norm()) < PERFECT.step


def test_noise_has_its_size_and_its_length(face_model: MorphableModel) -> None:
    for length in (0.0, 6.0):
        off = deviations(face_model, replace(PERFECT, noise=0.5, correlation=length))[0, 34:60, 38:58]
        assert 0.4 < float(off.std()) < 0.6
        beside = float((off[:, 4:] * off[:, :-4]).mean() / off.square().mean())  # 6 mm apart
        assert abs(beside - (0.37 if length else 0.0)) < 0.15


def test_spikes_are_few_and_large(face_model: MorphableModel) -> None:
    off = deviations(face_model, replace(PERFECT, spikes=0.02, spike_size=10.0))
    off = off[off.isfinite()]
    spiky = off.abs() > 1e-3
    assert 0.01 < float(spiky.float().mean()) < 0.03
    assert 7 < float(off[spiky].abs().mean()) < 13
    assert off.min() < -5 < 5 < off.max()


def test_spikes_at_the_eyes_stay_there(face_model: MorphableModel) -> None:
    scan, off = scanned(face_model, PERFECT), deviations(face_model, replace(PERFECT, eye_spikes=0.5))
    places = scan.positions[0][:, off[0].abs() > 1e-3].T - scan.nose_tip[0]
    eyes = face_model.mean[face_model.landmarks[36:48]] - face_model.mean[face_model.landmarks[30]]
    assert len(places) > 20
    assert float(torch.cdist(places[:, :2], eyes[:, :2]).amin(dim=1).max()) < 12


def test_brows_and_hair_are_lost_where_they_give_no_depth(face_model: MorphableModel) -> None:
    whole, lost = scanned(face_model, PERFECT), scanned(face_model, replace(PERFECT, lost_hair=1.0))
    gone = whole.depth.isfinite() & lost.depth.isnan()
    places = whole.positions[0][:, gone[0]].T - whole.nose_tip[0]
    brows = face_model.mean[face_model.landmarks[17:27]] - face_model.mean[face_model.landmarks[30]]
    assert len(places) > 30
    assert float(places[:, 1].min()) > float(brows[:, 1].min()) - 16  # nothing of the lower face
    assert not (lost.depth.isfinite() & whole.depth.isnan()).any()


def test_depths_are_multiples_of_the_quantum_and_the_scan_is_cut_at_its_reach(face_model: MorphableModel) -> None:
    scan = scanned(face_model, replace(PERFECT, quantum=0.25, reach=60.0))
    depth = scan.depth[scan.depth.isfinite()]
    assert torch.equal((depth / 0.25).round() * 0.25, depth)
    away = (scan.positions[0] - scan.nose_tip[0][:, None, None]).norm(dim=0)
    assert 58 < float(away[away.isfinite()].max()) <= 60


def test_steep_surfaces_and_the_inside_of_the_mouth_are_not_seen(face_model: MorphableModel) -> None:
    blunt, sharp = (scanned(face_model, replace(PERFECT, grazing=angle)).depth for angle in (50.0, 85.0))
    assert blunt.isfinite().sum() < 0.9 * sharp.isfinite().sum()
    step = blunt.diff(dim=2).abs()
    assert float(step[step.isfinite()].max()) <= 1.5 * 1.1918  # tan 50
    opened = scanned(face_model, PERFECT, name="mouth_stretch")
    lips = face_model.vertices(torch.zeros(1, 1), expression_coefficients(face_model, ["mouth_stretch"]))[0]
    tip = lips[face_model.landmarks[30]]
    between = lips[face_model.landmarks[[62, 66]]].mean(dim=0) - tip + opened.nose_tip[0]
    row, column = round(float(48 - between[1] / 1.5 - 0.5)), round(float(48 + between[0] / 1.5 - 0.5))
    assert opened.depth[0, row, column].isnan()


def test_triangles_without_regions_keep_all_others(face_model: MorphableModel) -> None:
    kept = triangles_without(face_model, ("ears",))
    ears = set((face_model.regions["ears"] > 0.5).nonzero()[:, 0].tolist())
    expected = [t for t in face_model.triangles.tolist() if not ears & set(t)]
    assert kept.tolist() == expected
    assert torch.equal(triangles_without(face_model, ()), face_model.triangles)


def test_the_same_seed_gives_the_same_scan(face_model: MorphableModel) -> None:
    for scanner in SCANNERS.values():
        first, again, other = (scanned(face_model, scanner, seed=seed).depth for seed in (1, 1, 2))
        torch.testing.assert_close(first, again, equal_nan=True, rtol=0, atol=0)
        assert not torch.equal(first.nan_to_num(), other.nan_to_num())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": 0.0}, "step 0"),
        ({"grazing": 90.0}, "grazing 90"),
        ({"reach": -1.0}, "reach -1"),
        ({"noise": -0.1}, "noise=-0.1"),
        ({"spikes": 1.5}, "shares from 0 to 1"),
        ({"quantum": float("nan")}, "quantum=nan"),
    ],
)
def test_scanners_that_cannot_be_are_refused(face_model: MorphableModel, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        scanned(face_model, replace(PERFECT, **change))


def test_bad_heads_are_refused(face_model: MorphableModel) -> None:
    heads, pose, generator = face_model.mean[None], torch.zeros(1, 3), torch.Generator()
    with pytest.raises(BadInput, match="heads has shape"):
        scan_heads(face_model, heads[:, :-1], pose, PERFECT, 64, generator)
    with pytest.raises(BadInput, match="pose has shape"):
        scan_heads(face_model, heads, pose[:, :2], PERFECT, 64, generator)
    with pytest.raises(DegenerateInput, match="pose holds 3 non-finite"):
        scan_heads(face_model, heads, pose / 0, PERFECT, 64, generator)
    with pytest.raises(DegenerateInput, match="non-finite"):
        scan_heads(face_model, heads * torch.nan, pose, PERFECT, 64, generator)
    with pytest.raises(BadInput, match="size is 4"):
        scan_heads(face_model, heads, pose, PERFECT, 4, generator)
