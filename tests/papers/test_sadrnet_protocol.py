from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from test_sadrnet_maps import REGIONS, SIZE, made_faces

from facelib.data.posed_faces import PosedFaces
from facelib.errors import BadInput
from facelib.geometry.alignment import Similarity
from facelib.models.sadrnet import FaceMaps
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.maps import FaceMapper, TrueMaps
from facelib.papers.sadrnet.methods import METHODS
from facelib.papers.sadrnet.networks import MeanFace, build_network, full_size_mib
from facelib.papers.sadrnet.protocol import (
    ALIGNMENT,
    head_of,
    head_rotation,
    metrics_of,
    photograph_errors,
    scan_error,
)


@pytest.fixture(scope="module")
def mapper(face_model) -> FaceMapper:
    return FaceMapper(face_model, SIZE, REGIONS)


def told(faces, true: TrueMaps) -> FaceMaps:
    """A prediction that is the truth."""
    return FaceMaps(true.geometry, true.geometry, true.shape, None, faces.scale, faces.rotation, faces.translation)


def errors_of(
    predict: Callable[[PosedFaces, TrueMaps], FaceMaps], mapper: FaceMapper, faces: PosedFaces
) -> dict[str, np.ndarray]:
    true = mapper(faces)
    return photograph_errors(predict(faces, true), true, faces, mapper)


def test_the_truth_has_no_error(mapper):
    errors = errors_of(told, mapper, made_faces(4))
    for name in (*ALIGNMENT, "reconstruction"):
        assert errors[name] == pytest.approx(np.zeros(4), abs=1e-5), name
    assert errors["aflw_angle_error"] == pytest.approx(np.zeros((4, 3)), abs=1e-3)
    assert errors["geodesic"] == pytest.approx(np.zeros(4), abs=2e-3)


def test_a_shift_is_an_error_of_alignment_and_of_nothing_else(mapper):
    """Three pixels aside and four to the back: by hand 3 / sqrt(h w), and 5 / sqrt(h w) unless depth is shifted."""

    def shifted(faces, true):
        moved = true.geometry + torch.tensor([3.0, 0.0, 4.0]).view(3, 1, 1)
        return told(faces, true)._replace(geometry=moved)

    faces = made_faces(4)
    errors, landmarks = errors_of(shifted, mapper, faces), mapper.template.landmarks_of(mapper(faces).geometry)[..., :2]
    side = (landmarks.amax(dim=1) - landmarks.amin(dim=1)).prod(dim=1).sqrt().numpy()
    assert errors["sparse_2d"] == pytest.approx(3 / side, rel=1e-4)
    assert errors["sparse_3d"] == pytest.approx(3 / side, rel=1e-4)
    assert errors["sparse_3d_unshifted"] == pytest.approx(5 / side, rel=1e-4)
    assert errors["reconstruction"] == pytest.approx(np.zeros(4), abs=1e-5)
    assert errors["geodesic"] == pytest.approx(np.zeros(4), abs=2e-3)


def test_reconstruction_is_an_error_of_shape_over_the_interocular_distance(mapper):
    """A face 1 mm off everywhere in random directions, laid onto the truth by no more than a hair."""
    faces = made_faces(2)
    noise = torch.nn.functional.normalize(
        torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3)), dim=1
    )

    def noisy(faces, true):
        points = (true.shape + noise).flatten(2).mT
        return told(faces, true)._replace(geometry=faces.pose.apply(points).mT.view_as(true.shape))

    corners = mapper.template.landmarks_of(mapper(faces).shape)[:, [36, 45]]
    expected = 1 / (corners[:, 0] - corners[:, 1]).norm(dim=1).numpy()
    assert errors_of(noisy, mapper, faces)["reconstruction"] == pytest.approx(expected, rel=0.01)


def test_the_pose_of_a_position_map_is_that_of_the_mean_face_laid_onto_it(mapper):
    faces = made_faces(3)
    mean = mapper.template.mean_map.expand(3, -1, -1, -1)
    geometry = faces.pose.apply(mean.flatten(2).mT).mT.view_as(mean)
    direct = FaceMaps(geometry, geometry, None, None, None, None, None)
    assert head_rotation(direct, mapper).numpy() == pytest.approx(head_of(faces.rotation).numpy(), abs=1e-3)


def test_a_prediction_that_is_not_finite_is_refused(mapper):
    with pytest.raises(BadInput, match="not finite"):
        errors_of(
            lambda faces, true: told(faces, true)._replace(geometry=true.geometry * torch.nan), mapper, made_faces(2)
        )


