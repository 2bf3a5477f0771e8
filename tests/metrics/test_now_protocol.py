from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from facelib.errors import BadInput, DegenerateInput
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.nearest_on_surface import nearest_on_surface
from facelib.geometry.point_clouds import sample_surface
from facelib.geometry.rotations import euler_to_matrix
from facelib.metrics.now_protocol import NowErrors, NowSettings, now_errors, now_landmarks, pooled

Surface = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # vertices, triangles, seven landmarks
RIGID = NowSettings(landmark_scale=False, surface_scale=False)
MARKS = torch.tensor(  # of a flat face, 100 mm between the outer eye corners, 40 mm from them down to the nose's bottom
    [[-50.0, 40, 0], [-20, 40, 0], [20, 40, 0], [50, 40, 0], [0, 0, 0], [-25, -30, 0], [25, -30, 0]]
)


@pytest.fixture(scope="module")
def people(face_model: MorphableModel) -> list[Surface]:
    triangles = face_layout(face_model, 32).triangles
    heads = face_model.vertices(sample_people(face_model, 2, seed=4).identity)
    return [(head, triangles, now_landmarks(head[face_model.landmarks])) for head in heads]


def points_of(surface: Surface, count: int = 3000) -> torch.Tensor:
    return sample_surface(surface[0][None], surface[1], count, torch.Generator().manual_seed(0))[0]


def moved(surface: Surface, size: float = 1.0, error: float = 0.0) -> Surface:
    """The face elsewhere, its landmarks `error` mm beside their places."""
    vertices, triangles, landmarks = surface
    landmarks = landmarks + error * torch.randn(7, 3, generator=torch.Generator().manual_seed(1))
    rotation = euler_to_matrix(*torch.tensor([[0.3], [-0.2], [0.1]]))[0]
    place = torch.tensor([10.0, -20.0, 30.0])
    return size * vertices @ rotation.T + place, triangles, size * landmarks @ rotation.T + place


def sheet(reach: float = 100.0) -> tuple[torch.Tensor, torch.Tensor]:
    """A square in the plane z = 0 of two triangles."""
    corners = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return reach * corners, torch.tensor([[0, 1, 2], [0, 2, 3]])


def grid(reach: float, step: float) -> torch.Tensor:
    """Points (P, 3) of the plane z = 0."""
    line = torch.arange(-reach, reach + step / 2, step)
    return torch.cartesian_prod(line, line, torch.zeros(1))


# ---- what is measured ----


@pytest.mark.parametrize("size", [1.0, 0.01])
def test_a_face_has_no_error_to_points_of_its_own_surface_wherever_it_lies(people: list[Surface], size: float) -> None:
    face = people[0]
    errors = now_errors(*moved(face, size), points_of(face), face[2])
    assert len(errors.distances) > 500
    assert errors.distances.max() < 1e-3


def test_the_fit_to_the_surface_makes_up_for_wrong_landmarks(people: list[Surface]) -> None:
    face = people[0]
    given = *moved(face, 1.2, error=3.0), points_of(face), face[2]
    assert now_errors(*given, NowSettings(steps=0)).mean > 0.5
    assert now_errors(*given).distances.max() < 1e-3


def test_distances_are_to_the_surface_not_to_its_vertices() -> None:
    """Two large triangles and points 3 mm off them, by turns before and behind: no motion brings them nearer."""
    scan = grid(60, 5)
    scan[:, 2] = 3.0 * (1 - 2 * (torch.arange(len(scan)) % 2))
    errors = now_errors(*sheet(), MARKS, scan, MARKS, RIGID)
    np.testing.assert_allclose(errors.distances, 3.0, atol=0.02)


def test_a_sheet_at_a_known_distance_is_as_far_as_that_without_the_fit() -> None:
    errors = now_errors(*sheet(), MARKS, grid(60, 5) + torch.tensor([0.0, 0, 2.5]), MARKS, NowSettings(steps=0))
    np.testing.assert_allclose(errors.distances, 2.5, atol=1e-5)
    assert errors.std == pytest.approx(0, abs=1e-5)
    assert now_errors(*sheet(), MARKS, grid(60, 5) + torch.tensor([0.0, 0, 2.5]), MARKS).mean < 1e-6


def test_the_fit_is_that_of_a_general_optimiser(people: list[Surface]) -> None:
    """Least squares by SciPy over turn, growth and shift with numeric derivatives, from the same start."""
    (face, triangles, marks), other = people
    scan = points_of(other)
    inside = scan[within_hand_made_ball(scan, other[2])].double()
    start = similarity_transform(marks[None], other[2][None]).apply(face[None])[0].double()
    centre = inside.mean(dim=0)

    def residuals(motion: np.ndarray) -> np.ndarray:
        turn, growth, shift = torch.from_numpy(motion).split((3, 1, 3))
        rotation = euler_to_matrix(*(turn / 100)[:, None])[0]
        vertices = (1 + growth / 100) * (start - centre) @ rotation.T + centre + shift
        return nearest_on_surface(inside[None], vertices[None], triangles).distances[0].numpy()

    expected = np.sort(least_squares(residuals, np.zeros(7), diff_step=1e-4).fun)
    errors = now_errors(face, triangles, marks, scan, other[2])
    assert 0.3 < errors.median < 3
    assert math.sqrt(np.mean(errors.distances**2)) == pytest.approx(math.sqrt(np.mean(expected**2)), rel=1e-4)
    np.testing.assert_allclose(np.sort(errors.distances), expected, atol=0.03)


