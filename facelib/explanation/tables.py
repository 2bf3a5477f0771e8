"""Arrays of a user's predictions or truth, from a CSV or npz file.

An npz holds arrays by name: landmarks (N, K, 2 or 3), vertices (N, V, 3), pose (N, 3) yaw, pitch and roll in degrees,
rotation (N, 3, 3), box (N, 4) left, top, right, bottom, coefficients (N, C), sequence (N,); and of a model mean (V, 3),
basis (C, V, 3), eigenvalues (C,) and mean_expression (V, 3). A CSV has a line for each sample below its header, whose
names are yaw, pitch, roll; left, top, right, bottom; sequence; x0, y0, (z0,) x1, ... of landmarks; c0, c1, ... of
coefficients; others are passed over.
"""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import numpy as np

from facelib.errors import BadInput, CorruptFile, DegenerateInput

SHAPES: dict[str, tuple[int | None, ...]] = {
    "landmarks": (None, None, None),
    "vertices": (None, None, 3),
    "pose": (None, 3),
    "rotation": (None, 3, 3),
    "box": (None, 4),
    "coefficients": (None, None),
    "sequence": (None,),
    "mean": (None, 3),
    "basis": (None, None, 3),
    "eigenvalues": (None,),
    "mean_expression": (None, 3),
}
PER_SAMPLE = ("landmarks", "vertices", "pose", "rotation", "box", "coefficients", "sequence")
LARGEST = 2**30  # bytes of all arrays
MOST_COLUMNS = 100_000

Table = dict[str, np.ndarray]


def read_table(path: Path) -> Table:
    """The arrays of a file, float64.

    Raises:
        BadInput: there is no such file, it ends in neither .csv nor .npz, or holds none of the arrays.
        CorruptFile: it is damaged, or an array has another shape, other numbers of samples, or holds words.
        DegenerateInput: a value is not finite.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}: expected predictions or truth, .csv or .npz")
    readers = {".npz": _read_npz, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise BadInput(f"{path} ends in {path.suffix!r}: expected .csv or .npz")
    table = readers[path.suffix.lower()](path)
    if not any(name in table for name in ("landmarks", "vertices", "pose", "rotation", "coefficients")):
        raise BadInput(f"{path} holds nothing that can be compared: expected {', '.join(SHAPES)}")
    counts = {len(table[name]) for name in PER_SAMPLE if name in table}
    if len(counts) > 1:
        raise CorruptFile(
            f"{path} has arrays of {', '.join(map(str, sorted(counts)))} samples: expected as many in each"
        )
    for name, array in table.items():
        if not np.isfinite(array).all():
            first = np.argwhere(~np.isfinite(array))[0].tolist()
            raise DegenerateInput(f"{path}: {name} is not finite at {first}: remove the sample from both files")
    return table


def _read_npz(path: Path) -> Table:
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(each.file_size for each in parts.infolist())
        if size > LARGEST:
            raise ValueError(f"{size:,} bytes, at most {LARGEST:,} are read")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[name]) for name in arrays.files if name in SHAPES}
    except Exception as error:  # zip files and arrays that are damaged raise whatever they stumble over
        raise CorruptFile(f"{path} is no whole npz file of arrays of numbers ({error}): save it again") from error
    for name, array in found.items():
        wanted = SHAPES[name]
        fits = array.ndim == len(wanted) and all(
            want in (None, have) for want, have in zip(wanted, array.shape, strict=True)
        )
        if not fits or not array.size or array.dtype.kind not in "fiu":
            raise CorruptFile(f"{path} has {name} of {array.shape} {array.dtype}: expected numbers {wanted}")
    return {name: array.astype(np.float64) for name, array in found.items()}


def _read_csv(path: Path) -> Table:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, skipinitialspace=True, strict=True)
            header = [name.strip() for name in next(lines, [])]
            rows = [row for row in lines if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptFile(f"{path} is no CSV file ({error}): expected text with commas") from error
    if not rows or len(header) > MOST_COLUMNS or len(set(header)) != len(header):
        raise CorruptFile(
            f"{path} has {len(rows)} lines below its header, or a name twice: expected some, and one each"
        )
    columns: dict[str, list[float]] = {name: [] for name in header if _is_known(name)}
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise CorruptFile(f"{path}, line {number}: {len(row)} values, expected {len(header)}")
        for name, word in zip(header, row, strict=True):
            if name in columns:
                columns[name].append(_number(path, number, name, word))
    return _grouped(path, {name: np.array(values) for name, values in columns.items()})


def _is_known(name: str) -> bool:
    return name in ("yaw", "pitch", "roll", "left", "top", "right", "bottom", "sequence") or bool(
        re.fullmatch(r"[xyzc]\d{1,6}", name)
    )


def _number(path: Path, line: int, name: str, word: str) -> float:
    try:
        return float(word)
    except ValueError as error:
        raise CorruptFile(f"{path}, line {line}: {name} is {word[:30]!r}, expected a number") from error


def _grouped(path: Path, columns: dict[str, np.ndarray]) -> Table:
    table: Table = {}
    for array, names in (("pose", ("yaw", "pitch", "roll")), ("box", ("left", "top", "right", "bottom"))):
        if all(name in columns for name in names):
            table[array] = np.stack([columns[name] for name in names], axis=1)
    if "sequence" in columns:
        table["sequence"] = columns["sequence"]
    axes = [axis for axis in "xyz" if f"{axis}0" in columns]
    counts = [sum(name[0] == axis and name[1:].isdigit() for name in columns) for axis in axes]
    if axes:
        if axes[:2] != ["x", "y"] or len(set(counts)) != 1:
            raise CorruptFile(f"{path} has {counts} columns of {axes}: expected x0, y0, x1, y1, ... without gaps")
        table["landmarks"] = np.stack(
            [np.stack([_column(path, columns, f"{axis}{k}") for axis in axes], 1) for k in range(counts[0])], 1
        )
    components = sum(name[0] == "c" and name[1:].isdigit() for name in columns)
    if components:
        table["coefficients"] = np.stack([_column(path, columns, f"c{k}") for k in range(components)], axis=1)
    return table


def _column(path: Path, columns: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in columns:
        raise CorruptFile(f"{path} has no column {name}: expected numbers from 0 without gaps")
    return columns[name]
