"""A user's folder with a data set: where its parts lie, and files that are never taken from outside it.

Every path is looked at before it is opened: a link that leads out of the folder, a device, a name that no list can
hold. What does not fit is named with the file, what was expected and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from facelib.data.photographs import Photograph, read_photograph
from facelib.errors import BadInput, CorruptFile, unknown_name

LARGEST = 2**26  # bytes of a file that is read whole: none of those that are so has a quarter of it
LONGEST_LINE = 10_000  # bytes: a line with all that is known of a photograph has some hundreds
SHOWN = 60  # characters of a bad line in messages

T = TypeVar("T")


@dataclass(frozen=True)
class DataFolder:
    """The folder of a data set.

    Args:
        root: as the user named it; it may itself be a link.
        layout: part of the data set -> where it may lie in the folder; the first place that is there counts.
        overrides: part -> the one place where the user keeps it.

    Raises:
        BadInput: there is no such folder.
        UnknownName: for an override of no part.
    """

    root: Path
    layout: Mapping[str, Sequence[str]]
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise BadInput(f"there is no folder {self.root}: expected the folder of the data set")
        for part in self.overrides:
            if part not in self.layout:
                raise unknown_name("part of the data set", part, self.layout)

    def place(self, part: str) -> str:
        """Where a part of the layout lies, relative to the folder.

        Raises:
            BadInput: it is in none of its places, or a link leads out of the folder.
        """
        places = [self.overrides[part]] if part in self.overrides else self.layout[part]
        for place in places:
            if self._inside(place).exists():
                return place
        raise BadInput(
            f"{self.root} holds no {' or '.join(places)}: expected the {part.replace('_', ' ')} of the data set there; "
            f"put it there, or name its place with --layout {part}=PLACE"
        )

    def place_if_there(self, part: str) -> str | None:
        """As `place`, or None where the folder lacks a part that it need not have; an override must be there."""
        if part in self.overrides or any(self._inside(place).exists() for place in self.layout[part]):
            return self.place(part)
        return None

    def file(self, name: str) -> Path:
        """The path of a file in the folder.

        Raises:
            BadInput: it is missing or no file, its name is none, or a link leads out of the folder.
        """
        path = self._inside(name)
        if not path.is_file():
            raise BadInput(f"{path} is missing, or no file: expected it beside the rest of the data set; copy it again")
        return path

    def read_once(self, name: str, read: Callable[[Path], T]) -> T:
        """What a file holds, read once for as long as it stays the same, where many samples share it.

        Args:
            name: of the file.
            read: gives its content; the same for every call with this file.

        Raises:
            BadInput: as `file`.
            CorruptFile: it is far too large.
        """
        path = self.file(name)
        state = path.stat()
        if state.st_size > LARGEST:
            raise self.misfit(name, f"has {state.st_size:,} bytes", f"at most {LARGEST:,}")
        kept = _kept(path, state.st_mtime_ns, state.st_size)
        if "content" not in kept:
            kept["content"] = read(path)
        return kept["content"]

    def files(self, under: str, endings: Sequence[str]) -> Iterator[str]:
        """The files in a part of the folder and below, sorted, relative to the folder.

        Args:
            under: a place in the folder; "." is all of it.
            endings: of the files that count, lower case, such as ".jpg"; others are passed over.

        Raises:
            BadInput: on a linked folder, one named as a file, a link that leads out of the folder, or a name that is
                not UTF-8.
        """
        with os.scandir(self._inside(under)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            name = entry.name if under == "." else f"{under}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if entry.name.lower().endswith(tuple(endings)):
                    raise BadInput(f"{self._shown(name)} is a folder: expected a file; copy or download it again")
                yield from self.files(name, endings)
            elif entry.name.lower().endswith(tuple(endings)):
                yield str(self.file(name).relative_to(self.root).as_posix())
            elif entry.is_symlink() and entry.is_dir():
                raise BadInput(f"{self._shown(name)} is a link to a folder: expected the folder itself; move it here")

    def folders(self, under: str) -> list[str]:
        """The names of the folders in a part of the folder, sorted; hidden ones and links do not count."""
        with os.scandir(self._inside(under)) as found:
            return sorted(
                entry.name for entry in found if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """The lines of a text file and their numbers from one, whatever its line ends; empty lines are left out.

        Raises:
            BadInput: as `file`.
            CorruptFile: a line is no UTF-8 or far too long.
        """
        with open(self.file(name), "rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
                if len(raw) > LONGEST_LINE:
                    raise self.misfit(name, f"is longer than {LONGEST_LINE} bytes", "a text file with lines", number)
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
                except UnicodeDecodeError as error:
                    raise self.misfit(name, f"is no UTF-8 ({error.reason})", "a text file", number) from error
                if line.strip():
                    yield number, line

    def photograph(self, name: str, size: tuple[int, int] | None = None) -> Photograph:
        """A photograph in the folder, as `read_photograph` gives it.

        Args:
            name: of the file.
            size: width and height in pixels that it must have; None for any.

        Raises:
            BadInput: as `file`, or on too many pixels.
            CorruptFile: damaged, no image, or of another size.
        """
        return read_photograph(self.file(name), size)

    def misfit(self, name: str, found: str, expected: str, line: int | None = None) -> CorruptFile:
        """An error for a file, or a line of it, that is not as the data set has it."""
        where = "" if line is None else f", line {line}"
        return CorruptFile(f"{self._shown(name)}{where}: {found}: expected {expected}; copy or download it again")

    def _inside(self, name: str) -> Path:
        path = self.root / name
        try:
            name.encode()
            inside = path.resolve().is_relative_to(self.root.resolve())
            path.exists()  # here and not later, since a name can be too long to be asked for
        except (ValueError, OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
            why = getattr(error, "strerror", None) or error
            raise BadInput(
                f"{self._shown(name)} is no name that can be opened ({why}): expected one in UTF-8; rename it"
            ) from error
        if not inside:
            raise BadInput(
                f"{self._shown(name)} leads out of {self.root}: expected a file of the folder, not a link or path "
                "elsewhere; copy the file into the folder"
            )
        return path

    def _shown(self, name: str) -> str:
        """A name as messages can hold it: no bytes that are no text, no line ends."""
        text = str(self.root / name) if len(name) < 1000 else f"{name[:SHOWN]}..."
        return text if text.isprintable() else ascii(text)


@lru_cache(maxsize=16)
def _kept(path: Path, *state: int) -> dict[str, Any]:
    """Where the content of a file is put; made anew when the file changes."""
    return {}


def shown(text: str) -> str:
    """A piece of a bad line, short and printable."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")
