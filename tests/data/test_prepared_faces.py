"""Scans and reconstructed faces in the cache: the same images of the same face, and failures that stay visible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.embedded import WebFacesSettings, open_web_faces
from facelib.data.embedded.face_scans import HOLE, Bu3dfeSettings, open_bu3dfe
from facelib.data.embedded.generation import generator_of, sample_expressions
from facelib.data.embedded.web_faces import shapes_of
from facelib.data.prepared_scans import open_prepared_scans
from facelib.data.reconstructed_faces import open_reconstructed_faces, vertices_of
from facelib.data.surface_images import surface_images
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scanners import Scanner
from facelib.models.expnet import ShapeCoefficients

PREPARATION = PreparationSettings(size=32, cell=5.0)
CLEAN = Bu3dfeSettings(identities=2, levels=1, scanner=Scanner("laser"), yaw_spread=0, pitch_spread=0, roll_spread=0)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def scans() -> FaceArchive:
    return open_bu3dfe(CLEAN)


def degrees_off(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Where both faces (B, 3, S, S) are seen."""
    seen = (first.abs().sum(dim=1) > 0) & (second.abs().sum(dim=1) > 0)
    cosine = (first * second).sum(dim=1)[seen] / (first.norm(dim=1) * second.norm(dim=1))[seen]
    return torch.rad2deg(cosine.clamp(-1, 1).arccos())


def test_a_clean_scan_and_the_same_reconstructed_face_look_alike(
    scans: FaceArchive, face_model: MorphableModel
) -> None:
    prepared = open_prepared_scans(scans, PREPARATION)
    assert not prepared.arrays["failed"].any()
    assert prepared.arrays["nose_error"].max() < 3  # mm, from the landmark, above which the nose stands out most
    assert np.rad2deg(prepared.arrays["pose_error"]).mean() < 2
    assert prepared.arrays["is_gallery"].tolist() == scans.arrays["is_gallery"].tolist()
    people = sample_people(face_model, 2, CLEAN.seed, fixed_albedo=True).identity
    rows = np.flatnonzero(scans.arrays["is_gallery"])
    photographs = FaceArchive("photographs", "some", {"identity": np.arange(2)})

    def reconstruct(some: np.ndarray) -> ShapeCoefficients:
        return ShapeCoefficients(people[some], torch.zeros(len(some), len(face_model.expression_basis)))

    made = open_reconstructed_faces(photographs, reconstruct, "truth", PREPARATION)
    seen, expected = surface_images(prepared, rows).normals, surface_images(made, np.arange(2)).normals
    own, other = degrees_off(seen, expected).median(), degrees_off(seen, expected.flip(0)).median()
    assert own < 5 < other + 2
    assert own < 0.6 * other


def test_a_scan_that_cannot_be_prepared_stays_in_its_place(scans: FaceArchive) -> None:
    depth = np.array(scans.arrays["depth"])
    depth[3] = HOLE
    broken = FaceArchive(scans.name, "broken", {**scans.arrays, "depth": depth})
    prepared = open_prepared_scans(broken, PREPARATION)
    assert len(prepared) == len(scans)
    assert np.flatnonzero(prepared.arrays["failed"]).tolist() == [3]
    assert np.isnan(prepared.arrays["nose_error"][3])
    assert surface_images(prepared, np.array([3])).normals.abs().max() == 0


def test_what_is_no_face_or_unknown_ends_no_run(scans: FaceArchive) -> None:
    """A scan cut to a piece of 40 mm fails, and one whose true pose nobody knows does not."""
    depth, pose, tip = (np.array(scans.arrays[name]) for name in ("depth", "pose", "nose_tip"))
    middle = depth.shape[1] // 2
    piece = depth[2, middle - 20 : middle + 20, middle - 20 : middle + 20].copy()
    depth[2] = HOLE
    depth[2, middle - 20 : middle + 20, middle - 20 : middle + 20] = piece
    pose[4], tip[5] = np.nan, np.nan
    real = FaceArchive("bu_3dfe", "real", {**scans.arrays, "depth": depth, "pose": pose, "nose_tip": tip})
    prepared = open_prepared_scans(real, PREPARATION).arrays
    assert np.flatnonzero(prepared["failed"]).tolist() == [2]
    assert np.flatnonzero(np.isnan(prepared["pose_error"])).tolist() == [2, 4]
    assert np.flatnonzero(np.isnan(prepared["nose_error"])).tolist() == [2, 5]


