"""Photographs of imported heads: they follow the import, and each has a scan of what it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_ict import use_cache_with_our_model, use_small_ict
from scipy.spatial import cKDTree

from facelib.data.archive import FaceArchive
from facelib.data.embedded import Aflw2000Settings, fingerprint_of, open_aflw2000
from facelib.data.embedded.ict_faces import IctFacesSettings, imported_heads, open_ict_faces
from facelib.data.scanned_faces import scanned_faces
from facelib.errors import BadInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.storage import sha256_of

SMALL = replace(Aflw2000Settings().scene, image_size=32)
PEOPLE, IMAGES = 5, 4


def settings(**changes: Any) -> IctFacesSettings:
    sizes = {"identities": PEOPLE, "images": IMAGES, "points": 300, "scene": SMALL, **changes}
    return IctFacesSettings(**{"heads": imported_heads(), **sizes})


@pytest.fixture(scope="module")
def archive(heads: MorphableModel) -> FaceArchive:
    return open_ict_faces(settings())


def test_arrays_of_every_photograph(archive: FaceArchive) -> None:
    found = {name: (array.shape[1:], array.dtype.name) for name, array in archive.arrays.items()}
    assert len(archive) == PEOPLE * IMAGES
    assert found["images"] == ((3, 32, 32), "uint8")
    assert found["scan"] == ((300, 3), "float32")
    assert found["landmarks"] == ((68, 3), "float32")
    assert archive.arrays["identity"].tolist() == np.repeat(range(PEOPLE), IMAGES).tolist()
    assert archive.arrays["images"].max(axis=(1, 2, 3)).min() > 50  # no photograph is black


def test_a_scan_lies_on_the_skin_near_the_nose(archive: FaceArchive, heads: MorphableModel) -> None:
    """Every point is on a triangle of skin: nearer to it than the mesh's sides are long, and inside its plane."""
    faces = scanned_faces(archive, np.arange(len(archive)))
    found = heads.vertices(faces.photographs.shape, faces.photographs.expression)
    skin = heads.triangles[(heads.regions["skin"] > 0.5)[heads.triangles].all(dim=1)].numpy()
    values = (each.double().numpy() for each in (found, faces.scan, faces.landmarks))
    for head, scan, known in zip(*values, strict=True):
        np.testing.assert_allclose(known, head[heads.landmarks.numpy()], atol=1e-4)
        assert np.linalg.norm(scan - known[30], axis=1).max() < 95
        corners = head[skin]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        _, near = cKDTree(corners.mean(axis=1)).query(scan, k=16)
        off = np.abs(((scan[:, None] - corners[near, 0]) * normals[near]).sum(axis=2)).min(axis=1)
        assert off.max() < 5e-3


def test_a_scan_is_spread_over_the_whole_face(archive: FaceArchive) -> None:
    scan, known = archive.arrays["scan"], archive.arrays["landmarks"]
    for part in (8, 19, 24, 30, 48, 54):  # chin, brows, nose, corners of the mouth
        gap = np.linalg.norm(scan - known[:, part, None], axis=2).min(axis=1)
        assert gap.max() < 25  # mm; 300 points on about 200 cm^2 lie 8 mm apart


def test_landmarks_are_seen_where_the_pose_says(archive: FaceArchive) -> None:
    """The crop is 1.6 times the landmarks' box, so the box fills 0.625 of the picture, less the crop's jitter."""
    posed = scanned_faces(archive, np.arange(len(archive))).posed_landmarks
    low, high = posed[..., :2].amin(dim=1), posed[..., :2].amax(dim=1)
    side = (high - low).amax(dim=1) / 32
    assert side.mean() == pytest.approx(1 / 1.6, rel=0.06)
    assert ((low + high) / 2 - 16).abs().max() < 8
    nose, ears = posed[:, 30, 2], posed[:, [0, 16], 2].mean(dim=1)
    frontal = torch.from_numpy(np.abs(archive.arrays["pose"][:, 0]) < 0.5)
    assert (nose < ears)[frontal].all()  # depth grows away from the viewer


def test_poses_and_worn_things_have_the_papers_shares(archive: FaceArchive) -> None:
    """20 times 1306, 462 and 232 over 2000: 13.06, 4.62 and 2.32; 30 % of 20 wear something, half of them dark."""
    yaw = np.rad2deg(np.abs(archive.arrays["pose"][:, 0]))
    assert np.histogram(yaw, [0, 30, 60, 90])[0].tolist() == [13, 5, 2]
    assert np.bincount(archive.arrays["occluder"]).tolist() == [14, 3, 3]
    assert Occluder.MASK not in archive.arrays["occluder"]


def test_the_fingerprint_follows_the_import(tmp_path: Path, face_model: MorphableModel) -> None:
    with pytest.MonkeyPatch.context() as patch:
        file = use_small_ict(patch, tmp_path, face_model)
        first = settings(worn_share=0.0)
        assert first.heads == sha256_of(file)
        archive = open_ict_faces(first)
        assert archive.fingerprint == fingerprint_of(first)
        assert archive.arrays["shape"].shape == (PEOPLE * IMAGES, 3)  # the small folder's modes
        use_small_ict(patch, tmp_path, face_model, size=1.2)
        assert fingerprint_of(settings(worn_share=0.0)) != archive.fingerprint
        with pytest.raises(BadInput, match=r"heads are .*expected those that are imported"):
            open_ict_faces(first)


def test_without_an_import_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_cache_with_our_model(monkeypatch, tmp_path)
    with pytest.raises(MissingPart, match="facelib faces import-ict FOLDER"):
        imported_heads()
    with pytest.raises(MissingPart, match="facelib faces import-ict FOLDER"):
        open_ict_faces(settings(heads="0"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identities": 0}, "0 identities"),
        ({"points": 0}, "0 points"),
        ({"worn_share": 1.5}, "worn_share is 1.5"),
        ({"yaw_shares": (0, 0, 0)}, "yaw_shares are"),
        ({"reach": float("nan")}, "reach is nan"),
        ({"scene": replace(SMALL, camera="perspective")}, "scene.camera is 'perspective'"),
    ],
)
def test_impossible_settings_are_refused(heads: MorphableModel, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_ict_faces(settings(**changes))


def test_faces_without_a_scan_are_refused(heads: MorphableModel) -> None:
    other = open_aflw2000(Aflw2000Settings(identities=1, images=1, scene=SMALL))
    with pytest.raises(BadInput, match="has no scan, landmarks"):
        scanned_faces(other, np.arange(1))
