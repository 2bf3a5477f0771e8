"""The scans of paper 2: the published counts, who shows what, and what is stored of a scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_ict import use_other_heads
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.embedded.face_scans import (
    BosphorusSettings,
    Bu3dfeSettings,
    Bu4dfeSettings,
    FaceScansSettings,
    FrgcSettings,
    IctScansSettings,
    open_bu3dfe,
    open_bu4dfe,
    open_free_scans,
    open_ict_scans,
    scan_positions,
)
from facelib.data.embedded.ict_faces import imported_heads
from facelib.data.embedded.shown_faces import AT_REST, EMOTIONS, emotion_levels, emotion_sequences, free_expressions
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, sample_people
from facelib.papers.datasets import DATA_SETS


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


# ---- counts ----


@pytest.mark.parametrize(
    ("settings", "gallery", "probes"),
    [
        (Bu3dfeSettings(), 100, 2400),
        (FrgcSettings(), 466, 3541),
        (BosphorusSettings(), 105, 2797),
        (Bu4dfeSettings(), 101, 2929),
    ],
)
def test_the_published_counts(settings: FaceScansSettings, gallery: int, probes: int) -> None:
    assert settings.identities == gallery
    assert settings.image_count - settings.identities == probes


def test_the_merged_set_has_671_people_and_8738_probes() -> None:
    merged = (Bu3dfeSettings(), FrgcSettings(), BosphorusSettings())
    assert sum(each.identities for each in merged) == 671
    assert sum(each.image_count - each.identities for each in merged) == 8738
    assert sum(FrgcSettings().expressive_of(number) for number in range(466)) == 1642


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 200))
def test_scans_are_dealt_evenly(people: int, more: int, expressive: int) -> None:
    settings = FrgcSettings(identities=people, scans=people + more, expressive=min(expressive, more))
    scans = [settings.scans_of(number) for number in range(people)]
    shown = [settings.expressive_of(number) for number in range(people)]
    assert settings.image_count == people + more
    assert sum(shown) == settings.expressive
    assert max(scans) - min(scans) <= 1
    assert all(some < count for some, count in zip(shown, scans, strict=True))


def test_nobody_is_in_two_data_sets(face_model: MorphableModel) -> None:
    ours = {name: each.settings for name, each in DATA_SETS.items() if each.settings.__module__.startswith("facelib.")}
    seeds = {name: settings().seed for name, settings in ours.items()}  # type: ignore[attr-defined]
    scans = ("bu3dfe", "frgc", "bosphorus", "bu4dfe")
    people = {name: sample_people(face_model, 20, seed, fixed_albedo=True).identity for name, seed in seeds.items()}
    for name in scans:
        for other in people:
            if other != name:
                assert float(torch.cdist(people[name], people[other]).min()) > 5  # in standard deviations


# ---- what people show ----


def test_levels_grow_and_the_first_face_is_neutral(face_model: MorphableModel) -> None:
    shown = emotion_levels(face_model, 4, generator())
    assert shown.expression.tolist() == [0, *np.repeat(np.arange(1, 7), 4)]
    assert shown.level.tolist() == [0, *[1, 2, 3, 4] * 6]
    assert float(shown.action[0].max()) <= AT_REST
    strength = shown.action[1:].sum(dim=1).view(6, 4)
    assert (strength[:, 3] > strength[:, 0] + 0.3).all()
    assert (strength.mean(dim=0).diff() > 0).all()
    assert shown.action.min() >= 0
    assert shown.action.max() <= 1


def test_a_sequence_goes_from_neutral_to_neutral(face_model: MorphableModel) -> None:
    shown = emotion_sequences(face_model, 5, generator())
    assert shown.frame.tolist() == [0, 1, 2, 3, 4] * 6
    assert shown.level.tolist() == [0, 1, 1, 1, 0] * 6
    strength = shown.action.view(6, 5, -1).sum(dim=2)
    assert (strength.argmax(dim=1) == 2).all()
    assert float(shown.action.view(6, 5, -1)[:, [0, 4]].max()) <= AT_REST + 1e-6


def test_expressions_come_in_turn(face_model: MorphableModel) -> None:
    shown = free_expressions(face_model, 25, 21, generator())
    counts = torch.bincount(shown.expression, minlength=len(EXPRESSIONS))
    assert counts[0] == 4
    assert shown.expression[0] == 0
    assert sorted(counts[1:].tolist()) == [1] * 17 + [2] * 2
    assert torch.equal(shown.level, (shown.expression > 0).long())
    with pytest.raises(BadInput, match="3 of 3 scans with an expression"):
        free_expressions(face_model, 3, 3, generator())


# ---- what is stored ----


@pytest.fixture(scope="module")
def bu3dfe(cache: None) -> FaceArchive:
    return open_bu3dfe(Bu3dfeSettings(identities=2, levels=1))


def test_a_persons_first_scan_is_the_gallery(bu3dfe: FaceArchive) -> None:
    arrays = bu3dfe.arrays
    assert arrays["identity"].tolist() == [0] * 7 + [1] * 7
    assert np.flatnonzero(arrays["is_gallery"]).tolist() == [0, 7]
    assert not arrays["level"][arrays["is_gallery"]].any()
    assert len(EMOTIONS) == arrays["expression"].max() == 6


def test_a_scan_lies_about_its_grid_with_the_nose_foremost(bu3dfe: FaceArchive) -> None:
    positions = scan_positions(bu3dfe, [0, 9])
    assert positions.shape == (2, 3, 128, 128)
    for image, tip in zip(positions, bu3dfe.arrays["nose_tip"][[0, 9]], strict=True):
        points = image.flatten(1).T
        points = points[points.isfinite().all(dim=1)]
        assert 5000 < len(points) < 128 * 128
        assert float((points - torch.tensor(tip)).norm(dim=1).max()) <= 100.5  # the scanner's reach
        assert float((points[points[:, 2].argmax()] - torch.tensor(tip)).norm()) < 12
    assert float(np.abs(np.rad2deg(bu3dfe.arrays["pose"])).max()) <= 10.01  # 2.5 of 4 degrees


def test_depth_is_stored_to_a_hundredth_of_a_millimetre(bu3dfe: FaceArchive) -> None:
    stored = bu3dfe.arrays["depth"][0]
    depth = scan_positions(bu3dfe, [0])[0, 2].numpy()
    assert stored.dtype == np.int16
    np.testing.assert_array_equal(np.isnan(depth), stored == -32768)
    np.testing.assert_allclose(depth[stored != -32768], stored[stored != -32768] / 100, atol=1e-5)


def test_the_other_data_sets_open() -> None:
    sequences = open_bu4dfe(Bu4dfeSettings(identities=1, frames=2, size=32))
    assert sequences.arrays["frame"].tolist() == [0, 1] * 6
    assert sequences.arrays["is_gallery"].tolist() == [True] + [False] * 11
    free = open_free_scans(FrgcSettings(identities=2, scans=5, expressive=1, size=32))
    assert free.arrays["identity"].tolist() == [0, 0, 0, 1, 1]
    assert np.count_nonzero(free.arrays["expression"]) == 1


def test_held_out_heads_are_scanned_in_the_same_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory, face_model: MorphableModel
) -> None:
    use_other_heads(monkeypatch, tmp_path, face_model)  # type: ignore[arg-type]
    settings = IctScansSettings(heads=imported_heads(), identities=1, scans=20, expressive=19)
    archive = open_ict_scans(settings)
    assert sorted(archive.arrays["expression"].tolist()) == list(range(20))
    assert IctScansSettings(heads="").image_count == 2000
    assert (scan_positions(archive, [0])[0, 2].isfinite()).float().mean() > 0.3
    with pytest.raises(BadInput, match="expected those that are imported"):
        open_ict_scans(replace(settings, heads="another"))


def test_bad_sizes_are_refused(bu3dfe: FaceArchive) -> None:
    with pytest.raises(BadInput, match="0 identities and 4 levels"):
        open_bu3dfe(Bu3dfeSettings(identities=0))
    with pytest.raises(BadInput, match="101 identities and 0 frames"):
        open_bu4dfe(Bu4dfeSettings(frames=0))
    with pytest.raises(BadInput, match="3 scans of 4 people"):
        open_free_scans(FrgcSettings(identities=4, scans=3, expressive=0))
    with pytest.raises(BadInput, match="7 with an expression"):
        open_free_scans(FrgcSettings(identities=4, scans=10, expressive=7))
    with pytest.raises(BadInput, match="no row was asked"):
        scan_positions(bu3dfe, [])
    with pytest.raises(BadInput, match="has no range scans"):
        scan_positions(FaceArchive("photographs", "", {}), [0])
