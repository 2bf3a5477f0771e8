"""BU-3DFE, BU-4DFE, FRGC v2 and Bosphorus: what is read is the surface that was written, and who is in the gallery."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from opened_sets import SIZE, checked, opened
from written_scans import (
    BU3D,
    CELLS,
    SCAN_WRITERS,
    SCANNER,
    bnd_file,
    bnd_points,
    frgc_list,
    lm3_file,
    lm3_points,
    scan,
    write_bosphorus,
    write_bu_3dfe,
    write_bu_4dfe,
    write_frgc,
)

from facelib.data.archive import FaceArchive
from facelib.data.embedded.face_scans import scan_positions
from facelib.data.licensed import READERS
from facelib.data.licensed.landmark_files import LM3_NOSE_TIP
from facelib.data.licensed.scan_samples import SPAN
from facelib.errors import BadInput, CorruptFile

OF_EMBEDDED = ("depth", "step", "nose_tip", "pose", "identity", "expression", "level", "frame", "is_gallery")
SCANS = {  # data set -> file of its index -> the scan that the writer put there
    "bu_3dfe": {"F0001_NE00WH": (0, 0), "F0001_HA04WH": (0, 2), "M0002_SU02AE": (1, 1)},
    "bu_4dfe": {"F001/Angry/006": (0, 46), "M002/Angry/000": (1, 40)},
    "frgc_v2": {"02463d546": (0, 0), "02463d548": (0, 1), "04200d70": (1, 0)},
    "bosphorus": {"bs000_E_HAPPY_0": (0, 2), "bs001_UFAU_1_0": (1, 1)},
}


def row_of(name: str, root: Path, file: str) -> int:
    files = [each[0] for each in checked(name, root).index.columns["files"]]
    return next(row for row, each in enumerate(files) if file in each)


def gallery_of(archive: FaceArchive) -> list[int]:
    return np.flatnonzero(archive.arrays["is_gallery"]).tolist()


@pytest.mark.parametrize("name", SCAN_WRITERS)
def test_samples_have_the_arrays_of_the_embedded_scans(name: str, folder: Path) -> None:
    SCAN_WRITERS[name](folder)

    archive = opened(name, folder)

    assert set(archive.arrays) == {*OF_EMBEDDED, "landmarks"}
    assert archive.arrays["depth"].shape == (len(archive), SIZE, SIZE)
    assert archive.identities.tolist() == [0, 1]
    assert archive.arrays["is_gallery"].sum() == 2
    assert scan_positions(archive, [0]).isfinite().all(dim=1).float().mean() > 0.15


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in SCANS.items() for file in files])
def test_the_surface_is_the_one_that_was_written(name: str, file: str, folder: Path) -> None:
    """Each cell's depth against the written grid, interpolated by hand between its four samples."""
    SCAN_WRITERS[name](folder)

    row = row_of(name, folder, file)
    found = scan_positions(opened(name, folder), [row])[0]

    written = scan(*SCANS[name][file])
    middle = written.flatten(1).T[written.isfinite().all(dim=0).flatten()].median(dim=0).values
    expected = _between_samples(written, found[:2] + middle[:2, None, None]) - middle[2]
    both = expected.isfinite() & found[2].isfinite()
    assert both.sum() > 0.8 * found[2].isfinite().sum()
    # Triangles and bilinear cells differ within one square of the coarse grid, and most at edges.
    assert (found[2] - expected)[both].abs().median() < 0.2
    assert (found[2] - expected)[both].mean().abs() < 0.2


