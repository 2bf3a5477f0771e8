"""Runs of paper 5 at smoke size on folders in the real formats of what it learns from and is evaluated on.

The folders are written from embedded faces, and ArcFace's weights are drawn, so the numbers say nothing of people; that
the runs go through the same task and evaluation, that no face is learnt from which was not found, and that records name
the licensed data, is what is held here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from made_records import use_made_runs, write_run
from PIL import Image
from scipy.io import savemat
from written_scans import FLORENCE, TESTERS, head, model, write_facewarehouse, write_florence
from written_sets import fitted_face, write_lfw

from facelib.data.embedded.florence_clips import CONDITIONS
from facelib.data.embedded.portraits import portraits
from facelib.data.five_point_crop import five_point_crops
from facelib.data.licensed import READERS
from facelib.data.licensed.archives import DATA_VARIABLE
from facelib.data.licensed.checking import check_samples
from facelib.data.licensed.facewarehouse import landmark_vertices
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import write_index
from facelib.errors import BadInput, DegenerateInput, MissingPart
from facelib.faces.scene import Rendering
from facelib.losses.photometric import perceptual_loss
from facelib.models.iresnet import IResNet
from facelib.papers.datasets import open_data_set
from facelib.papers.msma import PAPER, detected_archive
from facelib.papers.msma.detected_sets import equal_shares, evaluation_photographs, training_photographs
from facelib.papers.msma.metrics import NO_CASES, PROTOCOLS
from facelib.papers.msma.networks import recogniser_of, standard_landmarks
from facelib.papers.msma.photographs import split_photographs, without_labels
from facelib.papers.msma.protocol import metrics_of
from facelib.papers.msma.settings import LicensedPhotographs
from facelib.papers.run import train
from facelib.papers.status import identity_of, status_of
from facelib.report.intervals import open_estimates
from facelib.report.msma.material import Material
from facelib.report.records import open_runs
from facelib.report.tables import write_tables
from facelib.report.verdicts import evaluate_claims
from facelib.runs.folders import Run
from facelib.runs.records import Record, read_record
from facelib.storage import CACHE_VARIABLE, cache_folder

pytestmark = pytest.mark.usefixtures("face_model")
LICENSED = {"data": "licensed"}
SETS = ("lfw", "vggface2", "aflw2000", "florence_clips", "facewarehouse")
SIZE = 64  # pixels of the crops
PEOPLE = {"Ana_Ruiz": 3, "Bo": 1, "Çelik_Öz": 2}  # of LFW, as `write_lfw` has them


@cache
def shown(size: int, crop: float) -> Rendering:
    """Six portraits."""
    return portraits(model(), 6, size, yaw=25.0, crop=crop)


def save(path: Path, image: torch.Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (image.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path, quality=95)


def write_lfw_faces(folder: Path) -> None:
    """Six photographs; a seventh shows two people, and an eighth nobody."""
    write_lfw(folder)
    images = shown(250, 2.2).image
    for number, path in enumerate(sorted((folder / "lfw").rglob("*.jpg"))):
        save(path, images[number])
    two = torch.cat([each[:, ::2, ::2] for each in images[:2]], dim=2)
    save(folder / "lfw/Two/Two_0001.jpg", torch.nn.functional.pad(two, (0, 0, 62, 63), value=0.5))
    save(folder / "lfw/Wall/Wall_0001.jpg", torch.full((3, 250, 250), 0.5))


def write_vggface2_faces(folder: Path) -> None:
    seen = shown(200, 2.0)
    (folder / "bb_landmark").mkdir(parents=True)
    for part, numbers in {"train": (0, 1, 2, 3), "test": (4, 5)}.items():
        boxes, points = ["NAME_ID,X,Y,W,H"], ["NAME_ID," + ",".join(f"P{k}{a}" for k in range(1, 6) for a in "XY")]
        for number in numbers:
            name = f"n{number // 2:06d}/{number:04d}_01"
            save(folder / part / f"{name}.jpg", seen.image[number])
            (left, top), (right, bottom) = (each.tolist() for each in seen.landmarks[number].aminmax(dim=0))
            boxes.append(f'"{name}",{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f}')
            points.append(f'"{name}",' + ",".join(["50"] * 10))
        (folder / f"bb_landmark/loose_bb_{part}.csv").write_text("\n".join(boxes))
        (folder / f"bb_landmark/loose_landmark_{part}.csv").write_text("\n".join(points))


def write_marked(folder: Path, variable: str, names: list[str]) -> None:
    """Photographs of 450 pixels with landmarks in files of 300W-LP or AFLW2000-3D."""
    seen = shown(450, 2.5)
    for number, name in enumerate(names):
        save(folder / f"{name}.jpg", seen.image[number])
        values = fitted_face(number)
        values.pop("points")
        points = (seen.landmarks[number] - 0.5).T.double().numpy()
        values["pt2d"] = np.full((2, 21), -1.0)
        values[variable] = np.vstack((points, np.zeros(68))) if variable == "pt3d_68" else points
        savemat(folder / f"{name}.mat", values)


def write_frames(folder: Path) -> None:
    write_florence(folder)
    wide = torch.nn.functional.pad(shown(200, 2.0).image, (90, 10, 20, 20))
    for person, name in enumerate(FLORENCE):
        for condition, clip in enumerate(CONDITIONS):
            save(folder / f"frames/{name}/{clip}/00001.png", wide[3 * person + condition])


def write_expressions(folder: Path) -> None:
    write_facewarehouse(folder)
    wide = torch.nn.functional.pad(shown(240, 2.2).image, (40, 40, 0, 0), value=0.3)
    for number, path in enumerate(sorted(folder.rglob("pose_*.*g"))):
        save(path, wide[number])
    (folder / "evaluated.txt").write_text(f"Tester_{TESTERS[1]}\n")


def write_all(root: Path) -> None:
    for name in SETS:
        (root / name).mkdir(parents=True)
    write_lfw_faces(root / "lfw")
    write_vggface2_faces(root / "vggface2")
    (root / "aflw2000/AFLW2000").mkdir()
    write_marked(root / "aflw2000/AFLW2000", "pt3d_68", ["image00002", "image00004"])
    write_frames(root / "florence_clips")
    write_expressions(root / "facewarehouse")


def check(name: str, root: Path) -> None:
    reader = READERS[name]
    folder = DataFolder(root / name, reader.layout)
    write_index(reader, folder, check_samples(reader, folder, reader.index(folder)).index)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's folder of licensed data, checked, and a cache with the baked faces alone."""
    place, baked = tmp_path_factory.mktemp("licensed"), cache_folder() / "faces"
    (place / "cache").mkdir()
    (place / "cache/faces").symlink_to(baked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(place / "cache"))
        patch.setenv(DATA_VARIABLE, str(place / "data"))
        write_all(place / "data")
        for name in SETS:
            check(name, place / "data")
        yield place / "data"


