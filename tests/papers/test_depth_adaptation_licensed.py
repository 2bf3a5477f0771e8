"""Runs of paper 4 at smoke size on folders in the real formats of FaceWarehouse's depth, Biwi and ICT-3DHP.

The folders are written from embedded faces, so the numbers say nothing of people; that the runs go through the same
task and evaluation, and that their records name the licensed data, is what is held here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_basel import write_basel_h5
from made_depth_folders import write_biwi, write_facewarehouse_depth, write_ict_3dhp
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.licensed import READERS
from facelib.data.licensed.archives import DATA_VARIABLE, LicensedSettings
from facelib.data.licensed.biwi import SAME_PERSON
from facelib.data.licensed.checking import check_samples
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import write_index
from facelib.errors import BadInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.data_sets import data_sets, is_tested, left_out
from facelib.papers.depth_adaptation.methods import METHODS
from facelib.papers.run import open_archives, train
from facelib.papers.status import status_of
from facelib.runs.folders import Run
from facelib.runs.records import Record, read_record
from facelib.storage import CACHE_VARIABLE

LICENSED = {"data": "licensed", "faces": "available"}
SETS = ("facewarehouse_depth", "biwi", "ict_3dhp")
# Two people of Biwi come twice.
SEQUENCES = dict.fromkeys((1, 2, 3, 4, 11, 12, 15, 21), (3, 4, 5))

pytestmark = pytest.mark.usefixtures("with_depth_adaptation")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[Path]:
    """The user's folder of licensed data, all of it checked, and a cache with the baked faces alone."""
    place = tmp_path_factory.mktemp("licensed")
    for name in SETS:
        (place / "data" / name).mkdir(parents=True)
    write_facewarehouse_depth(place / "data/facewarehouse_depth", (1, 2, 5, 12, 140), 3)
    write_biwi(place / "data/biwi", SEQUENCES)
    write_ict_3dhp(place / "data/ict_3dhp", {"a": 3, "b": 3, "c": 3, "d": 2})
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, place / "cache")
        patch.setenv(DATA_VARIABLE, str(place / "data"))
        for name in SETS:
            check(name, place / "data" / name)
        yield place / "data"


def check(name: str, root: Path) -> None:
    reader = READERS[name]
    folder = DataFolder(root, reader.layout)
    write_index(reader, folder, check_samples(reader, folder, reader.index(folder)).index)


def trained(method: str) -> Record:
    run = Run("depth_adaptation", method, changes=LICENSED)
    train(run, say=lambda _: None)
    assert status_of(run).is_current
    record = read_record(run.record)
    assert record.parameters["data"] == "licensed"
    assert all(np.isfinite(each["value"]) for each in record.metrics.values())
    return record


def archive_of(method: str) -> FaceArchive:
    """What a method adapts to, or is evaluated on."""
    settings = PAPER.run_settings(method, "smoke", changes=LICENSED)
    return list(open_archives(PAPER, METHODS[method], settings).values())[-1]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dashapenet", "dapose_2", "pose_biwi_labels", "dapose_ict"])
def test_networks_adapt_to_written_folders(method: str, data: Path) -> None:
    record = trained(method)

    source = {"dashapenet": "embedded_syn_data_1", "dapose_ict": "embedded_syn_data_3", "pose_biwi_labels": "biwi"}
    assert record.data["source"] == source.get(method, "embedded_syn_data_2")
    assert record.parameters["faces"] == "ours"
    if method == "dashapenet":
        assert {"fitting", "plane", "fitting/learnt", "plane/neutral", "roughness", "fitting_30"} <= set(record.metrics)
        assert "vertices" not in record.metrics  # meshes have a topology of their own
    else:
        assert {f"{METHODS[method].pose_sets[0]}/{name}" for name in ("mae", "first", "fitted")} <= set(record.metrics)


@pytest.mark.slow
def test_baselines_on_written_folders(data: Path) -> None:
    """Meshes and poses are where they were written: the written people are of our model and near its mean."""
    shapes, poses, still = (trained(method).metrics for method in ("mean_face", "icp_tracking", "frontal"))

    assert shapes["plane"]["value"] < 4
    assert shapes["flying"]["value"] < 0.2
    for name in ("group_1", "group_2", "ict_3dhp"):
        assert poses[f"{name}/mae"]["value"] < min(3, still[f"{name}/mae"]["value"]), name


