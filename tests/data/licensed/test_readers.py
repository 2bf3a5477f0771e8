"""What all readers of licensed data sets have in common, and the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from opened_sets import SIZE, checked, opened
from PIL import Image
from written_sets import (
    PHOTOGRAPH_WRITERS,
    WRITERS,
    write_lfw,
)

from facelib.cli import main
from facelib.data.archive import REQUIRED
from facelib.data.licensed import READERS, reader_of
from facelib.data.licensed.archives import open_licensed
from facelib.errors import BadInput, CorruptFile, MissingPart, UnknownName


@pytest.mark.parametrize("name", PHOTOGRAPH_WRITERS)
def test_every_reader_fills_an_archive(name: str, folder: Path) -> None:
    WRITERS[name](folder)

    archive = opened(name, folder)

    assert set(archive.arrays) >= set(REQUIRED)
    assert archive.arrays["images"].shape == (len(archive), 3, SIZE, SIZE)
    assert archive.arrays["images"].dtype == np.uint8
    assert archive.arrays["images"].std() > 10
    assert archive.identities.tolist() == list(range(len(archive.identities)))
    assert len(archive.samples(np.arange(2))) == 2


def test_every_reader_has_a_writer_here() -> None:
    assert set(WRITERS) == set(READERS)


def test_an_archive_is_read_once(folder: Path) -> None:
    write_lfw(folder)
    first = opened("lfw", folder)
    for path in folder.rglob("*.jpg"):
        path.unlink()

    again = open_licensed(READERS["lfw"], folder, SIZE)

    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.arrays["images"], first.arrays["images"])


def test_another_photograph_gives_another_fingerprint(folder: Path) -> None:
    write_lfw(folder)
    first = opened("lfw", folder)
    Image.new("RGB", (250, 250), "red").save(folder / "lfw" / "Bo" / "Bo_0001.jpg")

    assert opened("lfw", folder).fingerprint != first.fingerprint


def test_a_folder_that_was_not_checked_is_not_opened(folder: Path) -> None:
    write_lfw(folder)

    with pytest.raises(MissingPart, match="run `facelib data check lfw"):
        open_licensed(READERS["lfw"], folder, SIZE)


def test_photographs_that_are_there_twice_are_reported(folder: Path) -> None:
    write_lfw(folder)
    (folder / "lfw/Bo/Bo_0001.jpg").write_bytes((folder / "lfw/Ana_Ruiz/Ana_Ruiz_0002.jpg").read_bytes())

    remarks = checked("lfw", folder).remarks

    assert any("more than once under different people" in each and "Bo_0001.jpg" in each for each in remarks)
    assert any("3 people, where the publishers count 5,749" in each for each in remarks)


def test_an_unknown_reader_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'celeba'"):
        reader_of("celebA")


def test_a_photograph_of_another_size_is_refused(folder: Path) -> None:
    write_lfw(folder)
    path = folder / "lfw/Bo/Bo_0001.jpg"
    Image.new("RGB", (251, 250)).save(path)

    with pytest.raises(CorruptFile, match=r"Bo_0001\.jpg has 251 x 250 pixels, expected 250 x 250"):
        checked("lfw", folder)


@pytest.mark.parametrize("name", READERS)
def test_an_empty_folder_says_what_is_expected(name: str, folder: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no .*: expected"):
        checked(name, folder)


def test_a_part_may_lie_elsewhere_in_the_folder(folder: Path) -> None:
    write_lfw(folder)
    (folder / "pairs.txt").rename(folder / "view2.txt")

    assert len(opened("lfw", folder, pairs="view2.txt")) == 6
    with pytest.raises(UnknownName, match="unknown part of the data set 'pair'"):
        checked("lfw", folder, pair="view2.txt")


class TestCommands:
    def test_list_says_of_every_data_set_whom_to_ask(self) -> None:
        text = CliRunner().invoke(main, ["data", "list"]).output

        assert all(f"\n{name}\n" in f"\n{text}" for name in READERS)
        assert text.count("   ask ") == text.count("   licence ") == len(READERS)
        assert "13,233 photographs, 5,749 people, 6,000 pairs" in text

    def test_check_counts_and_keeps_the_index(self, folder: Path, cache: Path) -> None:
        write_lfw(folder)

        result = CliRunner().invoke(main, ["data", "check", "lfw", str(folder)])

        assert result.exit_code == 0, result.output
        assert "3 people\n" in result.output
        assert "note: 4 pairs, where the publishers count 6,000" in result.output
        assert result.output.splitlines()[-1].startswith(str(cache))
        assert len(open_licensed(READERS["lfw"], folder, SIZE)) == 6

    def test_check_names_the_first_file_that_does_not_fit(self, folder: Path) -> None:
        write_lfw(folder)
        (folder / "lfw/Bo/Bo_0001.jpg").write_bytes(b"no photograph")

        result = CliRunner().invoke(main, ["data", "check", "lfw", str(folder)])

        assert result.exit_code == 1
        assert "Bo_0001.jpg is no image" in result.output
        assert "Traceback" not in result.output

    def test_check_takes_another_layout(self, folder: Path) -> None:
        write_lfw(folder)
        (folder / "pairs.txt").rename(folder / "view2.txt")

        assert CliRunner().invoke(main, ["data", "check", "lfw", str(folder)]).exit_code == 1
        words = ["data", "check", "lfw", str(folder), "--layout"]
        assert CliRunner().invoke(main, [*words, "pairs=view2.txt"]).exit_code == 0
        assert "expected PART=PLACE" in CliRunner().invoke(main, [*words, "view2.txt"]).output

    @pytest.mark.parametrize("name", ["facescape", "vggface2", "bosphorus", "biwi", "florence"])
    def test_describe_draws_samples(self, name: str, folder: Path, tmp_path: Path) -> None:
        WRITERS[name](folder)
        picture = tmp_path / "sheet.png"

        result = CliRunner().invoke(main, ["data", "describe", name, str(folder), "-o", str(picture), "--count", "7"])

        assert result.exit_code == 0, result.output
        assert np.asarray(Image.open(picture).convert("RGB")).std() > 20