def test_a_data_set_without_any_face_is_refused(scans: FaceArchive) -> None:
    depth = np.full_like(scans.arrays["depth"], HOLE)
    empty = FaceArchive("frgc_v2", "empty", {**scans.arrays, "depth": depth})
    with pytest.raises(BadInput, match=f"none of the {len(scans)} scans of frgc_v2 can be prepared: expected faces"):
        open_prepared_scans(empty, PREPARATION)


def test_prepared_once_for_a_preparation(scans: FaceArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    first = open_prepared_scans(scans, PREPARATION, told.append)
    monkeypatch.setattr("facelib.data.prepared_scans.prepare_scan", None)
    assert open_prepared_scans(scans, PREPARATION).fingerprint == first.fingerprint
    with pytest.raises(TypeError):  # another grid asks for it again
        open_prepared_scans(scans, replace(PREPARATION, cell=5.5))


def test_true_shapes_are_those_that_photographs_were_taken_of(face_model: MorphableModel) -> None:
    settings = WebFacesSettings(identities=3, images=4, seed=5)
    settings = replace(settings, scene=replace(settings.scene, image_size=32))
    archive = open_web_faces(settings)
    identity, action = shapes_of(settings, face_model)
    assert len(identity) == len(action) == len(archive)
    people = sample_people(face_model, 3, 5)
    torch.testing.assert_close(identity[archive.arrays["identity"] == 1], people.identity[[1]].expand(4, -1))
    _, numbers = sample_expressions(face_model, 4, 1.0, generator_of(5, 2))
    assert archive.arrays["expression"][8:].tolist() == numbers.tolist()
    expressive = torch.from_numpy(np.array(archive.arrays["expression"])) > 0
    assert torch.equal(action.abs().sum(dim=1) > 0, expressive)


def test_a_person_of_many_photographs_is_reconstructed_in_portions(face_model: MorphableModel) -> None:
    people = sample_people(face_model, 7, 3).identity
    photographs = FaceArchive("photographs", "many", {"identity": np.array([0] * 70 + [1])})
    asked: list[int] = []

    def reconstruct(some: np.ndarray) -> ShapeCoefficients:
        asked.append(len(some))
        return ShapeCoefficients(people[some % 7], torch.zeros(len(some), len(face_model.expression_basis)))

    made = open_reconstructed_faces(photographs, reconstruct, "portions", PREPARATION).arrays
    assert asked == [35, 35, 1]
    assert made["identity"].tolist() == [0] * 70 + [1]
    assert np.array_equal(made["normals"][:63].reshape(9, 7, -1)[1:], made["normals"][:56].reshape(8, 7, -1))


def test_a_photograph_that_nothing_can_be_read_off_leaves_the_others_as_they_are(face_model: MorphableModel) -> None:
    people = sample_people(face_model, 3, 3).identity
    none = torch.zeros(1, len(face_model.expression_basis))

    def reconstruct(some: np.ndarray) -> ShapeCoefficients:
        if 1 in some:
            raise DegenerateInput("no face")
        identity = people[some % 3].clone()
        identity[some == 2] = torch.nan
        return ShapeCoefficients(identity, none.expand(len(some), -1))

    photographs = FaceArchive("photographs", "few", {"identity": np.zeros(4, int)})
    made = open_reconstructed_faces(photographs, reconstruct, "some", PREPARATION).arrays
    assert made["normals"].any(axis=(1, 2, 3)).tolist() == [True, False, False, True]
    assert made["relief"].any(axis=(1, 2, 3)).tolist() == [True, False, False, True]
    alone = FaceArchive("photographs", "alone", {"identity": np.array([0, 1])})
    with pytest.raises(DegenerateInput, match="nothing can be read off the 1 photographs of person 1 of photographs"):
        open_reconstructed_faces(alone, reconstruct, "some", PREPARATION)


def test_strengths_of_actions_stay_within_their_range(face_model: MorphableModel) -> None:
    identity = torch.zeros(1, 5)
    for value, strength in ((-3.0, 0.0), (100.0, 1.0), (2.0, 2 * EXPRESSION_SPREAD)):
        found = vertices_of(face_model, ShapeCoefficients(identity, torch.full((1, 52), value)))
        torch.testing.assert_close(found, face_model.vertices(identity, torch.full((1, 52), strength)))