@pytest.mark.slow
def test_source_frames_are_of_the_user_s_basel_model(
    data: Path, face_model: MorphableModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own model in a file of 2019: the mean face of what was written is then the file's."""
    pytest.importorskip("h5py")
    ours = PAPER.run_settings("dapose", "smoke", changes=LICENSED)
    (data / "basel").mkdir()
    write_basel_h5(data / "basel/model2019_bfm.h5", face_model)
    try:
        record = trained("dapose")
        theirs = PAPER.run_settings("dapose", "smoke", changes=LICENSED)
        assert (ours.faces, theirs.faces) == ("ours", "basel")
        assert record.parameters["faces"] == "basel"
        assert record.data["source"] == "basel_syn_data"
        assert trained("source_only").data["source"] == "basel_syn_data"
    finally:
        (data / "basel/model2019_bfm.h5").unlink()
        (data / "basel").rmdir()


@pytest.mark.parametrize("method", [name for name in METHODS if "sensed_labels" not in name])
def test_the_paper_tier_of_every_method_reads_what_is_there(method: str, data: Path) -> None:
    """Source frames are of the sizes of the gpu tier; all of what is licensed is read."""
    settings = PAPER.run_settings(method, "paper")
    sets = data_sets(METHODS[method], settings)

    licensed = {name: sizes for name, sizes in sets.items() if isinstance(sizes, LicensedSettings)}
    counts = {"depth_facewarehouse": 15, "biwi": 3 * len(SEQUENCES), "ict_3dhp": 11}
    assert {name: sizes.image_count for name, sizes in licensed.items()} == {name: counts[name] for name in licensed}
    gpu = data_sets(METHODS[method], PAPER.run_settings(method, "gpu"))
    assert sets.keys() == gpu.keys()
    assert all(sizes == gpu[name] for name, sizes in sets.items() if name not in licensed)
    assert licensed


def test_the_printed_counts_are_those_of_the_readers() -> None:
    """Table 2."""
    printed = {"facewarehouse_depth": (150, 3000), "biwi": (20, 15678), "ict_3dhp": (10, 14202)}
    people = {"facewarehouse_depth": "people", "biwi": "people", "ict_3dhp": "sequences"}
    for name, (persons, frames) in printed.items():
        assert (READERS[name].counts[people[name]], READERS[name].counts["frames"]) == (persons, frames)


def test_frames_are_tracked_in_the_order_of_their_sequences(data: Path) -> None:
    archive = archive_of("dapose")

    tested = np.flatnonzero(left_out("group_1", archive))
    assert archive.arrays["sequence"][tested].tolist() == [11, 11, 11, 12, 12, 12]
    yaw = archive.arrays["pose"][tested, 0]
    assert (np.diff(yaw.reshape(2, 3), axis=1) > 0).all()  # as they were written, frame after frame


def test_nobody_is_learnt_from_and_tested(data: Path) -> None:
    arrays = (archive := archive_of("dapose_2")).arrays
    tested = left_out("group_2", archive)

    assert not set(arrays["identity"][tested]) & set(arrays["identity"][~tested])
    sequences = set(np.unique(arrays["sequence"][tested]))
    assert 1 <= len(sequences) <= round(0.3 * len(SEQUENCES))
    for again, first in SAME_PERSON.items():
        if {again, first} <= set(SEQUENCES):
            assert (again in sequences) == (first in sequences)


def test_the_last_people_of_facewarehouse_are_tested(data: Path) -> None:
    settings = PAPER.run_settings("mean_face", "smoke", changes=LICENSED)
    archive = archive_of("mean_face")

    tested = is_tested(METHODS["mean_face"], settings, archive)

    assert archive.arrays["identity"][tested].tolist() == [3, 3, 3, 4, 4, 4]
    assert archive.arrays["expression"].tolist() == [0, 1, 2] * 5
    many = PAPER.run_settings("mean_face", "smoke", changes=LICENSED | {"evaluation.people": 5})
    with pytest.raises(BadInput, match=r"has 5 people, of whom evaluation\.people = 5 are tested: expected at least"):
        is_tested(METHODS["mean_face"], many, archive)


def test_sequences_of_group_1_are_asked_for(data: Path) -> None:
    archive = archive_of("dapose")
    rows = np.flatnonzero(archive.arrays["sequence"] < 5)
    part = FaceArchive("biwi", "0", {name: archive.arrays[name][rows] for name in ("sequence", "identity")})

    with pytest.raises(BadInput, match=r"biwi has sequences 1, 2, 3, 4, of which group_1 leaves none to test: .*11"):
        left_out("group_1", part)


def test_what_is_not_there_is_asked_for(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run("depth_adaptation", "dapose", changes=LICENSED)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(MissingPart, match="was not yet checked as Biwi Kinect head pose: run `facelib data check biwi"):
        train(run, say=lambda _: None)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingPart, match=r"no folder .*biwi: expected Biwi Kinect head pose there, or a link to it"):
        train(run, say=lambda _: None)
    monkeypatch.delenv(DATA_VARIABLE)
    with pytest.raises(MissingPart, match=f"{DATA_VARIABLE} is not set: .*FaceWarehouse depth as facewarehouse_depth"):
        train(Run("depth_adaptation", "dashapenet", changes=LICENSED), say=lambda _: None)


@pytest.mark.parametrize(
    ("method", "target"), [("sensed_labels", "depth_facewarehouse"), ("pose_sensed_labels", "biwi")]
)
def test_labelled_frames_of_the_sensor_are_nobody_s(method: str, target: str, data: Path) -> None:
    settings = PAPER.run_settings(method, "smoke", changes=LICENSED)

    with pytest.raises(MissingPart, match=f"{method} learns from people of SynData before the very sensor of {target}"):
        data_sets(METHODS[method], settings)


def test_basel_faces_are_asked_for_by_name(data: Path) -> None:
    settings = PAPER.run_settings("dapose", "smoke", changes=LICENSED | {"faces": "basel"})

    with pytest.raises(
        MissingPart, match=f"no Basel Face Model in the folder basel below {DATA_VARIABLE}: put model2019"
    ):
        data_sets(METHODS["dapose"], settings)
