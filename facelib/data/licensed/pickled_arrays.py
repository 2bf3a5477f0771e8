"""Arrays out of a pickle, without unpickling: the one file format of that kind that we read (FLAME's).

A pickle is a program that calls what it names. Here names are looked up in a short list, and what they stand for is
ours: the constructors of NumPy's arrays and types, of chumpy's and of SciPy's sparse matrices become inert boxes that
keep their arguments and states. So no code of another package runs, nothing is allotted that the file does not hold,
and objects, sets, extensions and keys other than words are refused. Arrays are made of the boxes afterwards.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from facelib.errors import CorruptFile

LARGEST = 2**28  # bytes of a file: FLAME has 53 MB
MOST_STEPS = 1_000_000  # of the program
DEEPEST = 4  # boxes in one another
REMEDY = "download it again from its publishers"
STEPS = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "NONE", "NEWTRUE", "NEWFALSE"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("EMPTY_LIST", "APPEND", "APPENDS", "LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
        *("GET", "BINGET", "LONG_BINGET", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
        *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "NEWOBJ"),
    )
)
IN_PYTHON: Any = pickle._Unpickler  # type: ignore[attr-defined]  # the one whose steps can be replaced


class Box:
    """What a named constructor stands for: its arguments and its state, and nothing that runs."""

    kind = "object"

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None


class _Array(Box):
    kind = "array"


class _Type(Box):
    kind = "type"


class _Encoded(Box):
    kind = "bytes"


class _Class(Box):
    kind = "class"


ALLOWED: dict[tuple[str, str], type[Box]] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Class,
    ("_codecs", "encode"): _Encoded,
    **{(module, "_reconstructor"): Box for module in ("copy_reg", "copyreg")},
    **{(module, "object"): _Class for module in ("__builtin__", "builtins")},
}
STAND_INS = ("chumpy.", "scipy.sparse.")  # modules all of whose names are boxes


class _Unpickler(IN_PYTHON):
    """Runs the program of a pickle with boxes for all that it names."""

    dispatch: ClassVar[dict[int, Any]] = dict(IN_PYTHON.dispatch)

    def find_class(self, module: str, name: str) -> type[Box]:
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        if module.startswith(STAND_INS) and name.isidentifier():
            return Box
        raise pickle.UnpicklingError(f"it names {module[:40]}.{name[:40]}, which is not allowed")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it names objects outside of the file")

    def load_reduce(self) -> None:
        arguments, constructor = self.stack.pop(), self.stack[-1]
        if not (isinstance(constructor, type) and issubclass(constructor, Box) and isinstance(arguments, tuple)):
            raise pickle.UnpicklingError("it calls what is no constructor")
        self.stack[-1] = constructor(*arguments)

    def load_build(self) -> None:
        state, box = self.stack.pop(), self.stack[-1]
        if not isinstance(box, Box):
            raise pickle.UnpicklingError("it gives a state to what has none")
        box.state = state

    def load_setitem(self) -> None:
        value, key, target = self.stack.pop(), self.stack.pop(), self.stack[-1]
        self._set(target, [key, value])

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._set(self.stack[-1], items)

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self._set(self.stack[-1], items)

    def load_append(self) -> None:
        value, target = self.stack.pop(), self.stack[-1]
        self._extend(target, [value])

    def load_appends(self) -> None:
        items = self.pop_mark()
        self._extend(self.stack[-1], items)

    def _set(self, target: Any, items: list[Any]) -> None:
        """Keys are words or whole numbers: hashes of others may run for ages."""
        if type(target) is not dict or len(items) % 2 or not all(type(key) in (str, int, bytes) for key in items[::2]):
            raise pickle.UnpicklingError("it has a dictionary that is none, or keys that are no words")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _extend(self, target: Any, items: list[Any]) -> None:
        if type(target) is not list:
            raise pickle.UnpicklingError("it puts entries into what is no list")
        target.extend(items)


for _step, _does in (
    (pickle.REDUCE, _Unpickler.load_reduce),
    (pickle.NEWOBJ, _Unpickler.load_reduce),
    (pickle.BUILD, _Unpickler.load_build),
    (pickle.SETITEM, _Unpickler.load_setitem),
    (pickle.SETITEMS, _Unpickler.load_setitems),
    (pickle.DICT, _Unpickler.load_dict),
    (pickle.APPEND, _Unpickler.load_append),
    (pickle.APPENDS, _Unpickler.load_appends),
):
    _Unpickler.dispatch[_step[0]] = _does


def read_pickled_arrays(path: Path, wanted: dict[str, tuple[int | None, ...]]) -> dict[str, np.ndarray]:
    """Some arrays of a dictionary of arrays.

    Args:
        path: the pickle, of Python 2 or 3.
        wanted: name -> shape, None for any size.

    Returns:
        The arrays, of numbers, finite.

    Raises:
        CorruptFile: it is no such file, asks for anything that is not allowed, lacks an array, or has one of another
            shape, of objects, or with a value that is not finite.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise CorruptFile(f"{path} has {size:,} bytes: expected at most {LARGEST:,}; {REMEDY}")
    content = path.read_bytes()
    _check_steps(path, content)
    try:
        found = _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged program stumbles anywhere
        told = str(error)[:200] if isinstance(error, pickle.UnpicklingError) else type(error).__name__
        raise _bad(path, f"cannot be read ({told})") from error
    if type(found) is not dict:
        raise _bad(path, "holds no dictionary")
    missing = [name for name in wanted if name not in found]
    if missing:
        raise _bad(path, f"holds no {', '.join(missing)}")
    return {name: _checked(path, name, found[name], shape) for name, shape in wanted.items()}


