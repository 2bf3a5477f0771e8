"""Runs of paper 3 at smoke size on folders in the real formats of 300W-LP, AFLW2000-3D, Florence and the Basel model.

The folders are written from embedded faces, so the numbers say nothing of people. That faces lie where the publishers'
formula puts them, that runs go through the same task and evaluation, and that records name the licensed data, is what
is held here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_basel import KEPT, write_basel_2009
from made_licensed import check, use_written
from made_records import use_made_runs, write_run
from PIL import Image
from scipy.io import loadmat, savemat
from scipy.spatial.transform import Rotation
from tiny_runs import use_private_runs
from written_scans import write_florence

from facelib.data.embedded.portraits import portraits
from facelib.data.licensed.basel_2009 import read_deviations
from facelib.data.licensed.basel_posed import load_posed_basel, posed_photographs, shown_landmarks
from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.papers.datasets import open_data_set
from facelib.papers.run import train
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.building import face_mapper
from facelib.papers.sadrnet.metrics import ON_PHOTOGRAPHS
from facelib.papers.status import needed_runs, status_of
from facelib.report.intervals import open_estimates
from facelib.report.records import open_runs
from facelib.report.tables import write_tables
from facelib.runs.folders import Run
from facelib.runs.records import read_record, read_scores

SIDE, SIZE = 450, 64  # pixels of photographs, and of their crops
SCALE = 1.2e-3  # pixels a micrometre
YAWS = (5.0, -20.0, 40.0, -50.0, 70.0, -80.0)  # degrees
TINY = {
    "data": "licensed",
    "faces.validation": 1,
    "encoder.identities": 5,
    "network.width": 0.0625,
    "schedule.deformation": 1,
    "pretraining.batch_size": 4,
    "training.batch_size": 4,
}
METHODS = ("sadrnet", "coefficients", "mean_face")


def coefficients(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of a face (199,) and (29,), in standard deviations; in the written model only the first few move it."""
    chance = np.random.default_rng(number)
    return chance.normal(0, 0.7, 199), chance.uniform(0, 1, 29)


def vertices_of(model: MorphableModel, number: int) -> np.ndarray:
    """The same face in micrometres as the files of the model have it, whose mean expression is a shift of 0.5 mm."""
    shape, expression = coefficients(number)
    moved = np.tensordot(shape[:KEPT], model.identity_basis[:KEPT].double().numpy(), 1)
    moved += np.tensordot(expression[:KEPT], model.expression_basis[:KEPT].double().numpy(), 1)
    return 1000 * (model.mean.double().numpy() + moved + 0.5)


