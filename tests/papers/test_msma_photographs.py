"""A face model fitted to a photograph: crop, landmarks, skin, refinement, and the file of coefficients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_runs import use_private_runs
from untrained_reader import make_untrained_reader

import facelib
from facelib.data.embedded.portraits import portraits
from facelib.data.landmarked_faces import LandmarkedFaces, aligned, scale_and_shift
from facelib.data.photographs import FaceBox, FaceCrop, Photograph
from facelib.errors import BadInput, CorruptFile, DegenerateInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scene import Rendering
from facelib.geometry.lighting import coefficients_from_gamma
from facelib.geometry.normals import vertex_normals
from facelib.papers import trained
from facelib.papers.msma import detection
from facelib.papers.msma.coefficient_file import read_coefficients, write_coefficients
from facelib.papers.msma.detection import detected_landmarks, guessed_skin, standard_crop
from facelib.papers.msma.fitted_face import FittedFace
from facelib.papers.msma.networks import face_renderer, mean_coefficients, standard_landmarks
from facelib.papers.sadrnet.reconstruction import bounds
from facelib.storage import read_json, write_json

pytestmark = pytest.mark.usefixtures("face_model")
SIDE = 256
ORIGIN = {"method": "msma", "tier": "smoke", "weights_sha256": "", "refined": False}


@pytest.fixture(scope="module")
def shown(face_model: MorphableModel) -> Rendering:
    return portraits(face_model, 3, SIDE, yaw=20.0, crop=2.2)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    use_private_runs(monkeypatch, tmp_path / "runs")
    return str(make_untrained_reader())


def box_of(landmarks: torch.Tensor) -> FaceBox:
    low, high = bounds(landmarks)
    return FaceBox(*low.tolist(), *high.tolist())


def fitted(photograph: Photograph | None = None, **changes: torch.Tensor) -> FittedFace:
    """The mean face in the middle of a photograph, or another face."""
    whole = Photograph(torch.rand(3, 90, 120)) if photograph is None else photograph
    crop = FaceCrop(torch.zeros(3, 64, 64), 1.25, (20.0, 5.0))
    return FittedFace(mean_coefficients()._replace(**changes), crop, FaceBox(40, 30, 80, 70), whole, ORIGIN)


def test_the_crop_is_that_of_training_beyond_the_border_too(shown: Rendering) -> None:
    """At the photograph's own resolution both are bilinear: `aligned` is the reference, for a face at the border."""
    image, landmarks = shown.image[:1, :, 40:, 50:], shown.landmarks[:1] - torch.tensor([50.0, 40.0])
    side = 150  # `aligned` takes squares
    image = image[..., :side, :side]
    standard = standard_landmarks(side)
    expected = aligned(LandmarkedFaces(image, landmarks, torch.ones(1, side, side)), standard)
    crop = standard_crop(Photograph(image[0]), landmarks[0], side)

    torch.testing.assert_close(crop.from_photograph(landmarks[0]), expected.landmarks[0], atol=1e-3, rtol=0)
    assert (crop.image - expected.images[0]).abs().mean() < 0.01
    assert (crop.image[:, :, 0] - expected.images[0, :, :, 0]).abs().max() < 0.05


