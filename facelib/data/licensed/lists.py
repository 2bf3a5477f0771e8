"""Lines of the text files that come with data sets: words, numbers in their ranges, and errors that name the line."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence

from facelib.data.licensed.folders import DataFolder, shown
from facelib.errors import CorruptFile


class List:
    """A text file of a data set, line by line.

    Args:
        folder: that holds it.
        name: of the file.
        separator: between words: None for spaces and tabs, "\\t", or "," with quotes as in CSV files.
    """

    def __init__(self, folder: DataFolder, name: str, separator: str | None = None) -> None:
        self.folder, self.name, self.separator = folder, name, separator
        self.at, self.text = 0, ""  # the line last read
        self._lines = folder.lines(name)

    def __iter__(self) -> Iterator[list[str]]:
        """The words of each line that is left."""
        for number, text in self._lines:
            self.at, self.text = number, text
            yield self._words()

    def next(self, expected: str) -> list[str]:
        """The words of the next line; raises CorruptFile where the file ends."""
        for words in self:
            return words
        raise self.folder.misfit(self.name, "ends", expected, self.at + 1)

    def header(self, expected: Sequence[str]) -> None:
        """Pass over the next line, which must hold these words."""
        line = f"the line {', '.join(expected)}"
        if self.next(line) != list(expected):
            raise self.misfit(line)

    def width(self, words: Sequence[str], count: int, expected: str) -> None:
        """Raise CorruptFile unless the line has so many words."""
        if len(words) != count:
            raise self.misfit(expected)

    def whole(self, word: str, what: str, low: int, high: int) -> int:
        """A whole number of a line within limits."""
        if re.fullmatch(r"-?[0-9]{1,12}", word) and low <= int(word) <= high:
            return int(word)
        raise self.misfit(f"{what}, a whole number from {low} to {high}, instead of {shown(word)}")

    def number(self, word: str, what: str, low: float, high: float) -> float:
        """A number of a line within limits."""
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise self.misfit(f"{what}, a number from {low:g} to {high:g}, instead of {shown(word)}")
        return value

    def misfit(self, expected: str) -> CorruptFile:
        """An error for the line last read."""
        return self.folder.misfit(self.name, shown(self.text), expected, self.at)

    def _words(self) -> list[str]:
        if self.separator != ",":
            return self.text.split(self.separator)
        try:
            (words,) = csv.reader([self.text], skipinitialspace=True, strict=True)
        except (csv.Error, ValueError) as error:
            raise self.misfit(f"values between commas ({error})") from error
        return [word.strip() for word in words]