def _check_steps(path: Path, content: bytes) -> None:
    """Refuse programs with other steps than those that arrays need, before any of them is run."""
    try:
        for number, (step, _, at) in enumerate(pickletools.genops(content)):
            if step.name not in STEPS:
                raise _bad(path, f"has a step {step.name} at byte {at}, which is not allowed")
            if number > MOST_STEPS:
                raise _bad(path, f"has more than {MOST_STEPS:,} steps")
    except (ValueError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise _bad(path, f"is no whole pickle ({str(error)[:100]})") from error


def _checked(path: Path, name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    try:
        array = _array(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _bad(path, f"has a {name} that is no array of numbers") from error
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or not array.size:
        raise _bad(path, f"has a {name} of {array.shape}, not {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _bad(path, f"has a {name} with a value that is not finite")
    return array


def _array(value: Any, depth: int = 0) -> np.ndarray:
    """The array in a box: NumPy's, or the one that chumpy keeps as x."""
    if not isinstance(value, Box) or depth > DEEPEST:
        raise TypeError("no box")
    if value.kind != "array":
        return _array(value.state["x"], depth + 1)
    _, shape, kind, in_columns, content = value.state
    if type(shape) is not tuple or not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise ValueError("no shape")
    dtype = _dtype(kind)
    raw = _bytes(content)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise ValueError("another number of bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if in_columns else "C")


def _dtype(box: Any) -> np.dtype:
    if not isinstance(box, Box) or box.kind != "type" or type(box.arguments[0]) is not str:
        raise TypeError("no type")
    name = box.arguments[0]
    if name not in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
        raise ValueError("no type of numbers")
    order = box.state[1] if type(box.state) is tuple and len(box.state) > 1 else "|"
    return np.dtype(name).newbyteorder(">" if order == ">" else "<")


def _bytes(content: Any) -> bytes:
    """Raw data: bytes, a word of Python 2, or a word that Python 3 encodes again."""
    if isinstance(content, Box) and content.kind == "bytes":
        word, encoding = content.arguments
        if encoding != "latin1":
            raise ValueError("another encoding")
        content = word
    if type(content) is str:
        return content.encode("latin1")
    if type(content) is bytes:
        return content
    raise TypeError("no bytes")


def _bad(path: Path, found: str) -> CorruptFile:
    return CorruptFile(f"{path} {found}: expected a pickled dictionary of arrays of numbers; {REMEDY}")
