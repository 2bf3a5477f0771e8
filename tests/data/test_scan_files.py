"""Every kind of scan file gives the surface that was written, and a bad one is refused by what is wrong with it."""

from __future__ import annotations

import gzip
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from made_scans import abs_file, as_mesh, bnt_file, made_scans, write_scan, wrl_file

from facelib.data.range_files import read_abs, read_bnt
from facelib.data.scan_files import ENDINGS, GridScan, MeshScan, ending_of, read_scan
from facelib.data.vrml_files import read_vrml
from facelib.errors import BadInput, CorruptFile, UnknownName
from facelib.faces.morphable_model import MorphableModel

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"


@pytest.fixture(scope="module")
def scan(face_model: MorphableModel) -> torch.Tensor:
    return made_scans(face_model, 1, 1)[0, 0]


@pytest.fixture
def grid() -> torch.Tensor:
    """Two rows of three samples, one of them a hole."""
    grid = torch.arange(18.0).view(3, 2, 3)
    grid[:, 1, 0] = torch.nan
    return grid


def content(path: Path, what: bytes | str) -> Path:
    path.write_bytes(what.encode() if isinstance(what, str) else what)
    return path


# ---- what is read ----


@pytest.mark.parametrize("name", ["a.abs", "A.ABS.GZ", "a.bnt", "ä b.c.abs"])
def test_range_images_come_back_as_they_were(tmp_path: Path, scan: torch.Tensor, name: str) -> None:
    kind = "abs.gz" if name.endswith("GZ") else name.rsplit(".", 1)[1]
    read = read_scan(write_scan(tmp_path / f"x.{kind}", scan).rename(tmp_path / name))
    assert isinstance(read, GridScan)
    torch.testing.assert_close(read.positions, scan, rtol=0, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("name", ["a.ply", "a.obj", "a.stl", "a.wrl"])
def test_meshes_come_back_as_they_were(tmp_path: Path, scan: torch.Tensor, name: str) -> None:
    """Corner by corner, as STL has no shared vertices."""
    read, made = read_scan(write_scan(tmp_path / name, scan)), as_mesh(scan)
    assert isinstance(read, MeshScan)
    torch.testing.assert_close(read.vertices[read.triangles], made.vertices[made.triangles], rtol=0, atol=1e-4)


def test_a_cloud_has_no_triangles(tmp_path: Path, scan: torch.Tensor) -> None:
    read = read_scan(write_scan(tmp_path / "a.cloud.ply", scan))
    assert isinstance(read, MeshScan)
    assert read.triangles.shape == (0, 3)
    torch.testing.assert_close(read.vertices, as_mesh(scan).vertices, rtol=0, atol=1e-4)


def test_row_0_of_a_bnt_is_its_last(grid: torch.Tensor, tmp_path: Path) -> None:
    read = read_bnt(content(tmp_path / "a.bnt", bnt_file(grid)))
    assert read[0].tolist()[0] == [0, 1, 2]
    assert read[2].isnan().tolist() == [[False] * 3, [True, False, False]]


@given(st.lists(st.integers(3, 7), min_size=1, max_size=6), st.booleans())
def test_polygons_become_fans(sizes: list[int], closed: bool) -> None:
    """Written out by hand, polygon by polygon."""
    corners, expected, start = "", [], 0
    for size in sizes:
        own = list(range(start, start + size))
        corners += ", ".join(map(str, own)) + ", -1,\n"
        expected += [[own[0], own[i], own[i + 1]] for i in range(1, size - 1)]
        start += size
    corners = corners if closed else corners.rstrip().removesuffix("-1,")
    points = "0 0 0 " * start
    text = f"#VRML V2.0 utf8\r\nShape {{ coord Coordinate{{point[{points}]}} coordIndex [{corners}] }}"
    with tempfile.TemporaryDirectory() as folder:
        found = read_vrml(content(Path(folder) / "x.wrl", text))[1]
    assert found.tolist() == expected


def test_endings_in_any_case() -> None:
    assert [ending_of(Path(name)) for name in ("a.b.PLY", "a.abs.gz", "a.gz", "abs", "a.txt")] == [
        ".ply", ".abs.gz", None, None, None,
    ]  # fmt: skip
    assert len(ENDINGS) == 7


# ---- what is refused ----


def refused(path: Path, error: type[Exception]) -> str:
    with pytest.raises(error) as raised:
        read_scan(path)
    assert path.name in str(raised.value)
    return str(raised.value)


def test_other_files(tmp_path: Path) -> None:
    assert "expected one of .abs, .abs.gz, .bnt" in refused(tmp_path / "face.jpg", UnknownName)
    assert "there is no file" in refused(tmp_path / "face.ply", BadInput)


@pytest.mark.parametrize("kept", [0, 10, 20, 40, 200])
def test_a_bnt_that_was_cut_off(tmp_path: Path, grid: torch.Tensor, kept: int) -> None:
    whole = bnt_file(grid)
    message = refused(content(tmp_path / "a.bnt", whole[:kept]), CorruptFile)
    assert f"{kept} bytes" in message
    assert ("within the header" in message) == (kept < 33)
    assert f"has {len(whole) + 1} bytes" in refused(content(tmp_path / "b.bnt", whole + b"x"), CorruptFile)


def test_a_bnt_whose_counts_do_not_fit(tmp_path: Path, grid: torch.Tensor) -> None:
    whole = bnt_file(grid)
    for rows, message in ((9, "counts 30 numbers, expected 5 for each of 9 x 3"), (0, "0 rows and 3 columns")):
        assert message in refused(content(tmp_path / "a.bnt", struct.pack("<H", rows) + whole[2:]), CorruptFile)
    huge = struct.pack("<HHdH", 65535, 65535, -1e9, 0) + struct.pack("<I", 2**32 - 1)
    assert "65535 rows and 65535 columns, expected 1 to 1,000,000" in refused(
        content(tmp_path / "c.bnt", huge), CorruptFile
    )
    grid[1, 0, 1] = torch.inf
    whole = whole[:33] + np.where(np.arange(30) == 10, np.nan, np.frombuffer(whole[33:])).tobytes()
    assert "1 samples that it calls seen are not finite, expected none; the first is 4" in refused(
        content(tmp_path / "d.bnt", whole), CorruptFile
    )


def test_an_abs_whose_counts_do_not_fit(tmp_path: Path, grid: torch.Tensor) -> None:
    whole = abs_file(grid).decode()
    cases = {
        whole.replace("2 rows", "3 rows"): "it holds 6 flags, expected 9 as its header says",
        whole.replace("2 rows", "2 cows"): "expected a line such as '480 rows'",
        whole.replace("2 rows", "99999999 rows"): "99999999 rows and 3 columns, expected 1 to 1,000,000",
        whole.replace("pixels", "points"): "third line",
        whole[: len(whole) // 2]: "expected 6 as its header says",
        whole + "7": "it goes on behind the z",
        whole.replace("1.000000", "one"): "its x are no numbers",
        whole.replace("13.000000", "nan"): "1 samples that it calls seen are not finite, expected none; the first is 1",
        whole.replace("13.000000", "1e300"): "1 samples that it calls seen are not finite, expected none; the first is",
        whole.replace("1 1 1 0", "1 2 1 0"): "its flags hold 2, expected 0 and 1",
        "": "expected a line such as",
    }
    for text, message in cases.items():
        assert message in refused(content(tmp_path / "a.abs", text), CorruptFile)
    packed = gzip.compress(whole.encode())
    for broken in (packed[:-9], b"no gzip", packed[:12] + b"\0\0\0\0" + packed[16:]):
        assert "no whole gzip file" in refused(content(tmp_path / "a.abs.gz", broken), CorruptFile)


def test_a_packed_line_without_end_is_not_read_whole(tmp_path: Path) -> None:
    """Sixty megabytes of flags that pack into 60 kB, for a header of six samples."""
    bomb = b"2 rows\n3 columns\npixels (flag X Y Z):\n" + b"1 " * 30_000_000
    path = content(tmp_path / "a.abs.gz", gzip.compress(bomb, 1))
    assert "it holds more than 6 flags, expected 6 as its header says" in refused(path, CorruptFile)
    with pytest.raises(CorruptFile):
        read_abs(path)


def test_vrml_that_is_refused(tmp_path: Path) -> None:
    mesh = MeshScan(torch.eye(3), torch.tensor([[0, 1, 2]]))
    whole = wrl_file(mesh)
    corrupt = {
        whole.replace("V2.0", "V1.0"): "expected '#VRML V2.0'",
        whole.replace("coordIndex [ 0, 1, 2, -1 ]", ""): "it has no faces",
        whole.replace("coordIndex [ 0, 1, 2, -1 ]", "coordIndex [ ]"): "it has no faces",
        whole.replace("0, 1, 2, -1 ]\n    tex", "0, 1, -1 ]\n    tex"): "a face has 2 corners",
        whole.replace("0, 1, 2, -1 ]\n    tex", "0, 1, 3, -1 ]\n    tex"): "a face has the corner 3, expected 0 to 2",
        whole.replace("0, 1, 2, -1 ]\n    tex", "0, 1, x, -1 ]\n    tex"): "its faces hold what is no number",
        whole.replace("1.00000 0.00000 0.00000", "1.00000 0.00000"): "its points have 8 coordinates",
        whole[:200]: "it has no points, or ends within them",
        "": "expected '#VRML V2.0'",
    }
    for text, message in corrupt.items():
        assert message in refused(content(tmp_path / "a.wrl", text), CorruptFile)
    turned = wrl_file(mesh, "Transform { translation 1 2 3 rotation 0 0 1 1.57 children [] }")
    still = wrl_file(mesh, "Transform { scale 1 1 1.0 rotation 0 0 1 0 translation 1 2 3 children [] }")
    assert "with rotation 0 0 1 1.57: apply the transform" in refused(content(tmp_path / "b.wrl", turned), BadInput)
    assert "holds 2 shapes: expected one face" in refused(content(tmp_path / "c.wrl", whole + whole), BadInput)
    assert len(read_scan(content(tmp_path / "d.wrl", still)).vertices) == 3  # type: ignore[union-attr]


def test_meshes_that_are_refused(tmp_path: Path, scan: torch.Tensor) -> None:
    for kind in ("ply", "stl"):
        whole = write_scan(tmp_path / f"whole.{kind}", scan).read_bytes()
        for cut in (whole[: len(whole) // 2], whole[:50]):
            path = content(tmp_path / f"cut.{kind}", cut)
            assert path.name in refused(path, (CorruptFile, BadInput))  # type: ignore[arg-type]
    for name, text in (("empty.obj", ""), ("words.obj", "hello"), ("empty.stl", "")):
        assert "holds no vertices" in refused(content(tmp_path / name, text), BadInput)
    assert "no whole OBJ file" in refused(content(tmp_path / "far.obj", TRIANGLE + "f 1 2 9\n"), CorruptFile)
    nan = TRIANGLE.replace("1 0 0", "1 nan 0") + "f 1 2 3\n"
    assert "1 of 3 vertices are not finite, expected none, the first is 1" in refused(
        content(tmp_path / "n.obj", nan), BadInput
    )
    far = trimesh.Trimesh(np.eye(3), [[0, 1, 2]], process=False).export(file_type="ply")
    far = far[:-4] + struct.pack("<i", 7)  # the last corner
    assert "name vertices that it does not hold (3)" in refused(content(tmp_path / "far.ply", far), CorruptFile)


def test_no_other_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that names its materials and texture is read without them, and its parts are joined."""
    (tmp_path / "m.mtl").write_text("newmtl a\nmap_Kd secret.png\n")
    text = f"mtllib m.mtl\nusemtl a\n{TRIANGLE}f 1 2 3\nusemtl b\nf 3 2 1\n"
    read = read_scan(content(tmp_path / "a.obj", text))
    assert isinstance(read, MeshScan)
    assert len(read.triangles) == 2
