"""People: reproducible, plausible, nearly symmetric; and the twenty expressions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from facelib.errors import BadInput, UnknownName
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import (
    EXPRESSIONS,
    SHAPE_LIMIT,
    expression_coefficients,
    sample_people,
    sample_people_in_skins_of,
)


def test_shapes(face_model: MorphableModel) -> None:
    people = sample_people(face_model, 3, seed=0)
    assert len(people) == 3
    assert people.identity.shape == (3, 199)
    assert people.texture.shape == (3, 80)
    assert set(people.attributes) == set(face_model.attribute_names)
    for values in people.attributes.values():
        assert values.shape == (3,)
        assert ((values >= 0) & (values <= 1)).all()


def test_no_people(face_model: MorphableModel) -> None:
    with pytest.raises(BadInput, match="at least one"):
        sample_people(face_model, 0, seed=0)


def test_the_first_of_a_larger_draw_are_the_same(face_model: MorphableModel) -> None:
    few, many = sample_people(face_model, 2, seed=5), sample_people(face_model, 4, seed=5)
    torch.testing.assert_close(few.identity, many.identity[:2], rtol=0, atol=0)
    torch.testing.assert_close(few.texture, many.texture[:2], rtol=1e-5, atol=1e-5)
    other = sample_people(face_model, 2, seed=6)
    assert (other.identity - few.identity).abs().mean() > 0.5


def test_fixed_albedo_keeps_the_shape(face_model: MorphableModel) -> None:
    free, fixed = sample_people(face_model, 3, seed=1), sample_people(face_model, 3, seed=1, fixed_albedo=True)
    assert torch.equal(fixed.identity, free.identity)
    assert (fixed.texture == 0).all()
    assert free.texture.abs().mean() > 0.1
    torch.testing.assert_close(face_model.albedo(fixed.texture)[0], face_model.texture_mean.clamp(0.01, 1))


def test_coefficients_are_of_unit_variance_and_limited(face_model: MorphableModel) -> None:
    identity = sample_people(face_model, 60, seed=2, fixed_albedo=True).identity
    assert identity.abs().max() <= SHAPE_LIMIT
    assert identity.mean().abs() < 0.05
    assert 0.93 < identity.std() < 1.02  # the limit takes a little away


def test_people_are_nearly_symmetric(face_model: MorphableModel) -> None:
    people = sample_people(face_model, 20, seed=3, fixed_albedo=True)
    heads, mean = face_model.vertices(people.identity).numpy(), face_model.mean.numpy()
    mirrored = mean * [-1, 1, 1]
    gap, twin = cKDTree(mean).query(mirrored)
    paired = gap < 0.5  # mm
    assert paired.mean() > 0.9
    across = np.linalg.norm(heads[:, twin] * [-1, 1, 1] - heads, axis=-1)[:, paired].mean()
    from_mean = np.linalg.norm(heads - mean, axis=-1)[:, paired].mean()
    assert 0.05 < across < 1.5  # mm: nobody is exactly symmetric, nobody lopsided
    assert across < 0.25 * from_mean
    assert 3 < from_mean < 9  # mm: people differ


def test_twenty_expressions(face_model: MorphableModel) -> None:
    assert len(EXPRESSIONS) == 20
    table = expression_coefficients(face_model, list(EXPRESSIONS))
    assert table.shape == (20, 52)
    assert ((table >= 0) & (table <= 1)).all()
    assert (table[0] == 0).all()
    assert len(torch.unique(table, dim=0)) == 20


def test_both_stands_for_left_and_right(face_model: MorphableModel) -> None:
    (smile,) = expression_coefficients(face_model, ["smile"])
    strength = dict(zip(face_model.expression_names, smile.tolist(), strict=True))
    assert strength["mouthSmileLeft"] == strength["mouthSmileRight"] == pytest.approx(0.75)
    assert sum(value > 0 for value in strength.values()) == 6


def test_strength_scales_each_expression(face_model: MorphableModel) -> None:
    names = ["smile", "jaw_left"]
    halved = expression_coefficients(face_model, names, torch.tensor([0.5, 9.0]))
    full = expression_coefficients(face_model, names)
    torch.testing.assert_close(halved[0], full[0] / 2)
    assert halved[1].max() == 1.0  # no action beyond its full strength


def test_unknown_expression(face_model: MorphableModel) -> None:
    with pytest.raises(UnknownName, match="did you mean 'smile'"):
        expression_coefficients(face_model, ["neutral", "smle"])


def test_expressions_do_what_they_say(face_model: MorphableModel) -> None:
    names = list(EXPRESSIONS)
    heads = face_model.vertices(torch.zeros(20, 1), expression_coefficients(face_model, names))
    points = dict(zip(names, heads[:, face_model.landmarks].numpy(), strict=True))
    neutral = points["neutral"]

    def lid_opening(name: str) -> float:
        return float((points[name][[37, 38], 1] - points[name][[41, 40], 1]).mean())

    assert points["mouth_stretch"][62, 1] - points["mouth_stretch"][66, 1] > 12  # mm: the mouth opens
    assert lid_opening("eyes_closed") < 0.35 * lid_opening("neutral")
    assert points["brow_raiser"][17:27, 1].mean() > neutral[17:27, 1].mean() + 2
    assert points["brow_lower"][17:27, 1].mean() < neutral[17:27, 1].mean() - 1
    assert points["jaw_left"][8, 0] > neutral[8, 0] + 2 > points["jaw_right"][8, 0] + 4
    assert points["jaw_forward"][8, 2] > neutral[8, 2] + 2
    assert points["mouth_left"][51, 0] > neutral[51, 0] + 2 > points["mouth_right"][51, 0] + 4

    def mouth_width(name: str) -> float:
        return float(points[name][54, 0] - points[name][48, 0])

    assert mouth_width("smile") > mouth_width("neutral") > mouth_width("lip_puckerer")


def test_skins_of_ours_on_an_imported_model(face_model: MorphableModel) -> None:
    imported = replace(
        face_model,
        identity_basis=face_model.identity_basis[:100],
        attribute_weights=face_model.attribute_weights[:, :100],
        texture_basis=face_model.texture_basis.roll(1, dims=1),  # of no use for painting
    )
    people = sample_people_in_skins_of(imported, face_model, 3, seed=1)
    assert torch.equal(people.identity, sample_people(imported, 3, seed=1, fixed_albedo=True).identity)
    assert people.texture.shape == (3, 80)
    # A skin's coefficients are of our basis: their picture on our mean is a skin, in range almost everywhere.
    flat = people.texture @ face_model.texture_basis.flatten(1) + face_model.texture_mean.flatten()
    assert ((flat > -0.05) & (flat < 1.0)).float().mean() > 0.99
    few = sample_people_in_skins_of(imported, face_model, 2, seed=1)
    torch.testing.assert_close(few.texture, people.texture[:2])
