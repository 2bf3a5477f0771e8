"""The linear model: linear, checked, and read back from its file only when that is sound."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from facelib.errors import BadInput, CorruptFile
from facelib.faces import baking
from facelib.faces.morphable_model import MorphableModel, read_model, write_model
from facelib.storage import sha256_of, write_checked


@pytest.fixture
def small_model() -> MorphableModel:
    """Five vertices, three identity components, two actions, four textures."""
    generator = torch.Generator().manual_seed(0)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator)

    return MorphableModel(
        mean=normal(5, 3),
        identity_basis=normal(3, 5, 3),
        expression_basis=normal(2, 5, 3),
        texture_mean=torch.full((5, 3), 0.5),
        texture_basis=0.05 * normal(4, 5, 3),
        triangles=torch.tensor([[0, 1, 2], [2, 3, 4]]),
        uv=torch.rand(6, 2, generator=generator),
        uv_triangles=torch.tensor([[0, 1, 2], [3, 4, 5]]),
        landmarks=torch.arange(68) % 5,
        attribute_weights=normal(2, 3),
        attribute_mean=torch.tensor([0.5, 0.7]),
        expression_names=("jawOpen", "cheekPuff"),
        attribute_names=("gender", "age"),
        regions={"lips": torch.tensor([0.0, 0.2, 0.5, 1.0, 0.0])},
    )


def test_vertices_by_loops(small_model: MorphableModel) -> None:
    identity, expression = torch.randn(2, 3), torch.rand(2, 2)
    vertices = small_model.vertices(identity, expression)
    for head in range(2):
        expected = small_model.mean.clone()
        for k in range(3):
            expected += identity[head, k] * small_model.identity_basis[k]
        for e in range(2):
            expected += expression[head, e] * small_model.expression_basis[e]
        torch.testing.assert_close(vertices[head], expected)


def test_albedo_by_loops_and_in_range(small_model: MorphableModel) -> None:
    texture = torch.randn(2, 4)
    expected = torch.stack(
        [
            small_model.texture_mean + sum(c * b for c, b in zip(row, small_model.texture_basis, strict=True))
            for row in texture
        ]
    )
    torch.testing.assert_close(small_model.albedo(texture), expected.clamp(0.01, 1))
    extreme = small_model.albedo(100 * texture)
    assert extreme.min() == pytest.approx(0.01)
    assert extreme.max() == 1.0


def test_missing_components_are_zero(small_model: MorphableModel) -> None:
    identity = torch.tensor([[1.0, -2.0, 0.0]])
    torch.testing.assert_close(small_model.vertices(identity[:, :2]), small_model.vertices(identity, torch.zeros(1, 2)))


def test_attributes_are_regressed_and_clipped(small_model: MorphableModel) -> None:
    identity = torch.tensor([[0.01, -0.02, 0.03], [90.0, -80.0, 70.0]])
    attributes = small_model.attributes(identity)
    assert list(attributes) == ["gender", "age"]
    expected = 0.7 + small_model.attribute_weights[1] @ identity[0]
    assert attributes["age"][0] == pytest.approx(float(expected), abs=1e-6)
    assert {float(values[1]) for values in attributes.values()} <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("identity", "expression", "message"),
    [
        (torch.zeros(3), None, "identity has shape"),
        (torch.zeros(0, 3), None, "identity has shape"),
        (torch.zeros(1, 4), None, "4 components"),
        (torch.tensor([[0.0, float("nan"), 0.0]]), None, "non-finite"),
        (torch.zeros(2, 3), torch.zeros(1, 2), "expression has shape"),
        (torch.zeros(1, 3), torch.zeros(1, 3), "expression has shape"),
        (torch.zeros(1, 3), torch.tensor([[0.0, float("inf")]]), "non-finite"),
    ],
)
def test_bad_coefficients(
    small_model: MorphableModel, identity: torch.Tensor, expression: torch.Tensor | None, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        small_model.vertices(identity, expression)


def test_bad_texture(small_model: MorphableModel) -> None:
    with pytest.raises(BadInput, match="texture has shape"):
        small_model.albedo(torch.zeros(4))
    with pytest.raises(BadInput, match="5 components"):
        small_model.albedo(torch.zeros(1, 5))
    with pytest.raises(BadInput, match="non-finite"):
        small_model.albedo(torch.full((1, 4), float("nan")))


def test_bad_identity_for_attributes(small_model: MorphableModel) -> None:
    with pytest.raises(BadInput, match="4 components"):
        small_model.attributes(torch.zeros(1, 4))


def test_file_round_trip(small_model: MorphableModel, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, small_model)
    again = read_model(path)
    for field in fields(MorphableModel):
        written, read = getattr(small_model, field.name), getattr(again, field.name)
        if isinstance(written, torch.Tensor):
            assert read.dtype == written.dtype
            assert torch.equal(read, written), field.name
        elif field.name != "regions":
            assert read == written
    assert list(again.regions) == ["lips"]
    assert torch.equal(again.regions["lips"], small_model.regions["lips"])


def test_the_same_model_gives_the_same_bytes(small_model: MorphableModel, tmp_path: Path) -> None:
    """Generated data carry the checksum of the model in their fingerprint."""
    contents = set()
    for number in range(12):
        write_model(tmp_path / f"{number}.safetensors", small_model)
        contents.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(contents) == 1


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _lose_the_checksum(path: Path) -> None:
    path.with_name(path.name + ".sha256").unlink()


def _garble_the_checksum(path: Path) -> None:
    path.with_name(path.name + ".sha256").write_bytes(b"\xff" * 64)


DAMAGES = [_flip_a_byte, _truncate, _lose_the_checksum, _garble_the_checksum, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_refused(small_model: MorphableModel, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "model.safetensors"
    write_model(path, small_model)
    damage(path)
    with pytest.raises(CorruptFile):
        read_model(path)


def test_sound_file_of_something_else_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save

    path = tmp_path / "other.safetensors"
    write_checked(path, save({"mean": torch.zeros(2)}))
    with pytest.raises(CorruptFile, match="no face model"):
        read_model(path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_baked_anew(  # type: ignore[no-untyped-def]
    small_model: MorphableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog, damage
) -> None:
    bakes = []

    def bake_quickly() -> None:
        bakes.append(1)
        write_model(baking.face_model_path("coarse"), small_model)

    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path))
    monkeypatch.setattr(baking, "bake", bake_quickly)
    baking.load_face_model("coarse")
    baking.load_face_model("coarse")
    assert len(bakes) == 1  # the second time it is read
    damage(baking.face_model_path("coarse"))
    with caplog.at_level(logging.WARNING):
        again = baking.load_face_model("coarse")
    assert len(bakes) == 2
    assert torch.equal(again.mean, small_model.mean)
    if damage is not Path.unlink:
        assert "baking it anew" in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_checksum_is_that_of_the_content(  # type: ignore[no-untyped-def]
    small_model: MorphableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage
) -> None:
    """Fingerprints of data sets take it; a cache that is new or damaged is baked first."""
    monkeypatch.setenv("FACELIB_CACHE", str(tmp_path / "new"))
    path = baking.face_model_path("coarse")
    monkeypatch.setattr(baking, "bake", lambda: write_model(path, small_model))
    checksum = baking.face_model_checksum("coarse")
    assert checksum == sha256_of(path)

    damage(path)
    assert baking.face_model_checksum("coarse") == checksum == sha256_of(path)


def test_reading_needs_no_anny(face_model: MorphableModel) -> None:
    program = (
        "import sys; from facelib.faces.baking import load_face_model; import facelib.faces.scene;"
        "load_face_model('coarse'); sys.exit('anny' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_baked_model(face_model: MorphableModel) -> None:
    count = len(face_model.mean)
    assert 4_500 <= count <= 6_000
    assert face_model.identity_basis.shape == (199, count, 3)
    assert face_model.texture_basis.shape == (80, count, 3)
    assert len(face_model.expression_names) == len(face_model.expression_basis) == 52
    assert int(face_model.triangles.max()) < count
    assert int(face_model.uv_triangles.max()) < len(face_model.uv)
    spread = face_model.identity_basis.flatten(1).norm(dim=1)
    assert (spread[1:10] < spread[:9]).all()  # strongest first
    size = face_model.mean.amax(dim=0) - face_model.mean.amin(dim=0)
    assert 120 < size[0] < 200  # mm: ears included
    assert 200 < size[1] < 330  # crown to neck