@pytest.fixture(scope="module")
def arcface(data: Path) -> IResNet:
    """The network whose weights lie where the user's belong."""
    torch.manual_seed(0)
    network = IResNet(18).eval()
    (data / "arcface").mkdir()
    torch.save(network.state_dict(), data / "arcface/backbone.pth")
    return network


def open_all(name: str, settings: object) -> dict[str, np.ndarray]:
    return open_data_set(name, settings).arrays  # type: ignore[arg-type]


class TestPhotographs:
    def test_those_without_one_face_alone_are_left_out_and_counted(
        self, data: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        arrays = open_all("photographs", training_photographs(LicensedPhotographs(), SIZE))

        assert arrays["left_out"].tolist() == [[1, 1, 0]]
        assert arrays["images"].shape == (12, 3, SIZE, SIZE)
        assert "of 14 photographs 2 were left out, 1 as no face is found, 1 as several are" in caplog.text
        lfw = READERS["lfw"].index(DataFolder(data / "lfw", READERS["lfw"].layout)).columns["identity"]
        assert len(set(arrays["identity"][:6])) == len(PEOPLE)
        assert set(arrays["identity"][:6]) <= set(lfw)
        assert arrays["identity"][6:].min() > max(lfw)  # nobody of VGGFace2 is taken for somebody of LFW

    def test_landmarks_are_found_and_lie_as_in_training(self, data: Path) -> None:
        """The faces fill the crop as the mean face does, and landmarks are near the true ones, which nobody gave."""
        arrays = open_all("photographs", training_photographs(LicensedPhotographs(), SIZE))
        standard = standard_landmarks(SIZE).numpy()

        for found in arrays["landmarks"]:
            assert np.linalg.norm(found - standard, axis=1).mean() < 0.1 * SIZE
        assert set(np.unique(arrays["skin"])) == {0, 1}

    def test_a_kill_costs_a_part_at_most(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = LicensedPhotographs(sets=("lfw",), count=5)
        monkeypatch.setattr(detected_archive, "PART", 2)
        seen: list[int] = []

        class Killed(Exception):
            pass

        def on_images(count: int) -> None:
            seen.append(count)
            if len(seen) == 2:
                raise Killed

        with pytest.raises(Killed):
            training_photographs(settings, SIZE).open_archive(on_images)
        monkeypatch.setattr(detected_archive, "_detected", _only_the_last())
        arrays = training_photographs(settings, SIZE).open_archive(lambda count: None).arrays

        assert len(arrays["left_out"]) == 3

    def test_landmarks_that_come_with_photographs_are_taken(
        self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
        (tmp_path / "300w_lp/300W_LP/AFW").mkdir(parents=True)
        write_marked(tmp_path / "300w_lp/300W_LP/AFW", "pt2d", ["a_1_0", "a_1_1", "b_2_0"])
        check("300w_lp", tmp_path)

        arrays = open_all("photographs", training_photographs(LicensedPhotographs(sets=("300w_lp",)), SIZE))

        for found, true in zip(arrays["landmarks"], shown(450, 2.5).landmarks, strict=False):
            size = np.ptp(found, axis=0).max() / np.ptp(true.numpy(), axis=0).max()
            expected = size * (true - true.mean(dim=0)).numpy()
            np.testing.assert_allclose(found - found.mean(axis=0), expected, atol=0.05)

    def test_equal_shares_by_hand(self) -> None:
        assert equal_shares([13_233, 3_311_286], 50_000) == [13_233, 36_767]
        assert equal_shares([10, 3, 10], 12) == [4, 3, 5]
        assert equal_shares([2, 3], 100) == [2, 3]

    def test_people_who_are_held_out_are_others(self) -> None:
        people = np.array([0] * 30 + [1] * 5 + [2] * 5 + [3] * 60)

        learnt, others = split_photographs(people, 400)

        assert sorted([*learnt, *others]) == list(range(100))
        assert not set(people[learnt]) & set(people[others])
        assert len(others) >= 5
        assert len(split_photographs(np.arange(100), 3)[1]) == 3
        with pytest.raises(BadInput, match="the 4 photographs show one person"):
            split_photographs(np.zeros(4, int), 1)

    def test_an_epoch_has_each_photograph_once_in_another_order(self, data: Path) -> None:
        archive = open_data_set("photographs", training_photographs(LicensedPhotographs(), SIZE))
        settings = PAPER.run_settings("msma", "smoke", changes=LICENSED)

        learnt, watched = without_labels(archive, settings, 4, 0)
        epochs = [list(learnt.batches(epoch, torch.Generator().manual_seed(epoch))) for epoch in (0, 1)]

        count = len(archive) - sum(map(len, watched))
        assert sum(map(len, epochs[0])) == 4 * (count // 4) == 4 * learnt.batch_count
        means = [torch.cat([batch.images for batch in epoch]).mean(dim=(1, 2, 3)) for epoch in epochs]
        assert len(set(means[0].tolist())) == len(means[0])
        assert means[0].tolist() != means[1].tolist()


def _only_the_last():  # type: ignore[no-untyped-def]
    """What finds a face, and refuses all but the last photograph of five: the others are on disk."""
    made, asked = detected_archive._detected, []

    def detected(*words):  # type: ignore[no-untyped-def]
        asked.append(words)
        assert len(asked) == 1, "a part that was there was made again"
        return made(*words)

    return detected


class TestEvaluation:
    def test_aflw2000_has_its_true_landmarks_beside_those_found(self, data: Path) -> None:
        arrays = open_all("aflw2000", evaluation_photographs("aflw2000", SIZE))

        off = np.linalg.norm(arrays["landmarks"] - arrays["landmarks_2d"], axis=2).mean(axis=1)
        assert (off > 0.001 * SIZE).all()
        assert (off < 0.06 * SIZE).all()
        assert (arrays["occluder"] == -1).all()

    def test_of_facewarehouse_those_count_who_are_evaluated(self, data: Path) -> None:
        arrays = open_all("facewarehouse", evaluation_photographs("facewarehouse", SIZE))

        assert arrays["identity"].tolist() == [1, 1]
        for row in range(2):
            np.testing.assert_allclose(arrays["scans"][arrays["scan"][row]], head(1, row)[::4], atol=1e-3)
            off = arrays["scan_landmarks"][row] - head(1, row)[model().landmarks].numpy()
            assert np.linalg.norm(off, axis=1).mean() < 6  # mm; a quarter of the vertices is there

    def test_nobody_to_be_evaluated_is_said(self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
        reader, root = READERS["facewarehouse"], shutil.copytree(data / "facewarehouse", tmp_path / "facewarehouse")
        folder = DataFolder(root, reader.layout)
        index = reader.index(folder)
        index.columns["is_evaluated"] = [0] * len(index)
        write_index(reader, folder, index)

        with pytest.raises(BadInput, match="no photographs of facewarehouse_detected are chosen"):
            open_all("facewarehouse", evaluation_photographs("facewarehouse", SIZE))

    def test_a_mesh_that_is_no_face_has_no_landmarks(self) -> None:
        generator = np.random.default_rng(0)
        with pytest.raises(DegenerateInput):
            landmark_vertices(generator.normal(0, 400, (2000, 3)))

    def test_frames_keep_the_scans_of_their_people(self, data: Path) -> None:
        arrays = open_all("florence_clips", evaluation_photographs("florence_clips", SIZE))

        assert arrays["condition"].tolist() == [0, 1, 2] * 2
        assert arrays["identity"].tolist() == [0] * 3 + [1] * 3
        assert arrays["scan"].tolist() == list(range(6))
        assert arrays["scan_landmarks"].shape == (6, 68, 3)


def test_the_perceptual_loss_compares_people_by_the_five_point_crops(data: Path, arcface: IResNet) -> None:
    recogniser = recogniser_of("licensed")
    images = shown(SIZE, 1.6).image[:2].clone().requires_grad_()
    landmarks = shown(SIZE, 1.6).landmarks[:2]

    found = recogniser(images, landmarks)
    (gradient,) = torch.autograd.grad(perceptual_loss(found, found.detach().flip(0)), images)

    torch.testing.assert_close(found, arcface(five_point_crops(images, landmarks)))
    assert gradient.abs().sum() > 0
    assert not torch.allclose(found, recogniser(images, landmarks + 8))


def trained(name: str) -> Record:
    run = Run("msma", name, changes=LICENSED)
    train(run, say=lambda _: None)
    assert status_of(run).is_current
    return read_record(run.record)


@pytest.mark.slow
def test_one_run_of_each_kind_on_written_folders(data: Path, arcface: IResNet) -> None:
    records = {name: trained(name) for name in ("landmark_reader", "msma", "direct_fit")}

    assert [record.data["source"] for record in records.values()] == [
        "lfw_vggface2_detected", "lfw_vggface2_detected", "florence_clips_detected"
    ]  # fmt: skip
    of_scans = {"florence", "florence/cooperative", "florence/outdoor_sd", "florence_ganfit/indoor", "facewarehouse"}
    for name, record in records.items():
        assert record.parameters["data"] == "licensed"
        values = {metric: entry["value"] for metric, entry in record.metrics.items()}
        assert all(np.isfinite(value) for value in values.values())
        assert 0 < values["aflw"] < 0.3
        assert (of_scans <= values.keys()) == (name != "landmark_reader")
        assert not any(metric.startswith(("cases", "aflw/")) for metric in values)
        assert "failed" not in values
    assert "held_out_perceptual" in str(records["msma"].history)

    before = identity_of(Run("msma", "msma", changes=LICENSED)).data
    torch.save(IResNet(34).state_dict(), data / "arcface/backbone.pth")
    assert identity_of(Run("msma", "msma", changes=LICENSED)).data != before


class TestRefusals:
    def test_a_folder_that_is_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run = Run("msma", "landmark_reader", changes=LICENSED)
        monkeypatch.delenv(DATA_VARIABLE, raising=False)
        with pytest.raises(MissingPart, match=rf"{DATA_VARIABLE} is not set: .*LFW as lfw"):
            train(run, say=lambda _: None)
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
        with pytest.raises(MissingPart, match=r"no folder .*lfw: expected LFW there"):
            train(run, say=lambda _: None)

    def test_a_folder_that_was_not_checked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
        for name in ("lfw", "vggface2"):
            (tmp_path / name).mkdir()
        with pytest.raises(MissingPart, match=r"was not yet checked as LFW: run `facelib data check lfw"):
            train(Run("msma", "landmark_reader", changes=LICENSED), say=lambda _: None)

    def test_labels_that_no_photograph_has(self) -> None:
        with pytest.raises(MissingPart, match="supervised learns from 3D labels, which no photograph of lfw, vggface2"):
            train(Run("msma", "supervised", changes=LICENSED), say=lambda _: None)

    def test_cases_whose_scans_nobody_has(self) -> None:
        class OfLicensedRuns(Material):
            settings = PAPER.run_settings("mean_face", "smoke", changes=LICENSED)

            def __init__(self) -> None:
                pass

        with pytest.raises(MissingPart, match="CelebA has no scans: the cases of figure 8 are measured on embedded"):
            OfLicensedRuns().archive("celeba_cases")
        assert PAPER.remark({"florence": 1.0}) == NO_CASES
        assert not PAPER.remark({"florence": 1.0, "cases": 1.0})
        assert not PAPER.remark({"aflw": 1.0})

    def test_no_arcface(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("facelib.data.licensed.arcface.FOLDER", "nothing")
        with pytest.raises(MissingPart, match=r"there is no .*nothing/backbone\.pth"):
            PAPER.steps.data_sets(PAPER.method("msma"), PAPER.run_settings("msma", "smoke", changes=LICENSED))
        without = PAPER.run_settings("no_perceptual", "smoke", changes=LICENSED)
        assert "arcface" not in PAPER.steps.data_sets(PAPER.method("no_perceptual"), without)

    def test_no_data_set(self) -> None:
        for nothing in (LicensedPhotographs(sets=()), LicensedPhotographs(count=0)):
            with pytest.raises(BadInput, match=r"expected at least one of both \(photographs\.sets"):
                training_photographs(nothing, SIZE)


def test_tables_and_claims_stand_without_what_was_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up scores, as such runs leave them: no cases, and nobody says what is worn on AFLW2000-3D."""
    use_made_runs(monkeypatch, tmp_path)
    for method in ("msma", "base", "mean_face"):
        chance = np.random.default_rng(len(method))
        scores = {name: chance.uniform(1, 2, 18) for name in PROTOCOLS}
        scores |= {"florence_condition": np.tile([0, 1, 2], 6), "florence_identity": np.repeat(np.arange(3), 6)}
        scores |= {"facewarehouse": chance.uniform(1, 2, 6), "facewarehouse_identity": np.repeat(np.arange(3), 2)}
        scores |= {
            "aflw": chance.uniform(0.02, 0.05, 6),
            "aflw_identity": np.arange(6),
            "aflw_occluder": np.full(6, -1),
        }
        write_run(Run("msma", method, changes=LICENSED), metrics_of(scores), scores, source="florence_clips_detected")
    estimates = open_estimates(open_runs("msma", "smoke"))

    tables, claims = write_tables(estimates, tmp_path / "tables"), evaluate_claims(estimates)

    assert "florence/outdoor" in tables["1"].columns
    assert "aflw" in tables["alignment"].columns
    assert not {"aflw/free", "cases", "cases/smile"} & {column for each in tables.values() for column in each.columns}
    assert NO_CASES in (tmp_path / "tables/table_cases.md").read_text()
    left = {one.claim.name: one.missing for one in claims}
    assert not left["better_than_base_on_florence"]
    told = "a measurement of 'MSMA below base method, smile', for which the runs have no data"
    assert told in {words for missing in left.values() for words in missing}