def write_marked(folder: Path, variable: str, names: list[str], model: MorphableModel) -> None:
    """Photographs whose landmarks follow from coefficients and pose by the publishers' formula, worked out here."""
    shown = portraits(model, len(YAWS), SIDE, crop=2.0).image
    for number, name in enumerate(names):
        angles = np.deg2rad([4.0 * number - 10, YAWS[number % len(YAWS)], 3.0 * number])  # pitch, yaw, roll
        turn = Rotation.from_euler("XYZ", -angles).as_matrix()
        place = np.array([220.0 + number, 240.0, -50.0])
        points = SCALE * vertices_of(model, number)[model.landmarks.numpy()] @ turn.T + place
        points[:, 1] = SIDE - points[:, 1] - 1
        path = folder / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = (shown[number % len(shown)].clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(path, quality=95)
        deviations = np.arange(1.0, 200)
        shape, expression = coefficients(number)
        values = {
            "Pose_Para": np.array([[*angles, *place, SCALE]], np.float32),
            "Shape_Para": (shape * deviations)[:, None],
            "Exp_Para": (expression * np.arange(2.0, 31))[:, None],
            variable: points.T if variable == "pt3d_68" else points[:, :2].T,
        }
        savemat(path.with_suffix(".mat"), values)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[Path]:
    """The user's folder of licensed data, checked; and the Basel model."""
    place = tmp_path_factory.mktemp("licensed")
    of_300w = [f"HELEN/HELEN_{person}_1_{number}" for person in range(4) for number in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        folder = use_written(patch, place, {})
        write_marked(folder / "300w_lp/300W_LP", "pt2d", of_300w, face_model)
        aflw = [f"image{number:05d}" for number in range(len(YAWS))]
        write_marked(folder / "aflw2000/AFLW2000", "pt3d_68", aflw, face_model)
        write_florence(folder / "florence")
        (folder / "basel").mkdir()
        write_basel_2009(folder / "basel", face_model)
        for name in ("300w_lp", "aflw2000", "florence"):
            check(name, folder / name)
        yield folder


@pytest.fixture(scope="module")
def records(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs of three methods, one of them with the encoder in which it starts."""
    with pytest.MonkeyPatch.context() as patch:
        use_private_runs(patch, tmp_path_factory.mktemp("runs"))
        runs = [Run(PAPER.name, name, changes=TINY) for name in METHODS]
        for run in (*needed_runs(runs[0]).values(), *runs):
            train(run, say=lambda text: None)
        yield


@pytest.mark.parametrize(("name", "images"), [("300w_lp", 2), ("aflw2000", None)])
def test_faces_lie_where_the_landmarks_of_the_files_are(data: Path, name: str, images: int | None) -> None:
    archive = open_data_set(name, posed_photographs(name, SIZE, images=images))
    faces, basel = posed_faces(archive, np.arange(len(archive))), load_posed_basel()

    assert len(archive) == (8 if images else 6)
    model = basel.model
    vertices = model.vertices(faces.shape, faces.expression)
    found = faces.pose.apply(vertices)[:, model.landmarks, :2]
    assert found.numpy() == pytest.approx(archive.arrays["landmarks_2d"], abs=0.02)
    settings = PAPER.settings("smoke", TINY)
    mapper = face_mapper(settings)
    drawn = mapper.template.landmarks_of(mapper(faces).geometry)[..., :2]
    assert (drawn - found).norm(dim=2).mean() < 0.7  # of 64 pixels: those of the nearest texels


def test_the_skin_is_where_the_face_is_seen(data: Path) -> None:
    archive = open_data_set("aflw2000", posed_photographs("aflw2000", SIZE))
    arrays = archive.arrays

    for skin, landmarks in zip(arrays["skin"], arrays["landmarks_2d"], strict=True):
        inside = landmarks[(landmarks > 1).all(axis=1) & (landmarks < SIZE - 1).all(axis=1)].astype(int)
        assert skin[inside[:, 1], inside[:, 0]].mean() > 0.6
        assert np.nonzero(skin)[0].min() < landmarks[:, 1].min()  # the forehead
        assert 0.1 < skin.mean() < 0.8
    assert (arrays["occluder"] == -1).all()


def test_people_and_their_images_are_the_first_ones(data: Path) -> None:
    few = open_data_set("300w_lp", posed_photographs("300w_lp", SIZE, 2, 1)).arrays
    every = open_data_set("300w_lp", posed_photographs("300w_lp", SIZE)).arrays

    assert few["identity"].tolist() == [0, 1]
    assert np.array_equal(few["images"], every["images"][[0, 3]])
    with pytest.raises(BadInput, match="0 people and None images of each of 300W-LP"):
        posed_photographs("300w_lp", SIZE, 0)


@pytest.mark.parametrize("name", METHODS)
def test_a_run_learns_from_the_folder_and_names_it(records: None, name: str) -> None:
    run = Run(PAPER.name, name, changes=TINY)
    record = read_record(run.record)

    assert status_of(run).is_current
    assert record.parameters["data"] == "licensed"
    assert {"sparse_2d", "reconstruction", "florence", "shape_ratio"} <= record.metrics.keys()
    assert not {"recognition", "shape_ratio/frontal"} & record.metrics.keys()
    assert all(np.isfinite(metric["value"]) for metric in record.metrics.values())


def test_florence_is_judged_by_its_own_landmarks(records: None) -> None:
    metrics = read_record(Run(PAPER.name, "mean_face", changes=TINY).record).metrics

    # The scans are those of people of our model, whom the mean face resembles to a few millimetres.
    assert 0.003 < metrics["florence"]["value"] < 0.06


def test_tables_have_intervals_and_say_what_is_missing(
    records: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of records with the metrics and scores of these runs."""
    made = {name: read_record(Run(PAPER.name, name, changes=TINY).record) for name in METHODS}
    scores = {name: read_scores(record.run.record, record) for name, record in made.items()}
    use_made_runs(monkeypatch, tmp_path)
    for name, record in made.items():
        write_run(Run(PAPER.name, name), dict(record.metrics), scores[name], source="300w_lp_posed")

    tables = write_tables(open_estimates(open_runs(PAPER.name, "smoke")), tmp_path / "tables")

    assert {"sparse_2d", "reconstruction", "florence"} <= set(tables["4"].columns) | set(tables["2"].columns)
    assert "shape_ratio" in tables["shape"].columns
    assert not {"recognition", "shape_ratio/frontal"} & set(tables["shape"].columns)
    assert ON_PHOTOGRAPHS in (tmp_path / "tables/table_shape.md").read_text()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("Shape_Para", np.full((199, 1), 1e30), "its landmarks lie "),
        ("Exp_Para", np.full((29, 1), 1e4), "its landmarks lie 1"),
        ("Pose_Para", np.array([[0.0, 0, 0, 1000, 240, -50, SCALE]]), "its landmarks lie "),
    ],
)
def test_a_file_that_contradicts_itself_is_named(data: Path, variable: str, value: np.ndarray, message: str) -> None:
    path = data / "300w_lp/300W_LP/HELEN/HELEN_0_1_0.mat"
    before = path.read_bytes()
    savemat(path, {name: each for name, each in loadmat(path).items() if name[0] != "_"} | {variable: value})
    try:
        with pytest.raises(CorruptFile, match=rf"HELEN_0_1_0\.mat: contradicts itself \({message}"):
            open_data_set("300w_lp", posed_photographs("300w_lp", SIZE + 1, 1))
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(("file", "name"), [("01_MorphableModel", "shapeEV"), ("Model_Expression", "sigma_exp")])
def test_deviations_that_are_none_are_named(tmp_path: Path, face_model: MorphableModel, file: str, name: str) -> None:
    write_basel_2009(tmp_path, face_model)
    values = {key: each for key, each in loadmat(tmp_path / f"{file}.mat").items() if key[0] != "_"}
    values[name][3] = 0
    savemat(tmp_path / f"{file}.mat", values)

    with pytest.raises(CorruptFile, match=f"{file}.mat has {name} down to 0: expected standard deviations above 0"):
        read_deviations(tmp_path)


def test_a_landmark_that_the_map_hides_moves_to_where_it_is_shown(data: Path) -> None:
    """At 256 texels some vertices near landmarks lie in folds; the back of the head is on no map."""
    model = load_posed_basel().model
    layout = face_layout(model, 256)
    assert layout.shown[model.landmarks].all()
    hidden = (~layout.shown & (torch.cdist(model.mean, model.mean[model.landmarks]).amin(dim=1) < 4)).nonzero()[0]

    moved = shown_landmarks(data, replace(model, landmarks=hidden), layout)

    assert layout.shown[moved].all()
    assert 0 < (model.mean[moved] - model.mean[hidden]).norm() < 8
    with pytest.raises(CorruptFile, match="look at the keypoints of"):
        shown_landmarks(data, replace(model, landmarks=model.mean[:, 2].argmin()[None]), layout)


def test_what_is_missing_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    basel = data / "basel"
    basel.rename(data / "elsewhere")
    try:
        with pytest.raises(MissingPart, match=r"no Basel Face Model.*put 01_MorphableModel.mat with 3DDFA's"):
            PAPER.steps.data_sets(PAPER.method("sadrnet"), PAPER.run_settings("sadrnet", "smoke", changes=TINY))
    finally:
        (data / "elsewhere").rename(basel)
    assert "--tier gpu" in PAPER.remark({"shape_read": 0.5})
    assert PAPER.remark({"shape_read": 0.5, "recognition": 0.2}) == ""
    assert ON_PHOTOGRAPHS in PAPER.remark({"shape_read": 0.0})
