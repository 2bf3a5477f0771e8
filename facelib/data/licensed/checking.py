"""Reading all of a folder once: what fits, what is there twice, and what the publishers count but the folder lacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader
from facelib.storage import sha256_of

CHECKED_AT = 16  # pixels a side: everything is decoded at its own size and cropped, but little is computed
DIGITS = 16  # of checksums in an index
NAMED = 3  # files that a remark names


@dataclass(frozen=True)
class Checked:
    """A folder that fits.

    Args:
        index: with the checksums of all files.
        remarks: what is worth a look, though all of it can be read.
    """

    index: Index
    remarks: list[str]


def check_samples(
    reader: Reader, folder: DataFolder, index: Index, on_sample: Callable[[], None] = lambda: None
) -> Checked:
    """Read every sample of a folder, in the order of the index, up to the first file that does not fit.

    Args:
        reader: of the data set.
        folder: of the user.
        index: what the reader lists of it.
        on_sample: called after each sample.

    Raises:
        BadInput, CorruptFile: what does not fit: the file, the place in it, and what was expected.
    """
    checksums: list[list[str]] = []
    for number in range(len(index)):
        row = index.row(number)
        reader.read(folder, row, CHECKED_AT)
        checksums.append([sha256_of(folder.file(name))[:DIGITS] for name in row["files"]])
        on_sample()
    whole = replace(index, columns=index.columns | {"sha256": checksums})
    return Checked(whole, [*miscounted(reader, index), *index.remarks, *_twice(whole)])


def miscounted(reader: Reader, index: Index) -> list[str]:
    """What is counted in a folder otherwise than its publishers, or the papers that use it, count it."""
    return [
        f"{index.counts[name]:,} {name}, where the publishers count {count:,}: a part of the data set, or another "
        "version of it"
        for name, count in reader.counts.items()
        if index.counts[name] != count
    ]


def _twice(index: Index) -> list[str]:
    """Samples whose first file has the same content as another's; some share the file itself."""
    same: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for number, (first, *_) in enumerate(index.columns["sha256"]):
        name = index.columns["files"][number][0]
        if name not in seen:
            same[first].append(number)
        seen.add(name)
    groups = [numbers for numbers in same.values() if len(numbers) > 1]
    people = index.columns["identity"]
    across = [numbers for numbers in groups if len({people[number] for number in numbers}) > 1]
    remarks = []
    for kind, found in (("", groups), (" under different people", across)):
        if found:
            named = "; ".join(
                " = ".join(index.columns["files"][number][0] for number in numbers[:NAMED]) for numbers in found[:NAMED]
            )
            remarks.append(f"{len(found):,} samples are there more than once{kind}, such as {named}")
    return remarks
