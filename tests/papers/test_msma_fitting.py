"""Paper 5 without a network: the renderer, its losses, and coefficients found by descent."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.lighting import GAMMA_AMBIENT
from facelib.geometry.rotations import geodesic_distance
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.fitting import fit
from facelib.papers.msma.objective import WeakObjective
from facelib.papers.msma.settings import FittingSettings, WeakLossSettings

SIZE = 48
SIZES = {"identity": 80, "expression": 52, "albedo": 80, "angles": 3, "translation": 3, "light": 27}
ALL = WeakLossSettings(light=10.0)


@pytest.fixture(scope="module")
def renderer(face_model: MorphableModel) -> FaceRenderer:
    return FaceRenderer(face_model, SIZE)


def zeros(count: int = 1) -> FaceCoefficients:
    return FaceCoefficients(**{name: torch.zeros(count, size) for name, size in SIZES.items()})


def drawn_at_random(count: int, seed: int = 0) -> FaceCoefficients:
    """People in the usual range, at up to about 40 degrees, in light that is not quite white."""
    generator = torch.Generator().manual_seed(seed)
    spreads = {"identity": 1.0, "expression": 1.0, "albedo": 0.7, "angles": 0.2, "translation": 0.1, "light": 0.05}
    return FaceCoefficients(
        **{name: spreads[name] * torch.randn(count, size, generator=generator) for name, size in SIZES.items()}
    )


def photographs(renderer: FaceRenderer, coefficients: FaceCoefficients) -> LandmarkedFaces:
    grey = torch.full((1, 3, renderer.size, renderer.size), 0.5)
    with torch.no_grad():
        drawn = renderer(coefficients, grey)
    return LandmarkedFaces(drawn.image, drawn.landmarks, drawn.mask.float())


def recogniser(images: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
    return images[:, :, ::8, ::8].flatten(1) - 0.4


def test_zero_is_the_mean_face_in_the_middle_in_even_light(renderer: FaceRenderer) -> None:
    faces = photographs(renderer, zeros())
    low, high = faces.landmarks.amin(dim=1), faces.landmarks.amax(dim=1)
    torch.testing.assert_close((low + high) / 2, torch.full((1, 2), SIZE / 2), atol=0.6, rtol=0)
    # The base method's crop shows a face at about five eighths of the image.
    assert (high - low > 0.55 * SIZE).all()
    assert (high - low < 0.75 * SIZE).all()
    # Base light: 0.8 of the constant harmonic times pi, that is 0.8 pi 0.2821 of the albedo, then encoded.
    cheek = faces.images[0, :, SIZE // 2 + 4, SIZE // 2 - 10]
    nearest = renderer.texture_mean[renderer.skin > 0]
    expected = (nearest * GAMMA_AMBIENT * torch.pi * 0.282095) ** (1 / 2.2)
    assert (expected.amin(dim=0) - 1e-3 <= cheek).all()
    assert (cheek <= expected.amax(dim=0) + 1e-3).all()


def test_expressions_are_told_in_standard_deviations_of_the_population(face_model: MorphableModel) -> None:
    strengths = expression_coefficients(face_model, list(EXPRESSIONS))  # the strongest of each, drawn evenly from 0
    spread = (strengths.square().mean(dim=0) / 3).mean().sqrt()
    assert spread.item() == pytest.approx(EXPRESSION_SPREAD, rel=0.05)


def test_landmarks_are_those_of_the_whole_head_seen_by_the_camera(
    renderer: FaceRenderer, face_model: MorphableModel
) -> None:
    """Eqs. 1 and 2 point by point, with the base method's constants."""
    one = drawn_at_random(1, seed=3)
    head = face_model.vertices(one.identity, EXPRESSION_SPREAD * one.expression)[0, face_model.landmarks].double()
    yaw, pitch, roll = (float(each) for each in one.angles[0])

    def turn(axis: int, angle: float) -> torch.Tensor:
        generator = torch.zeros(3, 3, dtype=torch.float64)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        generator[a, b], generator[b, a] = -angle, angle
        return torch.linalg.matrix_exp(generator)

    rotation = turn(1, yaw) @ turn(0, -pitch) @ turn(2, roll)
    middle = face_model.mean[face_model.landmarks]
    middle = ((middle.amin(dim=0) + middle.amax(dim=0)) / 2).double()
    x, y, z = ((head - middle) @ rotation.T).unbind(1)
    t = 100 * one.translation[0].double()
    away = 1000 - z + t[2]
    focal = 1015 * SIZE / 224
    expected = torch.stack((focal * (x + t[0]) / away + SIZE / 2, focal * (t[1] - y) / away + SIZE / 2), dim=1)

    torch.testing.assert_close(renderer.landmarks_of(one)[0].double(), expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(photographs(renderer, one).landmarks, renderer.landmarks_of(one))


def test_each_term_is_its_weight_times_its_loss_and_zero_weights_leave_it_out(renderer: FaceRenderer) -> None:
    faces, found = photographs(renderer, drawn_at_random(2)), drawn_at_random(2, seed=1)
    whole = WeakObjective(renderer, ALL, recogniser).terms(found, faces)
    ones = {each.name: 1.0 for each in fields(ALL) if each.name in whole}
    plain = WeakObjective(renderer, replace(ALL, **ones), recogniser).terms(found, faces)

    assert list(whole) == ["photometric", "perceptual", "landmarks", "coefficients", "reflectance", "light"]
    for name, value in whole.items():
        assert value.item() == pytest.approx(getattr(ALL, name) * plain[name].item(), rel=1e-5)
    assert "perceptual" not in WeakObjective(renderer, ALL).terms(found, faces)
    assert "light" not in WeakObjective(renderer, WeakLossSettings()).terms(found, faces)
    # Pixels of 224: at another size landmarks weigh the same.
    apart = (224 / SIZE) * (renderer.landmarks_of(found) - faces.landmarks)
    weights = torch.ones(68)
    weights[60:] = 20
    assert plain["landmarks"].item() == pytest.approx((weights * apart.square().sum(dim=2)).mean().item(), rel=1e-4)


def test_the_truth_costs_nothing_but_its_prior(renderer: FaceRenderer) -> None:
    true = drawn_at_random(2)
    terms = WeakObjective(renderer, ALL, recogniser).terms(true, photographs(renderer, true))

    assert terms["photometric"].item() < 1e-4
    assert terms["perceptual"].item() == pytest.approx(0, abs=1e-5)
    assert terms["landmarks"].item() == pytest.approx(0, abs=1e-6)


def test_gradients_of_every_term_in_float64(face_model: MorphableModel) -> None:
    """Along random directions; the pixels' triangles do not change within such small steps."""
    double = FaceRenderer(face_model, 32).double()
    faces = photographs(FaceRenderer(face_model, 32), drawn_at_random(1))
    faces = LandmarkedFaces(faces.images.double(), faces.landmarks.double(), faces.skin.double())
    objective = WeakObjective(double, ALL, recogniser)
    found = [each.double().requires_grad_() for each in drawn_at_random(1, seed=2)]

    assert torch.autograd.gradcheck(
        lambda *parts: torch.stack(list(objective.terms(FaceCoefficients(*parts), faces).values())),
        found,
        eps=1e-7,
        atol=1e-4,
        rtol=1e-3,
        fast_mode=True,
    )


def test_a_fit_from_zero_finds_the_pose_and_the_landmarks(renderer: FaceRenderer) -> None:
    """On average within 1 degree and 1 % of the distance of the outer eye corners; and it comes nearer to the shape."""
    true = drawn_at_random(3)
    faces = photographs(renderer, true)
    found = fit(WeakObjective(renderer, ALL), faces, zeros(3), FittingSettings(landmark_steps=60, steps=240))

    landmarks = renderer.landmarks_of(found)
    eyes = (faces.landmarks[:, 36] - faces.landmarks[:, 45]).norm(dim=1, keepdim=True)
    assert ((landmarks - faces.landmarks).norm(dim=2) / eyes).mean(dim=1).max() < 0.01
    # A head that turns and one whose shape leans look alike: the turn is that between both faces as they lie in space.
    posed, expected = (
        renderer.in_camera(renderer.shape_of(each), each) - torch.tensor([0.0, 0.0, 1000.0]) for each in (found, true)
    )
    angles = geodesic_distance(similarity_transform(posed, expected).rotation, torch.eye(3).expand(3, 3, 3))
    assert torch.rad2deg(angles).mean() < 1
    assert torch.rad2deg(angles).max() < 1.5
    shapes = [renderer.shape_of(each) for each in (found, zeros(3))]
    errors = [(each - renderer.shape_of(true)).norm(dim=2).mean() for each in shapes]
    assert errors[0] < 0.75 * errors[1]


def test_each_photograph_is_fitted_as_if_alone(renderer: FaceRenderer) -> None:
    faces = photographs(renderer, drawn_at_random(2))
    few, objective = FittingSettings(landmark_steps=3, steps=3), WeakObjective(renderer, ALL)
    together = fit(objective, faces, zeros(2), few)
    alone = fit(objective, faces.part(slice(1)), zeros(1), few)

    for both, one in zip(together, alone, strict=True):
        torch.testing.assert_close(both[:1], one, atol=2e-4, rtol=1e-3)


def test_photographs_without_skin_are_fitted_by_their_landmarks(renderer: FaceRenderer) -> None:
    """All dark, or all covered: a finite answer, and the landmarks in place."""
    faces = photographs(renderer, drawn_at_random(2))
    dark = LandmarkedFaces(torch.zeros_like(faces.images), faces.landmarks, torch.zeros_like(faces.skin))
    found = fit(WeakObjective(renderer, ALL), dark, zeros(2), FittingSettings(landmark_steps=60, steps=20))

    assert all(each.isfinite().all() for each in found)
    assert (renderer.landmarks_of(found) - faces.landmarks).norm(dim=2).mean() < 0.6
