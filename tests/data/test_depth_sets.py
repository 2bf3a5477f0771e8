"""The source and target sets of paper 4: counts, people, poses, motion, and frames that show what their labels say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_ict import use_cache_with_our_model, use_other_heads
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import LabelledDepth, labelled_depth
from facelib.data.embedded import (
    BiwiSettings,
    DepthFaceWarehouseSettings,
    Ict3dhpSettings,
    SynData1Settings,
    SynData2Settings,
    SynData3Settings,
    ict_faces,
    open_depth_facewarehouse,
    open_depth_sequences,
    open_syn_data,
)
from facelib.data.embedded.head_motion import KEY_EVERY, drift, motion, turned
from facelib.data.embedded.ict_depth import IctDepthSettings, open_ict_depth
from facelib.errors import BadInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients

SIZE = 48
BIWI = replace(BiwiSettings(frames=50, every=8), scene=replace(BiwiSettings().scene, image_size=SIZE))
SYN_2 = SynData2Settings(identities=3, frames=11)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def biwi() -> FaceArchive:
    return open_depth_sequences(BIWI)


@pytest.fixture(scope="module")
def source() -> FaceArchive:
    return open_syn_data(SYN_2)


def everything(archive: FaceArchive) -> LabelledDepth:
    return labelled_depth(archive, np.arange(len(archive)))


def error_of(known: LabelledDepth, model: MorphableModel) -> torch.Tensor:
    """mm between each front vertex of the labels' heads and the depth of the pixel that it falls on."""
    heads = known.placed(model.vertices(known.shape, known.action))
    screen = known.frames.camera.project(heads)
    size = known.frames.depth.shape[-1]
    column, row = screen[..., :2].floor().long().clamp(0, size - 1).unbind(2)
    depth = known.frames.depth[torch.arange(len(heads))[:, None], row, column]
    off = screen[..., 2] - depth
    return off[(depth > 0) & (off.abs() < 30)]


def test_the_papers_counts() -> None:
    """Table 2."""
    sets = (SynData1Settings(), SynData2Settings(), SynData3Settings(), DepthFaceWarehouseSettings(), BiwiSettings())
    counts = [each.image_count for each in (*sets, Ict3dhpSettings())]
    assert counts == [9000, 47034, 42606, 3000, 15678, 14202]
    assert [each.identities for each in sets[:3]] == [450, 165, 143]  # type: ignore[union-attr]
    assert [each.expressions for each in sets[:3]] == [20, 3, 3]  # type: ignore[union-attr]
    assert all(each.scene.image_size == 160 for each in sets)


def test_biwi_has_24_sequences_of_20_people_with_its_repeats(biwi: FaceArchive) -> None:
    sequence, identity = biwi.arrays["sequence"], biwi.arrays["identity"]
    assert np.unique(sequence).tolist() == list(range(1, 25))
    assert np.bincount(sequence)[1:].tolist() == [3, 3] + [2] * 22
    person = {int(number): int(identity[sequence == number][0]) for number in range(1, 25)}
    assert sorted(set(person.values())) == list(range(20))
    same = {(a, b) for a in person for b in person if a < b and person[a] == person[b]}
    assert same == {(2, 21), (3, 15), (5, 18), (7, 22)}
    shape = biwi.arrays["shape"]
    assert (shape[sequence == 2][0] == shape[sequence == 21][0]).all()
    assert (shape[sequence == 1][0] != shape[sequence == 2][0]).any()


def test_frames_between_and_people_besides() -> None:
    """The kept frames of a sequence are in its pose and place whether those between are there or not."""
    few = replace(BIWI, frames=48, every=3)
    kept, whole = open_depth_sequences(few), open_depth_sequences(replace(few, between=True, others=2))

    sequence = whole.arrays["sequence"]
    assert np.bincount(sequence)[1:].tolist() == [6] * 26
    assert len(whole) == replace(few, between=True, others=2).image_count == 156
    assert whole.arrays["identity"][sequence > 24].tolist() == [20] * 6 + [21] * 6
    own = whole.arrays["pose"][sequence <= 24]
    np.testing.assert_array_equal(own[::3], kept.arrays["pose"])
    np.testing.assert_array_equal(whole.arrays["translation"][sequence <= 24][::3], kept.arrays["translation"])


def test_frames_of_the_sensor_show_the_heads_of_their_labels(biwi: FaceArchive, face_model: MorphableModel) -> None:
    off = error_of(everything(biwi), face_model)
    assert len(off) > 50 * 500
    assert off.median().abs() < 3
    assert off.abs().median() < 8


def test_clean_frames_show_the_heads_of_their_labels(source: FaceArchive, face_model: MorphableModel) -> None:
    off = error_of(everything(source), face_model)
    assert len(off) > 11 * 1000
    assert off.abs().quantile(0.25) < 0.8  # of the front; about half of the vertices lie on flanks and behind
    assert source.arrays["depth"].max() < 15000  # there is no room


def test_sources_deal_people_and_expressions_evenly(source: FaceArchive, face_model: MorphableModel) -> None:
    assert source.arrays["identity"].tolist() == [0] * 4 + [1] * 4 + [2] * 3
    for person in range(3):
        shown = source.arrays["expression"][source.arrays["identity"] == person]
        assert len(set(shown[:3])) == 3
        assert 0 in shown[:3]  # neutral
        assert shown[3:].tolist() == shown[:1].tolist()[: len(shown) - 3]
    names = [list(EXPRESSIONS)[number] for number in source.arrays["expression"]]
    np.testing.assert_array_equal(source.arrays["action"], expression_coefficients(face_model, names).numpy())


