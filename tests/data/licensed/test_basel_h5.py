"""Basel models of 2017 and 2019 come back in our class: variances as deviations, colours as linear RGB."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from damaged_bytes import damaged
from made_basel import KEPT, write_basel_h5

from facelib.data.licensed.basel_h5 import read_basel_h5
from facelib.errors import CorruptFile
from facelib.faces.morphable_model import MorphableModel

h5py = pytest.importorskip("h5py")


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "chunks": True}])
def test_shape_and_colour_come_back(options: dict[str, Any], face_model: MorphableModel, tmp_path: Path) -> None:
    found = read_basel_h5(write_basel_h5(tmp_path / "model2019_bfm.h5", face_model, **options), face_model)

    torch.testing.assert_close(found.mean, face_model.mean, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.identity_basis, face_model.identity_basis[:KEPT], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.expression_basis, face_model.expression_basis[:KEPT], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.texture_mean, face_model.texture_mean, atol=1e-4, rtol=0)
    assert torch.equal(found.landmarks, face_model.landmarks)
    assert torch.equal(found.triangles, face_model.triangles)
    person = torch.randn(2, KEPT, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.vertices(person), face_model.vertices(person), atol=1e-3, rtol=0)


def test_colours_move_as_srgb_does(face_model: MorphableModel, tmp_path: Path) -> None:
    """A small step of a component, encoded and decoded by hand at some vertices."""
    found = read_basel_h5(write_basel_h5(tmp_path / "a.h5", face_model), face_model)
    step = 0.01

    for vertex in (0, 1000, 3000):
        linear = face_model.texture_mean[vertex].double().numpy()
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        moved = encoded + step * face_model.texture_basis[0, vertex].double().numpy()
        expected = np.where(moved <= 0.04045, moved / 12.92, ((moved + 0.055) / 1.055) ** 2.4)
        got = found.texture_mean[vertex] + step * found.texture_basis[0, vertex]
        np.testing.assert_allclose(got, expected, atol=1e-5)
    assert (found.texture_basis[KEPT:] == 0).all()


def test_triangles_the_other_way_round_are_turned(face_model: MorphableModel, tmp_path: Path) -> None:
    path = write_basel_h5(tmp_path / "a.h5", face_model)
    with h5py.File(path, "r+") as file:
        file["shape/representer/cells"][...] = file["shape/representer/cells"][...][::-1]

    assert torch.equal(read_basel_h5(path, face_model).triangles, face_model.triangles)


def _linked(file: Any) -> None:
    del file["shape/model/mean"]
    file["shape/model/mean"] = h5py.ExternalLink("/etc/passwd", "/mean")


def _soft(file: Any) -> None:
    del file["shape/model/mean"]
    file["shape/model/mean"] = h5py.SoftLink("/color/model/mean")


def _elsewhere(file: Any) -> None:
    del file["shape/model/mean"]
    file.create_dataset("shape/model/mean", (300,), "f4", external=[("/etc/passwd", 0, 1200)])


def _huge(file: Any) -> None:
    del file["shape/model/mean"]
    file.create_dataset("shape/model/mean", (2**34,), "f4", chunks=(2**16,), compression="gzip")


def _nan(file: Any) -> None:
    file["color/model/mean"][7] = np.nan


def _negative(file: Any) -> None:
    file["color/model/pcaVariance"][1] = -1


def _words(file: Any) -> None:
    del file["shape/model/mean"]
    file["shape/model/mean"] = [b"a", b"b"]


def _in_metres(file: Any) -> None:
    for name in ("shape", "expression"):
        file[f"{name}/model/mean"][...] = file[f"{name}/model/mean"][...] / 1000


def _other_vertices(file: Any) -> None:
    del file["color"]
    group = file.create_group("color/model")
    group["mean"], group["pcaBasis"], group["pcaVariance"] = np.zeros(9), np.zeros((9, 2)), np.ones(2)


def _other_cells(file: Any) -> None:
    file["shape/representer/cells"][0, 0] = 10**6


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_linked, "no shape/model/mean, or a link in its place"),
        (_soft, "no shape/model/mean, or a link in its place"),
        (_elsewhere, "no array of numbers in the file itself"),
        (_huge, r"shape/model/mean of \(17179869184,\)"),
        (_nan, "color/model/mean with a value that is not finite"),
        (_negative, "variance below 0"),
        (_words, "no array of numbers"),
        (_in_metres, "mm high: expected 80 to 500; another unit"),
        (_other_vertices, "of 4857, 4857, 3 vertices: expected as many"),
        (_other_cells, "triangles of other vertices"),
    ],
)
def test_files_that_lie_are_refused(harm: Any, told: str, face_model: MorphableModel, tmp_path: Path) -> None:
    path = write_basel_h5(tmp_path / "hostile.h5", face_model)
    with h5py.File(path, "r+") as file:
        harm(file)

    with pytest.raises(CorruptFile, match=rf"hostile\.h5 has .*{told}"):
        read_basel_h5(path, face_model)


def test_a_hundred_damages_are_refused_or_read(face_model: MorphableModel, tmp_path: Path) -> None:
    content = write_basel_h5(tmp_path / "a.h5", face_model).read_bytes()
    path = tmp_path / "b.h5"
    for number in range(100):
        # Half of them in its first pages, where its structure is told.
        chance = random.Random(number)
        head = damaged(content[:4096], chance) + content[4096:]
        path.write_bytes(head if number % 2 else damaged(content, chance))
        with suppress(CorruptFile):
            read_basel_h5(path, face_model)
