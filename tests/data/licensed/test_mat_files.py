"""The reader of MATLAB files against SciPy's, and files that lie."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from facelib.data.licensed.mat_files import read_mat
from facelib.errors import CorruptFile

VALUES: dict[str, Any] = {
    "doubles": np.arange(12.0).reshape(3, 4) / 7,
    "singles": np.linspace(-1e6, 1e6, 5, dtype=np.float32)[:, None],
    "bytes": np.array([[1, 2, 250]], np.uint8),
    "shorts": np.array([[-7]], np.int16),
    "cube": np.arange(24).reshape(2, 3, 4),
    "words": "no numbers",
    "cells": np.array([1, "a"], object),
    "complex": np.array([[1 + 2j]]),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_those_of_scipy(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "a.mat"
    savemat(path, VALUES, do_compression=compressed)
    shapes = {"doubles": (3, 4), "singles": (None,), "bytes": (3,), "shorts": (1,), "cube": (2, 3, 4)}

    found = read_mat(path, shapes)

    expected = loadmat(path)
    for name in shapes:
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name].squeeze(), expected[name].squeeze(), name)
    assert found["singles"].shape == (5,)


def test_a_matlab_program_s_short_numbers_are_read(tmp_path: Path) -> None:
    """MATLAB keeps doubles that are small whole numbers as bytes, and short names and values in their tags."""
    flags = struct.pack("<4I", 6, 8, 6, 0)
    matrix = flags + struct.pack("<2I2i", 5, 8, 1, 3) + struct.pack("<I4s", 1 | 2 << 16, b"ab")
    matrix += struct.pack("<I4s", 2 | 3 << 16, bytes((7, 0, 255)))
    path = _file(tmp_path, struct.pack("<2I", 14, len(matrix)) + matrix)

    np.testing.assert_array_equal(read_mat(path, {"ab": (3,)})["ab"], [7.0, 0.0, 255.0])


@pytest.mark.parametrize("name", ["words", "cells", "complex"])
def test_what_is_no_real_array_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    savemat(tmp_path / "a.mat", VALUES)

    with pytest.raises(CorruptFile, match=f"a.mat holds {name} as class"):
        read_mat(tmp_path / "a.mat", {name: (None,)})


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        ({"absent": (3,)}, "holds no absent"),
        ({"doubles": (4, 3)}, r"holds doubles of size \(3, 4\), not \(4, 3\)"),
        ({"cube": (24,)}, "holds cube of size"),
    ],
)
def test_other_variables_and_shapes_are_refused(tmp_path: Path, shapes: dict[str, Any], told: str) -> None:
    savemat(tmp_path / "a.mat", VALUES)

    with pytest.raises(CorruptFile, match=told):
        read_mat(tmp_path / "a.mat", shapes)


def test_an_optional_variable_may_be_missing(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", VALUES)

    assert list(read_mat(tmp_path / "a.mat", {"shorts": (1,), "absent": (3,)}, ["absent"])) == ["shorts"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    savemat(tmp_path / "a.mat", {"x": np.array([1.0, bad])})

    with pytest.raises(CorruptFile, match="holds x with a value that is not finite"):
        read_mat(tmp_path / "a.mat", {"x": (2,)})


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    size = 2**28
    content = struct.pack("<2I", 14, size) + struct.pack("<4I", 6, 8, 9, 0) + bytes(size - 16)
    packed = zlib.compress(content, 9)
    del content
    path = _file(tmp_path, struct.pack("<2I", 15, len(packed)) + packed)
    assert path.stat().st_size < 2**19

    tracemalloc.start()
    with pytest.raises(CorruptFile, match="holds no x"):  # its name comes late, so it is none that is asked for
        read_mat(path, {"x": (None,)})
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("compressed", [False, True])
def test_a_variable_above_the_limit_is_refused(tmp_path: Path, compressed: bool) -> None:
    savemat(tmp_path / "a.mat", {"x": np.zeros(2000)}, do_compression=compressed)

    with pytest.raises(CorruptFile, match="above 9000"):
        read_mat(tmp_path / "a.mat", {"x": (None,)}, most=9000)
    assert read_mat(tmp_path / "a.mat", {"x": (None,)}, most=17000)["x"].shape == (2000,)


def test_a_file_of_version_7_3_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x0200) + b"IM" + bytes(400))

    with pytest.raises(CorruptFile, match="version 0x0200: expected a MATLAB file of version 5"):
        read_mat(path, {"x": (1,)})


@pytest.mark.parametrize("length", [0, 1, 127, 130, 200])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"x": np.zeros(50)})
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(CorruptFile, match=r"a\.mat"):
        read_mat(path, {"x": (50,)})


def _file(folder: Path, elements: bytes) -> Path:
    path = folder / "a.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + elements)
    return path