def _between_samples(written: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """z at x and y (2, S, S), from a grid with steps of `SCANNER.step` about its middle."""
    column, row = places[0] / SCANNER.step + CELLS / 2 - 0.5, CELLS / 2 - 0.5 - places[1] / SCANNER.step
    left, top = column.floor().long().clamp(0, CELLS - 2), row.floor().long().clamp(0, CELLS - 2)
    right, down, z = column - left, row - top, written[2]
    return (
        z[top, left] * (1 - right) * (1 - down)
        + z[top, left + 1] * right * (1 - down)
        + z[top + 1, left] * (1 - right) * down
        + z[top + 1, left + 1] * right * down
    )


def test_landmarks_lie_on_the_scan_where_they_were_set(folder: Path) -> None:
    write_bu_3dfe(folder)
    row = row_of("bu_3dfe", folder, "M0002_NE00AE")

    arrays = opened("bu_3dfe", folder).arrays

    written = scan(1, 0)
    middle = written.flatten(1).T[written.isfinite().all(dim=0).flatten()].median(dim=0).values
    np.testing.assert_allclose(arrays["landmarks"][row], bnd_points(1) - middle.numpy(), atol=1e-3)
    assert arrays["step"][row] == np.float32(SPAN / SIZE)


def test_the_tip_of_the_nose_is_bosphorus_s_own(folder: Path) -> None:
    write_bosphorus(folder)

    arrays = opened("bosphorus", folder).arrays
    row = row_of("bosphorus", folder, "bs001_N_N_0")

    assert np.isfinite(arrays["nose_tip"][row]).all()
    np.testing.assert_array_equal(arrays["nose_tip"][row], arrays["landmarks"][row][LM3_NOSE_TIP])
    shift = arrays["landmarks"][row] - lm3_points(1)
    np.testing.assert_allclose(shift[:23], np.broadcast_to(shift[0], (23, 3)), atol=1e-3)
    assert np.isnan(arrays["landmarks"][row][23]).all()  # which the file left out
    assert np.isnan(arrays["landmarks"][row_of("bosphorus", folder, "bs000_N_N_1")]).all()  # without a file


class TestProtocols:
    def test_neutral_scans_of_bu_3dfe_are_the_gallery(self, folder: Path) -> None:
        write_bu_3dfe(folder)

        index = checked("bu_3dfe", folder).index

        assert index.counts == {"people": 2, "gallery scans": 2, "probe scans": sum(map(len, BU3D.values())) - 2}
        told = list(zip(index.columns["expression"], index.columns["level"], index.columns["is_gallery"], strict=True))
        assert told == [(1, 1, 0), (4, 4, 0), (0, 0, 1), (0, 0, 1), (6, 2, 0)]  # in the order of names

    def test_five_frames_of_a_sequence_are_read_and_the_first_of_the_first_enrolled(self, folder: Path) -> None:
        write_bu_4dfe(folder)

        index = checked("bu_4dfe", folder).index

        files = [files[0] for files in index.columns["files"]]
        assert [name[-7:-4] for name in files if "F001/Angry" in name] == ["000", "002", "003", "004", "006"]
        assert [name[-7:-4] for name in files if "F001/Sad" in name] == ["000", "001", "002"]
        enrolled = [name for name, chosen in zip(files, index.columns["is_gallery"], strict=True) if chosen]
        assert enrolled == ["F001/Angry/000.wrl", "M002/Angry/000.wrl"]
        assert (index.counts["sequences"], index.counts["frames"]) == (3, 14)

    def test_the_earliest_session_of_frgc_is_enrolled(self, folder: Path) -> None:
        """04200d8 comes before 04200d70, though not by its letters."""
        write_frgc(folder)

        index = checked("frgc_v2", folder).index

        names = [files[0].rpartition("/")[2].partition(".")[0] for files in index.columns["files"]]
        assert names == ["02463d546", "02463d548", "04200d8", "04200d70"]  # and not that of Spring 2003
        assert index.columns["is_gallery"] == [1, 0, 1, 0]

    def test_a_list_says_which_scans_of_frgc_belong(self, folder: Path) -> None:
        write_frgc(folder)
        (folder / "FRGC_Exp_2.0.3_Target.xml").write_text(frgc_list(["02463d548", "04200d70", "04999d1"]))

        result = checked("frgc_v2", folder)

        assert len(result.index) == 2
        assert "1 scans of the list are missing, such as 04999d1" in result.remarks

    @pytest.mark.parametrize("bomb", ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<a", "<a file-name='x.ppm'/>"])
    def test_a_list_that_is_none_is_refused(self, folder: Path, bomb: str) -> None:
        write_frgc(folder)
        (folder / "FRGC_Exp_2.0.3_Target.xml").write_text(bomb)

        with pytest.raises(CorruptFile, match=r"FRGC_Exp_2\.0\.3_Target\.xml .*expected"):
            checked("frgc_v2", folder)

    def test_a_scan_of_frgc_under_two_endings_counts_once(self, folder: Path) -> None:
        write_frgc(folder)
        place = folder / "nd1/Fall2003range"
        (place / "02463d548.abs").write_bytes(gzip.decompress((place / "02463d548.abs.gz").read_bytes()))

        result = checked("frgc_v2", folder)

        assert len(result.index) == 4
        assert any("under two endings" in remark and "02463d548" in remark for remark in result.remarks)

    def test_turned_and_covered_faces_of_bosphorus_are_only_counted(self, folder: Path) -> None:
        write_bosphorus(folder)

        index = checked("bosphorus", folder).index

        assert index.counts["turned, covered or ignored"] == 3
        assert sorted(set(index.columns["expression"])) == [0, 100, 101, 102, 103]  # which no embedded scan has
        files = [files[0] for files in index.columns["files"]]
        assert [name for name, chosen in zip(files, index.columns["is_gallery"], strict=True) if chosen] == [
            "BosphorusDB/bs000/bs000_N_N_0.bnt",
            "BosphorusDB/bs001/bs001_N_N_0.bnt",
        ]

    @pytest.mark.parametrize(
        ("name", "lost"),
        [
            ("bu_3dfe", "BU_3DFE/M0002/M0002_NE00AE_F3D.wrl"),
            ("bosphorus", "BosphorusDB/bs001/bs001_N_N_0.bnt"),
            ("bu_4dfe", "M002/Angry"),
        ],
    )
    def test_a_missing_gallery_scan_is_remarked(self, name: str, lost: str, folder: Path) -> None:
        SCAN_WRITERS[name](folder)
        if name == "bu_4dfe":
            (folder / lost).rename(folder / "M002/Happy")
        else:
            (folder / lost).unlink()

        remarks = checked(name, folder).remarks

        assert any("1 people have no gallery scan, such as " in remark for remark in remarks)

    def test_a_gap_in_a_sequence_is_remarked(self, folder: Path) -> None:
        write_bu_4dfe(folder)
        (folder / "F001/Angry/005.wrl").unlink()

        assert "F001/Angry lacks 1 of its frames up to 006.wrl" in checked("bu_4dfe", folder).remarks

    def test_printed_counts(self) -> None:
        """Paper 2, section 3.1."""
        probes = {"bu_3dfe": 2400, "frgc_v2": 3541, "bosphorus": 2797, "bu_4dfe": 101 * 6 * 5 - 101}
        enrolled = {"bu_3dfe": 100, "frgc_v2": 466, "bosphorus": 105, "bu_4dfe": 101}
        for name, count in probes.items():
            assert READERS[name].counts["probe scans"] == count
            assert READERS[name].counts["gallery scans"] == READERS[name].counts["people"] == enrolled[name]


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (bnd_file(bnd_points(0)[:80]), r"has 80 points: expected 83 lines"),
            (bnd_file(bnd_points(0)).replace(b"\n7 ", b"\n", 1), r"line 8: .*a number and x, y and z"),
            (bnd_file(bnd_points(0)).replace(b"\n7 ", b"\n9 ", 1), r"line 8: .*counted from 0 or 1"),
            (b"0 1 2 nan\n", r"line 1: .*expected a coordinate in mm"),
            (bnd_file(bnd_points(0)) + b"83 1 2 3\n", r"line 84: .*the end of the file after 83 points"),
            (b"\xff\xfe\n", r"is no UTF-8"),
        ],
    )
    def test_landmarks_of_bu_3dfe(self, content: bytes, told: str, folder: Path) -> None:
        write_bu_3dfe(folder)
        (folder / "BU_3DFE/F0001/F0001_AN01WH_F3D.bnd").write_bytes(content)

        with pytest.raises(CorruptFile, match=rf"F0001_AN01WH_F3D\.bnd.*{told}"):
            checked("bu_3dfe", folder)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"# 3D\n22 points:\n", r"line 2: '22 points:': expected a comment"),
            (lm3_file(lm3_points(0))[:300], r"expected"),
            (b"1 landmarks:\nA horn\n1 2 3\n", r"none of the landmarks"),
            (b"1 landmarks:\nNose tip\n1 2 1e9\n", r"line 3: .*a coordinate in mm"),
            (b"1 landmarks:\nNose tip\n1 2 3\nChin middle\n", r"line 4: .*the end of the file"),
            (b"0 landmarks:\n", r"number of landmarks"),
        ],
    )
    def test_landmarks_of_bosphorus(self, content: bytes, told: str, folder: Path) -> None:
        write_bosphorus(folder)
        (folder / "BosphorusDB/bs000/bs000_N_N_0.lm3").write_bytes(content)

        with pytest.raises(CorruptFile, match=rf"bs000_N_N_0\.lm3.*{told}"):
            checked("bosphorus", folder)

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("bu_3dfe", "BU_3DFE/F0001/F0001_AN01WH_F3D.wrl", "BU_3DFE/F0001/F0001_XX01WH_F3D.wrl"),
            ("bu_3dfe", "BU_3DFE/F0001/F0001_AN01WH_F3D.wrl", "BU_3DFE/M0002/F0001_AN01WH_F3D.wrl"),
            ("bu_4dfe", "F001/Sad", "F001/Bored"),
            ("frgc_v2", "nd1/Fall2003range/02463d546.abs", "nd1/Fall2003range/02463.abs"),
            ("bosphorus", "BosphorusDB/bs000/bs000_E_HAPPY_0.bnt", "BosphorusDB/bs000/bs000_HAPPY.bnt"),
        ],
    )
    def test_files_of_other_names(self, name: str, old: str, new: str, folder: Path) -> None:
        SCAN_WRITERS[name](folder)
        (folder / old).rename(folder / new)

        with pytest.raises(CorruptFile, match=r"has another name.*expected"):
            checked(name, folder)

    @pytest.mark.parametrize("factor", [0.001, 100.0])
    def test_a_scan_in_another_unit(self, folder: Path, factor: float) -> None:
        from made_scans import write_scan

        write_bosphorus(folder)
        write_scan(folder / "BosphorusDB/bs000/bs000_N_N_0.bnt", scan(0, 0) * factor)

        with pytest.raises(CorruptFile, match=r"bs000_N_N_0\.bnt: extends over .*mm"):
            checked("bosphorus", folder)

    def test_a_mirrored_grid(self, folder: Path) -> None:
        from made_scans import write_scan

        write_bosphorus(folder)
        write_scan(folder / "BosphorusDB/bs000/bs000_N_N_0.bnt", scan(0, 0).flip(2))

        with pytest.raises(CorruptFile, match=r"bs000_N_N_0\.bnt: is no range image"):
            checked("bosphorus", folder)

    def test_a_link_out_of_the_folder(self, folder: Path, tmp_path: Path) -> None:
        write_frgc(folder)
        place = folder / "nd1/Fall2003range/02463d546.abs"
        place.rename(tmp_path / "elsewhere.abs")
        place.symlink_to(tmp_path / "elsewhere.abs")

        with pytest.raises(BadInput, match=r"02463d546\.abs leads out of"):
            checked("frgc_v2", folder)
