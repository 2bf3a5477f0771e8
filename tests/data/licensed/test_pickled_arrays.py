"""FLAME's pickle gives its arrays and runs nothing: what a hostile one asks for is refused, whatever it asks for."""

from __future__ import annotations

import io
import pickle
import pickletools
import random
import struct
import sys
import time
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from damaged_bytes import damaged
from scipy import sparse

from facelib.data.licensed.flame import read_flame
from facelib.data.licensed.pickled_arrays import read_pickled_arrays
from facelib.errors import CorruptFile
from facelib.faces.morphable_model import MorphableModel

WANTED: dict[str, tuple[int | None, ...]] = {"v_template": (None, 3), "shapedirs": (None, 3, None), "f": (None, 3)}
MARKER = Path("/tmp/facelib_hostile_pickle")


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """A class chumpy.ch.Ch while a file is written, so that it names it; none while it is read."""

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module = types.ModuleType("chumpy.ch")
    module.Ch = Ch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return Ch


def flame(model: MorphableModel, wrapped: type | None = None) -> dict[str, object]:
    """The fields of FLAME's file, in metres, with few components."""
    wrap = wrapped or (lambda array: array)
    basis = torch.cat((model.identity_basis[:4], model.expression_basis[:2]))
    return {
        "v_template": wrap(model.mean.double().numpy() / 1000),
        "shapedirs": wrap(np.moveaxis(basis.double().numpy(), 0, 2) / 1000),
        "f": model.triangles.numpy().astype(np.uint32),
        "J_regressor": sparse.csc_matrix(np.eye(5)),
        "kintree_table": np.array([[2**32 - 1, 0], [0, 1]], np.uint32),
        "bs_style": "lbs",
        "weights": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    }


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_file_with_chumpy_s_objects_becomes_our_model(
    protocol: int, chumpy: type, face_model: MorphableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(pickle.dumps(flame(face_model, chumpy), protocol))
    monkeypatch.delitem(sys.modules, "chumpy.ch")
    monkeypatch.delitem(sys.modules, "chumpy")

    found = read_flame(path, face_model, identities=4)

    torch.testing.assert_close(found.mean, face_model.mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.identity_basis, face_model.identity_basis[:4], atol=1e-4, rtol=0)
    torch.testing.assert_close(found.expression_basis, face_model.expression_basis[:2], atol=1e-4, rtol=0)
    assert torch.equal(found.triangles, face_model.triangles)
    assert torch.equal(found.landmarks, face_model.landmarks)  # the mean face is ours, so nearest places are the same
    torch.testing.assert_close(found.regions["lips"], face_model.regions["lips"])
    assert "chumpy" not in sys.modules


def test_arrays_in_columns_and_of_every_type_come_back(tmp_path: Path) -> None:
    arrays = {
        "a": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "b": np.arange(4, dtype=">i2"),
        "c": np.array([[True, False]]),
        "d": np.arange(3, dtype=np.float32),
    }
    path = tmp_path / "a.pkl"
    for protocol in range(5):
        path.write_bytes(pickle.dumps(arrays, protocol))
        if protocol < 2:  # text, in which arrays lie as nothing that NumPy of Python 2 wrote
            continue
        found = read_pickled_arrays(path, {name: (None,) * array.ndim for name, array in arrays.items()})
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


class Calls:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call  # type: ignore[return-value]


def _hostile() -> dict[str, bytes]:
    import os

    array = np.zeros((2, 3))
    body = pickle.dumps(array, 2)
    return {
        "a call of the system": pickle.dumps({"v_template": Calls(os.system, f"touch {MARKER}")}, 2),
        "eval": pickle.dumps({"v_template": Calls(eval, f"open('{MARKER}', 'w')")}, 2),
        "getattr": pickle.dumps({"v_template": Calls(getattr, array, "tofile")}, 2),
        "numpy's own loader": pickle.dumps({"v_template": Calls(np.load, "x.npy")}, 4),
        "an array of objects": pickle.dumps({"v_template": np.array([[{}, 1, 2]], object)}, 2),
        "a huge array": body.replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fK\x03\x86"),
        "a negative size": body.replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\xffK\x03\x86"),
        "a huge word": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.",
        "a huge whole number": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"a.",
        "objects elsewhere": b"\x80\x02X\x01\x00\x00\x00aQ.",
        "an old instance": b"(ios\nsystem\n.",
        "an extension": b"\x80\x02\x82\x01.",
        "a set": pickle.dumps({"v_template": {1, 2}}, 4),
        # (((None, None), (None, None)), ...): 60 pairs of the last pair, whose hash takes 2^60 steps
        "a key that is hashed for ages": b"\x80\x02}N" + b"q\x00h\x00\x86" * 60 + b"Ns.",
        "a name in chumpy that runs": b"\x80\x02cchumpy.ch\nos.system\n(X\x02\x00\x00\x00lstR.",
        "a module that begins alike": b"\x80\x02cchumpyx.ch\nCh\n)R.",
        "a state for a dictionary": b"\x80\x02}}b.",
        "entries into what is no list": b"\x80\x02}Na.",
        "a call of a word": b"\x80\x02X\x01\x00\x00\x00a)R.",
        "nothing": b"",
        "text": b"hello",
        "no dictionary": pickle.dumps([1, 2], 2),
        "other arrays": pickle.dumps({"a": array}, 2),
        "a list in an array's place": pickle.dumps({"v_template": [1, 2, 3]}, 2),
        "a place that was never filled": b"\x80\x02}X\x0a\x00\x00\x00v_templateh\x07s.",
    }


@pytest.mark.parametrize("name", _hostile())
def test_a_hostile_file_is_refused_and_runs_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.pkl"
    path.write_bytes(_hostile()[name])
    MARKER.unlink(missing_ok=True)
    started = time.process_time()

    with pytest.raises(CorruptFile, match=r"hostile\.pkl .*: expected a pickled dictionary of arrays"):
        read_pickled_arrays(path, {"v_template": (None, 3)})

    assert not MARKER.exists()
    assert time.process_time() - started < 1


def test_a_box_that_holds_itself_is_refused(tmp_path: Path) -> None:
    """chumpy's x is the box again, without end."""
    content = b"\x80\x02}X\x0a\x00\x00\x00v_templatecchumpy.ch\nCh\n)Rq\x01}X\x01\x00\x00\x00xh\x01sbs."
    pickletools.dis(content, io.StringIO())
    path = tmp_path / "a.pkl"
    path.write_bytes(content)

    with pytest.raises(CorruptFile, match="has a v_template that is no array of numbers"):
        read_pickled_arrays(path, {"v_template": (None, 3)})


def test_a_hundred_damages_are_refused_or_read(face_model: MorphableModel, tmp_path: Path) -> None:
    rows = slice(0, 200)
    content = pickle.dumps(
        {
            "v_template": face_model.mean[rows].numpy(),
            "shapedirs": np.zeros((200, 3, 2), np.float32),
            "f": np.zeros((4, 3), np.uint32),
        },
        2,
    )
    path = tmp_path / "a.pkl"
    for number in range(100):
        path.write_bytes(damaged(content, random.Random(number)))
        with suppress(CorruptFile):
            read_pickled_arrays(path, WANTED)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("v_template", np.full((9, 3), np.nan), "not finite"),
        ("v_template", np.zeros((9, 2)), r"of \(9, 2\), not"),
        ("f", np.zeros((3, 3)), "faces of float64"),
        ("f", np.full((3, 3), 10**6, np.uint32), "triangles of other vertices"),
        ("shapedirs", np.zeros((7, 3, 9)), r"shapedirs of \(7, 3, 9\) for"),
    ],
)
def test_arrays_that_lie_are_refused(
    field: str, value: np.ndarray, told: str, face_model: MorphableModel, tmp_path: Path
) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(flame(face_model) | {field: value}, 2))

    with pytest.raises(CorruptFile, match=told):
        read_flame(path, face_model, identities=4)


def test_millimetres_in_the_place_of_metres_are_refused(face_model: MorphableModel, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(flame(face_model) | {"v_template": face_model.mean.numpy()}, 2))

    with pytest.raises(CorruptFile, match="mm high: expected 80 to 500; another unit"):
        read_flame(path, face_model, identities=4)