def test_metrics_are_means_by_yaw(mapper):
    count = 6
    scores = {name: np.arange(count, dtype=float) for name in (*ALIGNMENT, "reconstruction")}
    scores |= {
        "yaw": np.deg2rad([0.0, -29.0, 30.0, -59.0, 61.0, 90.0]),
        "geodesic": np.deg2rad(np.full(count, 7.0)),
        "occluder": np.zeros(count, np.int16),
        **{name: np.ones(count) for name in ("shape_mm", "mean_face_mm", "shape_square", "shape_square_error")},
        **{name: np.ones((count, 10)) for name in ("told_identity", "true_identity")},
        # The second sample is in gimbal lock: 30 degrees of pitch, 4 of yaw.
        "aflw_angle_error": np.deg2rad([[1.0, 2.0, 3.0], [4.0, 30.0, 3.0], *[[1.0, 2.0, 3.0]] * 4]),
    }
    found = {name: metric["value"] for name, metric in metrics_of(scores).items()}
    assert found["sparse_2d/0-30"] == pytest.approx(0.5)
    assert found["sparse_2d/30-60"] == pytest.approx(2.5)
    assert found["reconstruction/60-90"] == pytest.approx(4.5)
    assert found["sparse_2d/balanced"] == pytest.approx(2.5)
    assert found["dense_3d"] == pytest.approx(2.5)
    assert found["yaw_error"] == pytest.approx(1.5)
    assert found["pitch_error"] == pytest.approx(40 / 6)
    assert found["fix.pitch_error"] == pytest.approx(2)
    assert found["fix.pose_error"] == pytest.approx(2)
    assert found["geodesic_error"] == pytest.approx(7)


def test_a_scan_of_the_face_itself_is_near(mapper):
    """Points between the map's texels, in any pose and size: only their spacing is left; a wrong size costs more."""
    faces = made_faces(1)
    true = mapper(faces)
    points = mapper.points_of(true.shape)[0]
    evaluated = mapper.evaluated[mapper.template.mask]
    scan = points[mapper.triangles[evaluated[mapper.triangles].all(dim=1)]].mean(dim=1)[::4]
    landmarks = mapper.template.landmarks_of(true.shape)[0]
    pose = Similarity(torch.tensor([0.3]), faces.rotation, faces.translation)
    moved = pose.apply(points[None])[0]
    error = scan_error(moved, landmarks, scan, mapper, scale=True)
    assert 0 < error < 0.3  # mm, though texels lie about 3 mm apart
    wrong = landmarks * 1.2
    assert scan_error(moved, wrong, scan, mapper, scale=False) > 1.5


def test_the_true_face_is_nearer_to_a_part_of_itself_than_the_mean_face_is(mapper):
    """A scan is cut around the nose: the face beyond it must not pull, or it shrinks onto the scan."""
    true = mapper(made_faces(1))
    points = mapper.points_of(torch.cat((true.shape, mapper.template.mean_map[None])))
    scan = points[0][mapper.triangles].mean(dim=1)
    scan = scan[(scan - scan[scan[:, 2].argmax()]).norm(dim=1) < 60]
    landmarks = mapper.template.landmarks_of(true.shape)[0]

    own, mean = (scan_error(each, landmarks, scan, mapper, scale=True) for each in points)
    assert own < 0.5  # mm, of texels 3 mm apart
    assert mean > 2 * own


def test_the_mean_face_fills_the_true_box(mapper):
    """Centre and area of the landmarks' box are the truth's."""
    network = MeanFace(mapper.template)
    faces = made_faces(3)
    landmarks = mapper.template.landmarks_of(mapper(faces).geometry)
    maps = network(landmarks)
    found = mapper.template.landmarks_of(maps.geometry)[..., :2]
    for true, predicted in zip(landmarks[..., :2], found, strict=True):
        low, high, true_low, true_high = *predicted.aminmax(dim=0), *true.aminmax(dim=0)
        assert torch.allclose(low + high, true_low + true_high, atol=1e-2)
        assert torch.allclose((high - low).prod(), (true_high - true_low).prod(), rtol=1e-3)


@pytest.mark.parametrize(("method", "printed"), [("sadrnet", 60), ("direct", 52)])
def test_full_size_is_what_the_paper_says(method, printed):
    """Section IV.F, in MB of 2^20 bytes; the template of the mean face counts."""
    assert full_size_mib(METHODS[method]) == pytest.approx(printed, abs=0.7)


def test_frameworks_differ_by_settings_only():
    settings = {
        name: PAPER.run_settings(name, "smoke").network for name, method in METHODS.items() if method.kind == "network"
    }
    assert settings["sadrnet"] == settings["no_mesh_loss"]
    assert len({(s.attention, s.geometry, s.shape) for s in settings.values()}) == 7
    network = build_network(METHODS["no_attention"], PAPER.run_settings("no_attention", "smoke"))
    assert network.attention is None