def test_few_frames_of_each_person_show_all_expressions_alike() -> None:
    """Two frames of each of forty people: a neutral face is one in twenty, as in the counterpart of FaceWarehouse."""
    settings = SynData1Settings(identities=40, frames=80)
    found = open_syn_data(replace(settings, scene=replace(settings.scene, image_size=SIZE)))
    shown = np.bincount(found.arrays["expression"], minlength=20)
    assert shown.sum() == 80
    assert shown.max() <= 12
    assert (shown > 0).sum() >= 16


def test_source_sets_are_taken_as_their_counterparts_are() -> None:
    pairs = (
        (SynData1Settings(), DepthFaceWarehouseSettings()),
        (SynData2Settings(), BiwiSettings()),
        (SynData3Settings(), Ict3dhpSettings()),
    )
    for source, target in pairs:
        assert (source.limits, source.distance, source.aside) == (target.limits, target.distance, target.aside)
        assert replace(source.scene, sensor=target.scene.sensor) == target.scene


def test_facewarehouse_shows_twenty_expressions_near_frontal() -> None:
    settings = DepthFaceWarehouseSettings(identities=2)
    found = open_depth_facewarehouse(replace(settings, scene=replace(settings.scene, image_size=SIZE)))
    assert found.arrays["expression"].tolist() == 2 * list(range(20))
    degrees = np.abs(np.rad2deg(found.arrays["pose"]))
    assert (degrees <= np.array(settings.limits) + 1e-3).all()
    assert (degrees.max(axis=0) > 3).all()


def test_intrinsics_are_those_of_each_sensor() -> None:
    """Pixels of ICT-3DHP are not square; crops of it are, so that there f_x = f_y."""
    for settings, ratio in ((SYN_2, 1.0), (SynData3Settings(), 535 / 536), (Ict3dhpSettings(), 535 / 536)):
        assert settings.scene.camera.focal / settings.scene.camera.focal_v == pytest.approx(ratio)  # type: ignore[operator]
    assert (Ict3dhpSettings().scene.center_u, Ict3dhpSettings().scene.center_v) == (327, 241)


def test_same_seed_same_bits(biwi: FaceArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_cache(monkeypatch, tmp_path / "cache")
    again = open_depth_sequences(BIWI)
    assert again.arrays.keys() == biwi.arrays.keys()
    for name, values in biwi.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], values, err_msg=name)


def test_poses_fill_their_limits() -> None:
    """Evenly over an ellipse: a quarter of it lies within half of both limits."""
    yaw, pitch, roll = torch.rad2deg(turned(20_000, (90.0, 45.0, 30.0), torch.Generator().manual_seed(0))).unbind(1)
    assert (yaw.square() / 90**2 + pitch.square() / 45**2).max() <= 1 + 1e-5
    inner = (yaw.square() / 45**2 + pitch.square() / 22.5**2) < 1
    assert inner.float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert yaw.abs().max() > 85
    assert pitch.abs().max() > 42
    assert 29 < roll.abs().max() <= 30 + 1e-4


def test_motion_is_smooth_begins_frontal_and_reaches_far() -> None:
    limits = (90.0, 45.0, 30.0)
    path = torch.rad2deg(motion(3000, limits, torch.Generator().manual_seed(1)))
    assert (path[0] == 0).all()
    assert (path.abs() <= torch.tensor(limits) + 1e-3).all()
    assert (path.abs().amax(dim=0) > 0.8 * torch.tensor(limits)).all()
    # A smooth step's greatest speed is 1.5 times the mean one, its greatest acceleration 6 over the time squared.
    assert path.diff(dim=0).abs().amax() <= 1.5 * 180 / KEY_EVERY
    assert path.diff(n=2, dim=0).abs().amax() <= 2 * 6 * 180 / KEY_EVERY**2
    assert (drift(500, (25.0, 15.0, 30.0), torch.Generator()).abs() <= torch.tensor([25.0, 15.0, 30.0])).all()


def test_imported_heads_stand_before_the_same_sensor(tmp_path: Path, face_model: MorphableModel) -> None:
    with pytest.MonkeyPatch.context() as patch:
        heads = use_other_heads(patch, tmp_path, face_model)
        settings = IctDepthSettings(heads=ict_faces.imported_heads(), identities=2, images=3)
        settings = replace(settings, scene=replace(settings.scene, image_size=SIZE))
        found = everything(open_ict_depth(settings))
        assert found.identity.tolist() == [0] * 3 + [1] * 3
        assert error_of(found, heads).abs().median() < error_of(found, face_model).abs().median()
        assert error_of(found, heads).median().abs() < 3
        with pytest.raises(BadInput, match=r"heads are '0': expected those that are imported"):
            open_ict_depth(replace(settings, heads="0"))


def test_without_an_import_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_cache_with_our_model(monkeypatch, tmp_path)
    with pytest.raises(MissingPart, match="facelib faces import-ict FOLDER"):
        open_ict_depth(IctDepthSettings(heads="0"))


def test_impossible_settings_are_refused() -> None:
    for settings, changes, message in (
        (BIWI, {"frames": 23}, "23 frames for 24 people or sequences"),
        (SYN_2, {"identities": 0}, "for 0 people"),
    ):
        with pytest.raises(BadInput, match=message):
            (open_depth_sequences if settings is BIWI else open_syn_data)(replace(settings, **changes))  # type: ignore
    for settings, changes, message in (
        (BIWI, {"every": 0}, "every is 0"),
        (BIWI, {"limits": (100.0, 0.0, 0.0)}, "limits are"),
        (SYN_2, {"distance": (900.0, 800.0)}, "distance is"),
        (SYN_2, {"expressions": 21}, "expressions is 21"),
    ):
        with pytest.raises(BadInput, match=message):
            replace(settings, **changes)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="0 identities"):
        open_depth_facewarehouse(DepthFaceWarehouseSettings(identities=0))
