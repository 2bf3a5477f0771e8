"""Strict reading of OBJ files: a mesh written by hand, and bad lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facelib.errors import CorruptFile
from facelib.faces.obj_files import read_obj, read_obj_vertices

SOUND = """# a square and a triangle
o face
v 0 0 0
v 1.5 0 -2e-1
v 1 1 0
v 0 1 0
vn 0 0 1
vt 0 0
vt 1 0.25

s off
f 1/1 2/2 3/1 4/2
f 4/2/1 3/1/1 1/1/1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "head.obj"


def test_by_hand(path: Path) -> None:
    path.write_text(SOUND)
    mesh = read_obj(path)
    np.testing.assert_array_equal(mesh.vertices, [[0, 0, 0], [1.5, 0, -0.2], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(mesh.uv, [[0, 0], [1, 0.25]])
    np.testing.assert_array_equal(mesh.triangles, [[0, 1, 2], [0, 2, 3], [3, 2, 0]])
    np.testing.assert_array_equal(mesh.uv_triangles, [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(read_obj_vertices(path), mesh.vertices)


def test_line_ends_of_windows(path: Path) -> None:
    path.write_bytes(SOUND.replace("\n", "\r\n").encode())
    assert read_obj(path).vertices.shape == (4, 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("v 1 1 0", "v 1 1", "line 5: 'v 1 1', expected 3 finite numbers"),
        ("v 1 1 0", "v 1 1 0 1", "line 5"),
        ("v 1 1 0", "v", "line 5"),
        ("v 1 1 0", "v 1 inf 0", "line 5"),
        ("v 1 1 0", "v 1 1_0 0", "line 5"),
        ("v 1 1 0", "v 1 one 0", "line 5"),
        ("vt 0 0", "vt 0 nan", "line 8: 'vt 0 nan', expected 2"),
        ("f 1/1 2/2 3/1 4/2", "f 1/1 2/2 3/1 5/2", "line 12: .* of 4 and 2 in the file"),
        ("f 1/1 2/2 3/1 4/2", "f 1/1 2/2 3/3", "line 12"),
        ("f 1/1 2/2 3/1 4/2", "f 0/1 2/2 3/1", "line 12"),
        ("f 1/1 2/2 3/1 4/2", "f 1 2 3", "line 12"),
        ("f 1/1 2/2 3/1 4/2", "f 1/1 2/2", "line 12"),
        ("s off", "<html>", "no OBJ: line 11 begins with '<html>'"),
    ],
)
def test_a_bad_line_is_named(path: Path, old: str, new: str, message: str) -> None:
    path.write_text(SOUND.replace(old, new))
    with pytest.raises(CorruptFile, match=f"head.obj.*{message}"):
        read_obj(path)


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\x89PNG\r\n\x1a\n\xff", b"v 0 0 0\nvt 0 0\n"])
def test_no_mesh(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=r"head\.obj"):
        read_obj(path)
