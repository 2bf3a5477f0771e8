"""The Basel model that a user has, of whatever year, and depth frames of its faces with labels that fit them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_basel import KEPT, write_basel_2009, write_basel_h5

from facelib.data.depth_faces import labelled_depth
from facelib.data.embedded import SynData2Settings, fingerprint_of
from facelib.data.licensed.archives import DATA_VARIABLE
from facelib.data.licensed.basel_faces import basel_checksum, has_basel, load_basel
from facelib.data.licensed.basel_frames import BaselFramesSettings, expression_draws, open_source_frames
from facelib.errors import BadInput, MissingPart
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.nearest_on_surface import nearest_on_surface
from facelib.geometry.rotations import euler_to_matrix

LIKE = SynData2Settings(identities=2, frames=6, limits=(30.0, 20.0, 10.0))
LIKE = replace(LIKE, scene=replace(LIKE.scene, image_size=48))


@pytest.fixture
def basel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder for a model."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    (tmp_path / "basel").mkdir()
    return tmp_path / "basel"


def test_the_files_of_2009_come_back_in_our_class(basel: Path, face_model: MorphableModel) -> None:
    write_basel_2009(basel, face_model)

    found = load_basel()

    kept = torch.arange(len(face_model.mean)).flip(0)[5:]
    # The shift of the mean expression is undone where the model is laid on ours.
    torch.testing.assert_close(found.mean, face_model.mean[kept], atol=1e-2, rtol=0)
    torch.testing.assert_close(
        found.identity_basis[:KEPT], face_model.identity_basis[:KEPT, kept], atol=1e-4, rtol=1e-4
    )
    assert (found.identity_basis[KEPT:] == 0).all()
    expression = EXPRESSION_SPREAD * found.expression_basis[:KEPT]
    torch.testing.assert_close(expression, face_model.expression_basis[:KEPT, kept], atol=1e-4, rtol=1e-4)
    mapped = {tuple(corners) for corners in kept[found.triangles].tolist()}
    own = face_model.triangles[torch.isin(face_model.triangles, kept).all(dim=1)].tolist()
    # The corners of each triangle go round as ours do, so that it looks outwards.
    assert mapped == {tuple(corners) for corners in own}


def test_a_model_in_another_frame_is_laid_on_ours(basel: Path, face_model: MorphableModel) -> None:
    pytest.importorskip("h5py")
    turn, shift = euler_to_matrix(*torch.tensor([0.1, -0.2, 0.05])), torch.tensor([3.0, -20.0, 15.0])
    bases = {name: getattr(face_model, name) @ turn.T for name in ("identity_basis", "expression_basis")}
    moved = replace(face_model, mean=face_model.mean @ turn.T + shift, **bases)
    write_basel_h5(basel / "model2019_bfm.h5", moved)

    found = load_basel()

    # Landmarks are looked for, so that they are some millimetres off.
    assert (found.mean - face_model.mean).norm(dim=1).mean() < 3
    person = torch.randn(1, KEPT, generator=torch.Generator().manual_seed(0))
    change = found.vertices(person)[0] - found.mean
    own = face_model.vertices(person)[0] - face_model.mean
    assert (change - own).norm(dim=1).mean() < 0.05 * own.norm(dim=1).mean()


def test_frames_show_the_faces_of_their_labels(basel: Path, face_model: MorphableModel) -> None:
    pytest.importorskip("h5py")
    write_basel_h5(basel / "model2019_bfm.h5", face_model)
    model = load_basel()

    archive = open_source_frames(BaselFramesSettings(LIKE, basel_checksum()))

    assert archive.name == "basel_syn_data"
    assert archive.arrays["shape"].shape == (6, KEPT)
    labelled = labelled_depth(archive, np.arange(6))
    heads = labelled.placed(model.vertices(labelled.shape, labelled.action))
    for positions, vertices in zip(labelled.frames.positions(), heads, strict=True):
        points = positions.flatten(1).T
        points = points[points.isfinite().all(dim=1)]
        assert nearest_on_surface(points[None], vertices[None], model.triangles).distances.median() < 1
    shown = archive.arrays["expression"].reshape(2, 3)
    assert [len(set(row)) for row in shown.tolist()] == [3, 3]
    assert (shown == 0).sum(axis=1).tolist() == [1, 1]


def test_expressions_are_of_the_size_of_ours(basel: Path, face_model: MorphableModel) -> None:
    pytest.importorskip("h5py")
    write_basel_h5(basel / "model2019_bfm.h5", face_model)

    draws = expression_draws(load_basel())

    assert draws.shape == (20, KEPT)
    assert not draws[0].any()
    assert draws[1:].std() == pytest.approx(EXPRESSION_SPREAD, rel=0.3)


def test_the_fingerprint_follows_the_file(basel: Path, face_model: MorphableModel) -> None:
    pytest.importorskip("h5py")
    path = write_basel_h5(basel / "model2019_bfm.h5", face_model)
    first = BaselFramesSettings(LIKE, basel_checksum())
    write_basel_h5(path, replace(face_model, mean=face_model.mean + 0.01))
    second = BaselFramesSettings(LIKE, basel_checksum())

    assert fingerprint_of(first) != fingerprint_of(second)
    with pytest.raises(BadInput, match="has changed since the settings were made"):
        open_source_frames(first)


def test_without_a_model_it_is_asked_for(basel: Path, face_model: MorphableModel) -> None:
    write_basel_2009(basel, face_model)
    assert has_basel()
    (basel / "model_info.mat").unlink()

    assert not has_basel()
    with pytest.raises(MissingPart, match=r"no Basel Face Model .*or take faces=ours"):
        load_basel()