def within_hand_made_ball(scan: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    middle = (marks[1] + marks[2]) / 2
    radius = 1.4 * ((marks[0] - marks[3]).norm() + (middle - marks[4]).norm()) / 2
    return (scan - 0.7 * marks[4] - 0.3 * middle).norm(dim=1) <= radius


def test_only_a_fit_with_scale_forgives_the_size(people: list[Surface]) -> None:
    face = people[0]
    given = *moved(face, 1.1), points_of(face), face[2]
    assert now_errors(*given, RIGID).mean > 0.5
    assert now_errors(*given, replace(RIGID, surface_scale=True)).mean < 1e-3


# ---- what counts ----


def test_the_ball_by_hand() -> None:
    """Centre 12 mm above the nose's bottom, three tenths of the nose's 40 mm; radius 1.4 x (100 + 40) / 2 = 98 mm."""
    directions = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0.6, -0.8, 0]])
    centre = torch.tensor([0.0, 12, 0])
    scan = torch.cat([centre + reach * directions for reach in (97.9, 98.1, 50.0)])
    errors = now_errors(*sheet(200), MARKS, scan, MARKS, NowSettings(steps=0))
    np.testing.assert_allclose(errors.distances, [0, 0, 0, 97.9, 0, 0, 0, 0, 50, 0], atol=1e-4)


def test_other_settings_cut_another_ball() -> None:
    """Radius 70 mm around the bottom of the nose itself."""
    scan = torch.tensor([[69.9, 0, 0], [70.1, 0, 0], [0, 69.9, 0], [0, -69.9, 0]])
    errors = now_errors(*sheet(200), MARKS, scan, MARKS, NowSettings(radius=1.0, rise=0.0, steps=0))
    assert len(errors.distances) == 3


def test_the_seven_landmarks_are_where_their_names_say(face_model: MorphableModel) -> None:
    """x to the subject's left, y up, z out of the face."""
    landmarks = face_model.mean[face_model.landmarks]
    x, y, z = now_landmarks(landmarks).T
    order = [0, 5, 1, 4, 2, 6, 3]  # from the right outer corner of the eyes to the left one
    assert x.argsort().tolist() == order
    assert y[:4].min() > y[4] > y[5:].max()
    assert z[4] > z[:4].max()
    assert torch.equal(now_landmarks(landmarks.expand(2, 68, 3))[1], now_landmarks(landmarks))


def test_statistics_by_hand_of_one_face_and_of_all_points_of_two() -> None:
    first, second = NowErrors(np.array([1.0, 2.0, 6.0])), NowErrors(np.array([1.0]))
    assert (first.median, first.mean) == (2.0, 3.0)
    assert first.std == pytest.approx(math.sqrt((4 + 1 + 9) / 3))
    both = pooled([first, second])
    assert (both.median, both.mean) == (1.5, 2.5)  # each point once, not each face
    assert both.std == pytest.approx(math.sqrt((2.25 + 0.25 + 12.25 + 2.25) / 4))
    with pytest.raises(BadInput, match="at least one face"):
        pooled([])


# ---- bad input ----


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"face": torch.zeros(4, 2)}, BadInput, "face has shape"),
        ({"triangles": torch.tensor([[0, 1, 4]])}, BadInput, "expected ids"),
        ({"landmarks": torch.zeros(68, 3)}, BadInput, r"landmarks has shape .* expected \(7, 3\)"),
        ({"scan_landmarks": torch.zeros(68, 3)}, BadInput, "scan_landmarks has shape"),
        ({"scan": torch.zeros(0, 3)}, BadInput, "scan has shape"),
        ({"scan": grid(60, 5).double()}, BadInput, "expected one dtype"),
        ({"scan": grid(60, 5) + 1e4}, BadInput, "no point lies within 98"),
        ({"face": sheet()[0] / 0}, DegenerateInput, "face holds"),
        ({"scan": torch.full((5, 3), torch.nan)}, DegenerateInput, "scan holds 15 non-finite"),
        ({"landmarks": torch.ones(7, 3)}, DegenerateInput, "landmarks are all in one place"),
        ({"scan_landmarks": torch.ones(7, 3)}, DegenerateInput, "scan_landmarks are all in one place"),
    ],
)
def test_bad_input_is_refused(change: dict[str, torch.Tensor], error: type[Exception], message: str) -> None:
    face, triangles = sheet()
    good = {"face": face, "triangles": triangles, "landmarks": MARKS, "scan": grid(60, 5), "scan_landmarks": MARKS}
    with pytest.raises(error, match=message):
        now_errors(**(good | change))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(BadInput, match="steps are -1"):
        NowSettings(steps=-1)
    with pytest.raises(BadInput, match="tolerance is nan"):
        NowSettings(tolerance=math.nan)