def test_scale_and_shift_by_hand() -> None:
    points = torch.tensor([[[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]])
    scale, shift = scale_and_shift(points, 3 * points + torch.tensor([5.0, -1.0]))

    torch.testing.assert_close(scale, torch.tensor([3.0]))
    torch.testing.assert_close(shift, torch.tensor([[5.0, -1.0]]))


def test_landmarks_go_where_the_detector_sees_eyes_nose_and_mouth(
    shown: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph, box = Photograph(shown.image[0]), box_of(shown.landmarks[0])
    monkeypatch.setattr(detection, "find_points", lambda *words: None)
    alone = detected_landmarks(photograph, box)
    own = torch.stack((alone[36:42].mean(dim=0), alone[42:48].mean(dim=0), alone[30], alone[48:60].mean(dim=0)))
    monkeypatch.setattr(detection, "find_points", lambda *words: 1.1 * own - 7)

    torch.testing.assert_close(detected_landmarks(photograph, box), 1.1 * alone - 7, atol=1e-2, rtol=0)
    for nonsense in (-own, 3 * own, own.flip(1)):
        monkeypatch.setattr(detection, "find_points", lambda *words, found=nonsense: found)
        torch.testing.assert_close(detected_landmarks(photograph, box), alone)


def test_skin_is_what_looks_like_the_middle_of_the_face(caplog: pytest.LogCaptureFixture) -> None:
    image = torch.tensor([0.7, 0.5, 0.4])[:, None, None].repeat(1, 64, 64)
    image[:, :, 48:] *= 0.7  # in shade
    image[:, :8] = torch.tensor([0.25, 0.16, 0.09])[:, None, None]  # hair
    image[:, 56:] = torch.tensor([0.2, 0.3, 0.9])[:, None, None]  # cloth
    expected = torch.ones(64, 64)
    expected[:8], expected[56:] = 0, 0
    assert torch.equal(guessed_skin(image), expected)
    assert caplog.text == ""

    assert not guessed_skin(0.01 * image).any()
    assert "the face is dark: its median brightness is 0.005 of 1; it is fitted to its landmarks alone" in caplog.text


def test_refinement_brings_a_rendered_face_to_its_landmarks(run: str, shown: Rendering) -> None:
    """An untrained network reads the mean face; what is fitted is nearer to the true landmarks, which nobody gave."""
    errors: dict[bool, list[float]] = {False: [], True: []}
    for image, landmarks in zip(shown.image, shown.landmarks, strict=True):
        pixels, box = image.permute(1, 2, 0).clamp(0, 1).numpy(), box_of(landmarks)
        size = (landmarks.amax(dim=0) - landmarks.amin(dim=0)).prod().sqrt()
        for refine, those in errors.items():
            face = facelib.fit(pixels, box, run, refine=refine)
            those.append(float((face.landmarks - landmarks).norm(dim=1).mean() / size))
    assert max(errors[True]) < 0.06, errors
    assert sum(errors[True]) < 0.7 * sum(errors[False]), errors


def test_what_was_fitted(run: str, shown: Rendering) -> None:
    face = facelib.fit(
        shown.image[0].permute(1, 2, 0).clamp(0, 1).numpy(), box_of(shown.landmarks[0]), run, refine=False
    )

    assert all(value.shape[0] == 1 and value.isfinite().all() for value in face.coefficients)
    assert face.vertices.shape == face.renderer.mean.shape
    assert len(face.colours) == len(face.surface.vertices) > 10 * len(face.vertices)
    assert face.colours.isfinite().all()
    mesh = face.to_trimesh()
    assert len(mesh.faces) == len(face.surface.triangles)
    assert face.origin["weights_sha256"]
    assert face.origin["refined"] is False


def test_the_finer_surface_lies_on_the_face_and_its_rendering_is_the_renderers(face_model: MorphableModel) -> None:
    generator = torch.Generator().manual_seed(1)
    light = 0.05 * torch.randn(1, 27, generator=generator)
    face = fitted(angles=torch.tensor([[0.3, 0.1, 0.2]]), light=light)
    surface, renderer = face.surface, face_renderer(64)
    nearest = torch.cdist(surface.vertices[::20], face.vertices).argmin(dim=1)
    normals = vertex_normals(face.vertices[None], face.triangles)[0]
    off = ((surface.vertices[::20] - face.vertices[nearest]) * normals[nearest]).sum(dim=1).abs()
    assert off.mean() < 0.4  # mm, from the plane of the nearest vertex, of triangles with sides of 4.7

    white = torch.zeros(1, 3, 64, 64)
    drawn = renderer(face.coefficients, white)
    colours = surface.lit(coefficients_from_gamma(light)[0])
    columns, rows = surface.points[:, :2].floor().long().unbind(1)
    seen = (surface.normals[:, 2] > 0.7) & drawn.mask[0, rows.clamp(0, 63), columns.clamp(0, 63)]
    there = drawn.image[0, :, rows[seen], columns[seen]].T
    assert seen.sum() > 1000
    assert (there - colours[seen]).abs().mean() < 0.03  # a pixel is coarser than the surface
    assert (there - colours[seen]).mean(dim=0).abs().max() < 0.01


def test_colours_are_the_photographs_where_it_shows_the_face() -> None:
    """A photograph whose red and green say the place; the sides of the head are not seen well."""
    rows, columns = torch.meshgrid(torch.arange(90) + 0.5, torch.arange(120) + 0.5, indexing="ij")
    face = fitted(Photograph(torch.stack((columns / 120, rows / 90, torch.full_like(rows, 0.4)))))
    place = face.crop.to_photograph(face.surface.points)[:, :2]
    clear = face.taken[1][:, 0] == 1

    assert clear.float().mean() > 0.4
    expected = place / torch.tensor([120.0, 90.0])
    torch.testing.assert_close(face.colours[clear][:, :2], expected[clear], atol=1e-3, rtol=0)
    assert (face.surface.normals[clear, 2] >= 0.59).all()
    assert not (face.taken[1] == 1).all()
    outside = fitted(Photograph(torch.rand(3, 16, 16)))
    assert outside.colours.isfinite().all()


def test_light_taken_off_and_put_on_again_gives_the_photograph() -> None:
    face = fitted(light=0.05 * torch.randn(1, 27, generator=torch.Generator().manual_seed(2)))
    clear = (face.taken[1][:, 0] == 1) & (face.surface.received(face.light) > face.strength / 3).all(dim=1)

    again = face.surface.lit(face.light, face.reflectance)
    torch.testing.assert_close(again[clear], face.taken[0][clear], atol=2e-3, rtol=0)


def test_coefficients_that_make_no_face(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DegenerateInput, match="the identity that was read holds 80 non-finite values"):
        fitted(identity=torch.full((1, 80), torch.nan))
    with pytest.raises(DegenerateInput, match=r"the face lies -.* mm before the camera: expected about 1000 mm"):
        fitted(translation=torch.tensor([[0.0, 0.0, -12.0]]))
    assert caplog.text == ""
    dark = fitted(light=torch.full((1, 9), -0.8).new_tensor([[-0.8, *[0.0] * 8] * 3]))
    assert "the light that was found leaves the face black" in caplog.text
    assert dark.colours.isfinite().all()
    assert dark.reflectance.isfinite().all()


def test_landmarks_in_one_place_or_outside_make_no_crop() -> None:
    photograph = Photograph(torch.rand(3, 90, 120))
    with pytest.raises(DegenerateInput, match="in one place or upside down"):
        standard_crop(photograph, torch.full((68, 2), 30.0), 64)
    with pytest.raises(BadInput, match="outside the photograph of 120 x 90 pixels"):
        standard_crop(photograph, standard_landmarks(64) + 500, 64)


def test_a_dark_photograph_is_fitted_by_its_landmarks(
    run: str, shown: Rendering, caplog: pytest.LogCaptureFixture
) -> None:
    black = Photograph(torch.zeros(3, SIDE, SIDE))
    with pytest.raises(BadInput, match="no face was found"):
        facelib.fit(black, model=run)
    face = facelib.fit(black, box_of(shown.landmarks[0]), run)
    assert "the face is dark" in caplog.text
    assert all(each.isfinite().all() for each in face.coefficients)


def test_without_a_model_its_command_is_told(run: str, shown: Rendering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "shipped_names", lambda: ())
    with pytest.raises(MissingPart, match="make one with `facelib run msma msma --tier laptop`"):
        facelib.fit(Photograph(shown.image[0]))
    with pytest.raises(BadInput, match="landmark_reader reads no coefficients off photographs"):
        facelib.fit(Photograph(shown.image[0]), model=str(make_untrained_reader("landmark_reader")))


def test_a_file_gives_the_same_face_again(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(3)
    usual = mean_coefficients()._asdict()
    face = fitted(**{name: 0.1 * torch.randn(value.shape, generator=generator) for name, value in usual.items()})
    write_coefficients(tmp_path / "face.json", face, "me.jpg")
    again = read_coefficients(tmp_path / "face.json", face.photograph)

    for one, other in zip(face.coefficients, again.coefficients, strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(again.colours, face.colours)
    assert (again.box, dict(again.origin)) == (face.box, ORIGIN)


def test_files_that_are_refused(tmp_path: Path) -> None:
    path, face = tmp_path / "face.json", fitted()
    write_coefficients(path, face, "me.jpg")
    sound = read_json(path, "")

    def changed(**parts: object) -> Path:
        write_json(path, sound | parts)
        return path

    moved = [[column + 3, row] for column, row in sound["landmarks_px"]]
    few = sound["coefficients"] | {"albedo": {"unit": "", "values": [0.0] * 10}}
    for change, message in (
        ({"kind": "run"}, "is of kind 'run', expected 'coefficients of a fitted face'"),
        ({"camera": sound["camera"] | {"focal_px": 900}}, "holds coefficients of the camera"),
        ({"landmarks_px": moved}, r"of another face model: landmarks lie up to 3\.0 pixels apart"),
        ({"coefficients": few}, "'albedo': 10"),
    ):
        with pytest.raises(BadInput, match=message):
            read_coefficients(changed(**change), face.photograph)
    with pytest.raises(BadInput, match=r"the photograph has the size .*: give me\.jpg"):
        read_coefficients(changed(), replace(face.photograph, reduction=2.0))
    path.write_text(path.read_text().replace('"decimetres"', '"metres"'))
    with pytest.raises(CorruptFile, match="was damaged or edited"):
        read_coefficients(path, face.photograph)
    with pytest.raises(BadInput, match="there is no file"):
        read_coefficients(tmp_path / "none.json", face.photograph)
