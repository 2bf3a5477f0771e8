"""A time-of-flight camera: distances of planes, noise, mixed pixels; and rays that meet what our rasterizer draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facelib.errors import BadInput, MissingPart
from facelib.faces import ray_casting
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.ray_casting import check_embree, first_hits
from facelib.faces.time_of_flight import TimeOfFlight, timed
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix

pytest.importorskip("embreex")

CAMERA = PerspectiveCamera(300.0, 32.0, 24.0)
EXACT = TimeOfFlight(precision=0.0, depth_unit=1e-3)
SQUARE = torch.tensor([[0, 1, 2], [0, 2, 3]])


def plane(depth: float, left: float = -500.0) -> torch.Tensor:
    """(1, 4, 3) a square that faces the camera from x = left on."""
    return torch.tensor([[[left, -500, depth], [500.0, -500, depth], [500, 500, depth], [left, 500, depth]]])


def seen(points: torch.Tensor, sensor: TimeOfFlight, behind: float = 3000.0, seed: int = 0) -> torch.Tensor:
    room = torch.full((1, 48, 64), behind)
    return timed(points, SQUARE, room, CAMERA, sensor, torch.Generator().manual_seed(seed))[0]


def test_the_depth_of_a_plane_is_its_distance_along_the_axis() -> None:
    """Distances along rays of one pixel differ by up to 0.05 mm at the border, and their phases are mixed."""
    torch.testing.assert_close(seen(plane(900.0), EXACT), torch.full((48, 64), 900.0), atol=0.02, rtol=0)
    assert (seen(plane(900.0), replace(EXACT, depth_unit=7.0)) == 903.0).all()


def test_what_is_out_of_range_or_too_dark_is_a_hole() -> None:
    far = (
        seen(plane(450.0), EXACT),
        seen(plane(4600.0), EXACT, 5000.0),
        seen(plane(2000.0), replace(EXACT, weakest=0.3)),
    )
    assert not any(image.any() for image in far)


@pytest.mark.parametrize("depth", [1000.0, 2000.0])
def test_noise_grows_with_the_square_of_the_distance(depth: float) -> None:
    off = seen(plane(depth), replace(EXACT, precision=1.5)) - depth
    assert float(off.std()) == pytest.approx(1.5 * (depth / 1000) ** 2, rel=0.05)
    beside = torch.corrcoef(torch.stack((off[:, 1:].flatten(), off[:, :-1].flatten())))[0, 1]
    assert abs(float(beside)) < 0.08  # neighbours do not share it


def test_a_pixel_on_an_outline_lies_between_both_surfaces() -> None:
    """A third of its rays meets the plane in front: amplitudes by hand, nearly those of facing planes at the axis."""
    edge = (30 + 2 / 3 - 32.0) / 300 * 1000  # in pixel 30, of which the last third is covered
    row = seen(plane(1000.0, edge), EXACT, 1500.0)[24]
    radians, distances = 4 * np.pi * 16e6 / 2.99792458e11, np.array([1500.0, 1500.0, 1000.0])
    mixed = np.sum(np.exp(1j * radians * distances) / distances**2)
    assert float(row[30]) == pytest.approx(np.angle(mixed) / radians, abs=0.1)
    assert float(row[29]) == pytest.approx(1500, abs=0.1)
    assert float(row[31]) == pytest.approx(1000, abs=0.1)


def test_rays_meet_what_the_rasterizer_draws(face_model: MorphableModel) -> None:
    """Two renderers that share nothing: the depth of a turned head, but along outlines."""
    pose, camera = torch.deg2rad(torch.tensor([[35.0, -10.0, 5.0]])), PerspectiveCamera(400.0, 64.0, 64.0)
    head = face_to_camera(face_model.mean[None], euler_to_matrix(*pose.unbind(1)), torch.tensor([[0.0, 0.0, 900.0]]))
    drawn = rasterize(camera.project(head), face_model.triangles, 128, 128, perspective=True, cull_back_faces=False)
    v, u = np.mgrid[:128, :128] + 0.5
    rays = np.stack(((u - 64) / 400, (v - 64) / 400, np.ones_like(u)), axis=-1).reshape(-1, 3)
    met, cosine = (each.reshape(128, 128) for each in first_hits(head[0].numpy(), face_model.triangles.numpy(), rays))
    mask = drawn.mask[0].numpy()
    assert (np.isfinite(met) == mask).mean() > 0.999
    both = mask & np.isfinite(met)
    assert np.quantile(np.abs(met[both] - drawn.depth[0].numpy()[both]), 0.99) < 0.01
    assert ((cosine > 0) & (cosine <= 1 + 1e-9))[both].all()
    assert (cosine[~np.isfinite(met)] == 0).all()


def test_bad_sensors_are_refused() -> None:
    for wrong in ({"rays": 0}, {"frequency": 0.0}, {"precision": -1.0}, {"weakest": float("nan")}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            TimeOfFlight(**wrong)  # type: ignore[arg-type]


def test_without_embree_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(ray_casting.importlib, "import_module", missing)
    with pytest.raises(MissingPart, match="pip install embreex"):
        check_embree()
