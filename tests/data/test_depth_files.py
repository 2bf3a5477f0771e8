"""Depth frames in files: all kinds give the same frame, and what is no depth in mm is told."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_depth import write_biwi
from PIL import Image

from facelib.data.depth_files import as_depth, read_biwi_frame, read_depth
from facelib.errors import BadInput, CorruptFile, UnknownName

DEPTH = np.array([[0, 812, 813], [900, 0, 0], [0, 0, 32767], [1, 2, 3]], np.uint16)


def test_all_kinds_give_the_same_frame(tmp_path: Path) -> None:
    Image.fromarray(DEPTH).save(tmp_path / "frame.png")
    np.save(tmp_path / "frame.npy", DEPTH)
    np.save(tmp_path / "holes.npy", np.where(DEPTH == 0, np.nan, DEPTH).astype(np.float32))
    write_biwi(tmp_path / "FRAME.BIN", DEPTH)
    for name in ("frame.png", "frame.npy", "holes.npy", "FRAME.BIN"):
        found = read_depth(tmp_path / name)
        assert found.dtype == torch.float32
        np.testing.assert_array_equal(found.numpy(), DEPTH, err_msg=name)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 5))
def test_biwi_frames_come_back(tmp_path_factory: pytest.TempPathFactory, values: list[int], width: int) -> None:
    depth = np.array([*values, *[0] * (-len(values) % width)]).reshape(-1, width)
    path = write_biwi(tmp_path_factory.mktemp("biwi") / "frame.bin", depth)
    np.testing.assert_array_equal(read_biwi_frame(path), depth)


def test_damaged_biwi_frames(tmp_path: Path) -> None:
    path = write_biwi(tmp_path / "frame.bin", DEPTH)
    whole = path.read_bytes()
    cases = {
        whole[:5]: "its 5 bytes end within the header",
        whole[:-1]: "it ends within the pixels after",
        whole[:12]: "it ends after 0 of 12 pixels",
        struct.pack("<ii", -3, 4): "its header says -3 x 4 pixels",
        struct.pack("<ii", 100_000, 100_000): "expected 1 to 4,000,000",
        struct.pack("<iiii", 2, 2, 0, 0): "it counts 0 empty and 0 full pixels after 0",
        struct.pack("<iiii", 2, 2, 5, 0): "it counts 5 empty",
        struct.pack("<iiii", 2, 2, -1, 2): "it counts -1 empty",
    }
    for content, message in cases.items():
        path.write_bytes(content)
        with pytest.raises(CorruptFile, match=message):
            read_depth(path)


def test_what_is_no_depth(tmp_path: Path) -> None:
    Image.fromarray(DEPTH.astype(np.uint8)).save(tmp_path / "grey.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "colours.png")
    Image.fromarray(DEPTH).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])
    (tmp_path / "text.npy").write_text("hello")
    np.save(tmp_path / "objects.npy", np.array([[{}]]), allow_pickle=True)
    np.save(tmp_path / "three.npy", np.zeros((3, 4, 5)))
    cases = {
        "grey.png": (BadInput, r"has 8 bits a pixel \(L\): depth in mm needs 16"),
        "colours.png": (BadInput, r"has 8 bits a pixel \(RGB\)"),
        "cut.png": (CorruptFile, "is no whole PNG file"),
        "text.npy": (CorruptFile, "is no whole array of NumPy"),
        "objects.npy": (CorruptFile, "is no whole array"),
        "three.npy": (BadInput, r"has shape \(3, 4, 5\): expected one depth frame"),
        "none.png": (BadInput, "there is no file"),
        "frame.tiff": (UnknownName, "unknown kind of depth frame"),
    }
    for name, (kind, message) in cases.items():
        with pytest.raises(kind, match=message):
            read_depth(tmp_path / name)


def test_arrays() -> None:
    assert as_depth(np.array([[np.inf, 5.0], [np.nan, 7.0]])).tolist() == [[0, 5], [0, 7]]
    for array, message in (
        (np.array([[-1.0]]), "holds -1: expected depth in mm"),
        (np.zeros((0, 4)), "no size zero"),
        (np.zeros((2, 2), np.uint8), "has 8 bits a pixel"),
        (np.zeros((2, 2), bool), "holds bool"),
        (np.broadcast_to(np.float32(1), (3000, 3000)), "above 4 million"),
    ):
        with pytest.raises(BadInput, match=message):
            as_depth(array)
