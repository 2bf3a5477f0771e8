"""Paper 3 on people of another face model: errors on heads whose truth is known, and the evaluation of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_ict import use_cache_with_our_model
from test_sadrnet_maps import REGIONS, SIZE

from facelib.conventions import OUTER_EYE_CORNERS
from facelib.data.archive import FaceArchive
from facelib.data.embedded.ict_faces import IctFacesSettings, imported_heads, open_ict_faces
from facelib.data.scanned_faces import ScannedFaces, scanned_faces
from facelib.errors import DegenerateInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.models.sadrnet import FaceMaps
from facelib.papers.sadrnet import PAPER, ict
from facelib.papers.sadrnet.ict import UNITS, evaluate_ict, mean_face_in_box, metrics_of, photograph_errors
from facelib.papers.sadrnet.maps import FaceMapper


@pytest.fixture(scope="module")
def archive(heads: MorphableModel) -> FaceArchive:
    sizes = IctFacesSettings(heads=imported_heads(), identities=3, images=2, points=2000)
    return open_ict_faces(replace(sizes, scene=replace(sizes.scene, image_size=SIZE)))


@pytest.fixture(scope="module")
def faces(archive: FaceArchive) -> ScannedFaces:
    return scanned_faces(archive, np.arange(len(archive)))


@pytest.fixture(scope="module")
def mapper(face_model: MorphableModel) -> FaceMapper:
    """Its texels are places of the heads' vertices, which are ours but for their length."""
    return FaceMapper(face_model, SIZE, REGIONS)


@pytest.fixture(scope="module")
def told(mapper: FaceMapper) -> ict.Predictor:
    """A prediction that is the truth, at the map's texels."""
    mean = mapper.template.mean_map
    longer = mapper.points_of((mean * torch.tensor([1.0, 1.1, 1.0])[:, None, None])[None])

    def predict(faces: ScannedFaces) -> FaceMaps:
        own = mapper.points_from(faces.photographs.shape, faces.photographs.expression)
        points = own - mapper.points_of(mean[None]) + longer
        return FaceMaps(mapper.map_of(faces.photographs.pose.apply(points)), None, None, None, None, None, None)

    return predict


def test_the_truth_is_near_and_the_mean_face_is_not(mapper, faces, told) -> None:
    """Points between texels 3 mm apart are some tenths of a mm from planes through them; landmarks half a texel off."""
    true = photograph_errors(told(faces).geometry, faces, mapper)
    mean = photograph_errors(mean_face_in_box(mapper)(faces).geometry, faces, mapper)
    assert true["ict_scan_mm"].max() < 0.6
    assert mean["ict_scan_mm"].min() > 2 * true["ict_scan_mm"].max()
    for name in ("ict_sparse_2d", "ict_sparse_3d"):
        assert true[name].max() < 0.02
        assert mean[name].mean() > 5 * true[name].mean()


def test_a_scan_error_is_also_one_of_the_interocular_distance(mapper, faces, told) -> None:
    errors = photograph_errors(told(faces).geometry, faces, mapper)
    corners = faces.landmarks[:, list(OUTER_EYE_CORNERS)].numpy()
    size = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)
    assert 70 < size.mean() < 120  # mm
    np.testing.assert_allclose(errors["ict_scan"], errors["ict_scan_mm"] / size, rtol=1e-5)


def test_a_shift_is_an_error_of_landmarks_alone(mapper, faces, told) -> None:
    """30 pixels aside and 40 to the back: by hand about 30 / sqrt(h w), as mean depths are subtracted."""
    geometry = told(faces).geometry
    shifted = geometry + torch.tensor([30.0, 0.0, 40.0]).view(3, 1, 1)
    before, after = (photograph_errors(each, faces, mapper) for each in (geometry, shifted))
    landmarks = faces.posed_landmarks[..., :2]
    side = (landmarks.amax(dim=1) - landmarks.amin(dim=1)).prod(dim=1).sqrt().numpy()
    for name in ("ict_sparse_2d", "ict_sparse_3d"):
        np.testing.assert_allclose(after[name], 30 / side, atol=0.02)
    np.testing.assert_allclose(after["ict_scan_mm"], before["ict_scan_mm"], atol=1e-3)


def test_the_mean_face_stands_in_for_what_cannot_be_judged(mapper, archive, told) -> None:
    fourth = torch.from_numpy(np.array(archive.arrays["landmarks"][3]))

    def failing(faces: ScannedFaces) -> FaceMaps:
        bad = (faces.landmarks == fourth).all(dim=(1, 2)).view(-1, 1, 1, 1)
        return told(faces)._replace(geometry=told(faces).geometry.masked_fill(bad, torch.nan))

    found, right, mean = (
        evaluate_ict(predict, mapper, archive) for predict in (failing, told, mean_face_in_box(mapper))
    )
    assert found["ict_failed"].tolist() == [False, False, False, True, False, False]
    for name in UNITS:
        np.testing.assert_allclose(found[name][[0, 1, 2, 4, 5]], right[name][[0, 1, 2, 4, 5]], rtol=1e-4)
        assert found[name][3] == pytest.approx(mean[name][3])
    assert metrics_of(found)["failed"] == {"value": 1, "unit": "samples"}
    assert "failed" not in metrics_of(right)
    with pytest.raises(DegenerateInput, match="not finite"):
        photograph_errors(told(scanned_faces(archive, np.arange(2))).geometry * torch.nan, None, mapper)


def test_scores_say_what_is_known_of_each_photograph(mapper, archive, told) -> None:
    scores = evaluate_ict(told, mapper, archive)
    assert scores["ict_rows"].tolist() == list(range(6))
    assert scores["ict_identity"].tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(scores["ict_yaw"], archive.arrays["pose"][:, 0])
    np.testing.assert_array_equal(scores["ict_occluder"], archive.arrays["occluder"])
    for name, metric in metrics_of(scores).items():
        assert metric == {"value": pytest.approx(scores[name].mean()), "unit": UNITS[name]}


def test_the_data_are_those_of_the_tier_and_of_the_import(heads: MorphableModel) -> None:
    smoke, laptop = (ict.data_set(PAPER.settings(tier)) for tier in ("smoke", "laptop"))
    assert (smoke.image_count, laptop.image_count) == (8, 800)
    assert smoke.scene.image_size == PAPER.settings("smoke").network.image_size
    assert smoke.heads == imported_heads()


def test_no_run_sees_how_many_are_evaluated() -> None:
    usual = PAPER.run_settings("sadrnet", "laptop")
    assert PAPER.run_settings("sadrnet", "laptop", changes={"evaluation.ict": 7}) == usual


def test_without_an_import_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_cache_with_our_model(monkeypatch, tmp_path)
    with pytest.raises(MissingPart, match="facelib faces import-ict FOLDER"):
        ict.data_set(PAPER.settings("smoke"))
