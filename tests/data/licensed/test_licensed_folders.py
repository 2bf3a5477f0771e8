"""Nothing outside a data set's folder is ever opened, and odd names are refused in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facelib.data.licensed.folders import LONGEST_LINE, DataFolder
from facelib.data.licensed.lists import List
from facelib.errors import BadInput, CorruptFile


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    (tmp_path / "given").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    return DataFolder(tmp_path / "given", {"list": ("a.txt", "b.txt")})


@pytest.mark.parametrize("name", ["../secret.txt", "link.txt", "linked/secret.txt", "/etc/passwd"])
def test_a_path_out_of_the_folder_is_refused(folder: DataFolder, name: str) -> None:
    (folder.root / "link.txt").symlink_to("../secret.txt")
    (folder.root / "linked").symlink_to("..")

    with pytest.raises(BadInput, match=r"leads out of .*copy the file into the folder"):
        folder.file(name)


def test_a_link_within_the_folder_is_followed(folder: DataFolder) -> None:
    (folder.root / "real.txt").write_text("a\n")
    (folder.root / "link.txt").symlink_to("real.txt")

    assert list(folder.lines("link.txt")) == [(1, "a")]


def test_the_folder_itself_may_be_a_link(folder: DataFolder, tmp_path: Path) -> None:
    (folder.root / "a.jpg").touch()
    (tmp_path / "elsewhere").symlink_to(folder.root)

    assert list(DataFolder(tmp_path / "elsewhere", {}).files(".", [".jpg"])) == ["a.jpg"]


@pytest.mark.parametrize("target", ["..", "below"])
def test_a_linked_folder_is_refused_where_files_are_listed(folder: DataFolder, target: str) -> None:
    (folder.root / "below").mkdir()
    (folder.root / "linked").symlink_to(target)

    with pytest.raises(BadInput, match="linked"):
        list(folder.files(".", [".jpg"]))


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "\udcff.jpg"])
def test_names_that_cannot_be_opened_are_refused(folder: DataFolder, name: str) -> None:
    with pytest.raises(BadInput, match="expected") as error:
        folder.file(name)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1000


def test_links_in_a_circle_are_refused(folder: DataFolder) -> None:
    (folder.root / "a.txt").symlink_to("b.txt")
    (folder.root / "b.txt").symlink_to("a.txt")

    with pytest.raises(BadInput):
        folder.file("a.txt")


def test_a_pipe_is_no_file(folder: DataFolder) -> None:
    os.mkfifo(folder.root / "a.txt")

    with pytest.raises(BadInput, match="is missing, or no file"):
        folder.file("a.txt")


def test_a_name_that_is_no_utf_8_is_refused(folder: DataFolder) -> None:
    (Path(os.fsdecode(os.fsencode(folder.root) + b"/\xff.jpg"))).touch()

    with pytest.raises(BadInput, match="expected one in UTF-8"):
        list(folder.files(".", [".jpg"]))


def test_files_are_sorted_and_only_those_asked_for(folder: DataFolder) -> None:
    for name in ("b/2.jpg", "a.JPG", "b/1.jpg", "c.txt", "ü/é.jpg"):
        (folder.root / name).parent.mkdir(exist_ok=True)
        (folder.root / name).touch()

    assert list(folder.files(".", [".jpg"])) == ["a.JPG", "b/1.jpg", "b/2.jpg", "ü/é.jpg"]


def test_a_folder_in_the_place_of_a_file_is_refused(folder: DataFolder) -> None:
    (folder.root / "below/frame.png").mkdir(parents=True)

    with pytest.raises(BadInput, match=r"below/frame\.png is a folder: expected a file"):
        list(folder.files(".", [".png"]))


def test_lines_lose_their_ends_whatever_they_are(folder: DataFolder) -> None:
    (folder.root / "a.txt").write_bytes("\ufeffé b\r\n\n c\x0bd \n".encode())

    assert list(folder.lines("a.txt")) == [(1, "é b"), (3, " c\x0bd ")]


@pytest.mark.parametrize(
    ("content", "told"), [(b"a\n\xff\n", "line 2: is no UTF-8"), (b"\n" + b"a" * 20_000, "line 2")]
)
def test_a_line_that_is_no_text_is_named(folder: DataFolder, content: bytes, told: str) -> None:
    assert len(content) < 3 * LONGEST_LINE
    (folder.root / "a.txt").write_bytes(content)

    with pytest.raises(CorruptFile, match=rf"a\.txt, {told}"):
        list(folder.lines("a.txt"))


@pytest.mark.parametrize("word", ["1.0", "nan", "٣", "--1", "", "9" * 50, "1e2", "11", "-4"])
def test_only_whole_numbers_within_limits_are_taken(folder: DataFolder, word: str) -> None:
    (folder.root / "a.txt").write_text(f"{word} x\n", encoding="utf-8")
    lines = List(folder, "a.txt")
    lines.next("a line")

    with pytest.raises(CorruptFile, match=r"a\.txt, line 1: .*expected the age, a whole number from -3 to 10"):
        lines.whole(word, "the age", -3, 10)
    assert lines.whole("-3", "the age", -3, 10) == -3


@pytest.mark.parametrize("word", ["nan", "inf", "-1e400", "x", "", "11"])
def test_only_numbers_within_limits_are_taken(folder: DataFolder, word: str) -> None:
    (folder.root / "a.txt").write_text("line\n")
    lines = List(folder, "a.txt")
    lines.next("a line")

    with pytest.raises(CorruptFile, match="expected the yaw, a number from -3 to 10"):
        lines.number(word, "the yaw", -3, 10)
    assert lines.number("1e1", "the yaw", -3, 10) == 10


def test_values_between_commas_may_be_quoted(folder: DataFolder) -> None:
    (folder.root / "a.csv").write_text('"a, b", c ,"d"\n"open, x\n')
    lines = List(folder, "a.csv", ",")

    assert lines.next("a line") == ["a, b", "c", "d"]
    with pytest.raises(CorruptFile, match=r"a\.csv, line 2: "):
        lines.next("a line")


def test_a_list_that_ends_says_what_was_expected(folder: DataFolder) -> None:
    (folder.root / "a.txt").write_text("one\n")
    lines = List(folder, "a.txt")
    lines.header(["one"])

    with pytest.raises(CorruptFile, match="line 2: ends: expected two words"):
        lines.next("two words")
