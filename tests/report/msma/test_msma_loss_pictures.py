"""What the losses of paper 5 see, and what a gradient does not know of outlines."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest
import torch

from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.networks import face_model, face_renderer, mean_coefficients
from facelib.papers.msma.objective import WeakObjective
from facelib.papers.msma.settings import WeakLossSettings
from facelib.report.msma import loss_pictures as pictures
from facelib.report.msma.method_pictures import OWN_LIGHT, lit_from

SIZE = 48


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def renderer() -> FaceRenderer:
    return face_renderer(SIZE)


@pytest.fixture(scope="module")
def face() -> FaceCoefficients:
    """A person in the light of portraits."""
    identity = torch.randn(1, 80, generator=torch.Generator().manual_seed(0))
    return mean_coefficients()._replace(identity=identity, light=lit_from(*OWN_LIGHT))


def test_one_thing_is_changed_at_a_time(face: FaceCoefficients) -> None:
    faces = pictures.changed_faces(face, -face.identity, face_model().expression_names.index("jawOpen"))

    different = {
        name: [key for key, values in other._asdict().items() if not torch.equal(values, getattr(face, key))]
        for name, other in faces.items()
    }
    assert different.pop("nothing") == []
    assert all(len(keys) == 1 for keys in different.values())
    assert different["warm light"] == ["light"]


def test_terms_see_what_they_are_for(renderer: FaceRenderer, face: FaceCoefficients) -> None:
    faces = pictures.changed_faces(face, -face.identity, face_model().expression_names.index("jawOpen"))
    objectives = {
        name: WeakObjective(renderer, WeakLossSettings(light=10.0, weighting=name))  # type: ignore[arg-type]
        for name in ("printed", "published")
    }
    seen = pictures.what_is_seen(objectives, faces, pictures.photograph_of(renderer, face))

    assert list(seen.index) == list(faces)
    marks = ["landmarks, printed", "landmarks, published"]
    assert seen.loc["nothing", ["photometric", *marks]].max() < 1e-4
    assert (seen.loc["lighter skin":, marks] < 1e-6).all(axis=None)
    assert (seen.loc["turned by 5°":"another's shape", marks] > 1e-4).all(axis=None)
    assert (seen[marks[1]] >= seen[marks[0]] - 1e-6).all()  # three more landmarks are heavy
    assert seen["light"].idxmax() == "warm light"
    assert seen.loc["shape of the mean face", "coefficients"] == 0


def test_slopes_by_gradient_and_by_differences() -> None:
    def loss(face: FaceCoefficients) -> torch.Tensor:
        return (3 * face.identity[0, 2] - face.light[0, 5].square()).sum()

    at = mean_coefficients()._replace(light=torch.full((1, 27), 0.5))
    found = pictures.slopes(loss, at, {"identity": 2, "light": 5, "albedo": 0}, step=0.25)

    assert list(found.index) == ["identity 3", "light 6", "albedo 1"]
    assert found["gradient"].tolist() == pytest.approx([3, -1, 0])
    assert found["differences"].tolist() == pytest.approx([3, -1, 0])


def test_a_gradient_knows_what_moves_inside_and_not_the_outline(renderer: FaceRenderer, face: FaceCoefficients) -> None:
    still = pictures.outline_pictures(renderer, face, 0.0)
    for picture in still[1:]:
        torch.testing.assert_close(picture, still[0], atol=1e-4, rtol=0)

    before, after, known = pictures.outline_pictures(renderer, face, 1.0)
    ground = (before == pictures.BACKGROUND).all(dim=0)
    assert (known[:, ground] == pictures.BACKGROUND).all()  # no face comes where there was none
    assert not (after[:, ground] == pictures.BACKGROUND).all()
    assert pictures.outline_share(before, after) > 0.5

    before, after, known = pictures.outline_pictures(renderer, face, 0.05)  # far less than a triangle is wide
    cheek = (slice(None), slice(26, 32), slice(13, 18))
    assert (known[cheek] - after[cheek]).norm() < 0.2 * (before[cheek] - after[cheek]).norm()


def test_the_share_of_the_outline_by_hand() -> None:
    """Of three pixels one is left by the face (0.3 a channel), one shows it twice (0.1), one never."""
    before = torch.tensor([0.45, 0.5, pictures.BACKGROUND]).expand(3, 1, 3)
    after = torch.tensor([pictures.BACKGROUND, 0.6, pictures.BACKGROUND]).expand(3, 1, 3)

    assert pictures.outline_share(before, after) == pytest.approx(0.09 / (0.09 + 0.01), rel=1e-5)


def test_pictures_of_losses_have_a_line_for_each_photograph(renderer: FaceRenderer, face: FaceCoefficients) -> None:
    made = pictures.photograph_of(renderer, face)

    figure = pictures.draw_photometric(made, renderer(mean_coefficients(), made.images), "made")
    assert len(figure.axes) == 5 + 1
    figure = pictures.draw_landmarks(made, made.landmarks[0] + 1, "made")
    assert [panel.get_title() for panel in figure.axes] == ["printed: 8 heavy", "published: 11 heavy"]
    assert len(pictures.draw_outlines(*pictures.outline_pictures(renderer, face, 1.0), "made").axes) == 3 + 1
