"""Runs of paper 1 from data to record: the same every time, even when killed on the way."""

from __future__ import annotations

import dataclasses
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from _pytest.mark import ParameterSet
from tiny_runs import TINY, use_private_runs, use_tiny_data

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.data.protocol import rows_of
from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.faces.morphable_model import MorphableModel
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.building import build_task, load_recogniser
from facelib.papers.joint_attention.data_sets import split_of
from facelib.papers.joint_attention.inputs import inputs_of
from facelib.papers.joint_attention.joint_task import JointTask
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.joint_attention.protocol import CONDITIONS, embed
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Batch, IdentificationTask
from facelib.papers.paper import RunInputs
from facelib.papers.run import found_weights, network_from, open_archive, train
from facelib.papers.status import needed_runs
from facelib.runs.folders import RUNS_VARIABLE, Run
from facelib.runs.records import Record, read_record, read_scores, same_result


@pytest.fixture(autouse=True, scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("tiny_runs"))
        yield


def slow(method: str) -> ParameterSet:
    return pytest.param(method, marks=pytest.mark.slow)


# One method of each kind; the others are trained by the slow tests.
OF_EACH_KIND = (
    *("pretrain_ir18", "ir18_pretrained", "ir18", "pointnet2", "jam_je", "jam_images", "ir18_ts", "ir18_imid_cmid"),
    "crosspoint",
)
EVERY_METHOD = [name if name in OF_EACH_KIND else slow(name) for name in METHODS]


POOL = PAPER.settings("smoke").facescape.pool


class Records(dict[str, Record]):
    """The records of tiny runs, each made when it is first asked for, after what it needs."""

    def __missing__(self, method: str) -> Record:
        for need in METHODS[method].needs:
            self[need]
        self[method] = made(tiny_run(method))
        return self[method]


@pytest.fixture(scope="module")
def records(folders: None) -> dict[str, Record]:
    return Records()


@pytest.fixture(scope="module")
def archive(folders: None) -> FaceArchive:
    return open_archive(PAPER, "jam_je", tiny_settings("jam_je"), "facescape")


def tiny_run(method: str, fold: int = 0, seed: int = 0, **changes: object) -> Run:
    return Run("joint_attention", method, fold, seed=seed, changes=PAPER.seen_changes(method, "smoke", TINY | changes))


def tiny_settings(method: str) -> RecognitionSettings:
    return PAPER.run_settings(method, "smoke", changes=TINY)


def made(run: Run) -> Record:
    return read_record(train(run, say=lambda text: None))


def task_of(archive: FaceArchive, name: str, weights: dict[str, Path]) -> IdentificationTask:
    """A method's task; without the weights of its pretraining it starts with fresh ones."""
    method = METHODS[name] if weights else dataclasses.replace(METHODS[name], needs=())
    torch.manual_seed(0)
    network = PAPER.steps.build_network(method, tiny_settings(name))
    return build_task(RunInputs(method, tiny_settings(name), 0, 0, {"facescape": archive}, weights, "made"), network)


def untrained_task(archive: FaceArchive, name: str) -> IdentificationTask:
    return task_of(archive, name, {})


def joint_task(archive: FaceArchive, name: str = "jam_je") -> JointTask:
    task = untrained_task(archive, name)
    assert isinstance(task, JointTask)
    return task


def batch_of(task: IdentificationTask, rows: np.ndarray) -> Batch:
    data = task.data
    return Batch(data.inputs(rows), task.labels(rows), data.clouds(rows, torch.Generator().manual_seed(0)))


def rows_to_learn(task: IdentificationTask, count: int) -> np.ndarray:
    return task.data.training[:count]


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_every_method_makes_a_record(records: dict[str, Record], method: str) -> None:
    record = records[method]

    assert (record.method, record.fold, record.tier, record.seed) == (method, 0, "smoke", 0)
    assert record.run == tiny_run(method)
    assert record.changes["network.embedding"] == record.parameters["network"]["embedding"] == 32
    assert all(0 <= metric["value"] <= 1 for metric in record.metrics.values())
    kind = METHODS[method].kind
    pooled = {"tar_at_far_1pct", "auc", "eer", "rank1"}
    bins = {f"tar_at_far_1pct/{name}" for name in POSE_BINS} if kind != "pretraining" else set()
    second = {
        f"arl_vtf.{name}" for name in (*pooled, *(f"tar_at_far_1pct/{name}" for name in (*CONDITIONS, "average")))
    }
    assert record.metrics.keys() == pooled | bins | (second if kind in ("image", "joint", "baseline") else set())
    assert len(record.history) == (0 if kind == "baseline" else 2)
    assert record.parameters["network"]["width"] == 0.125
    assert record.data["source"] == f"embedded_{METHODS[method].learns_from}"
    assert record.code["needs"].keys() == set(METHODS[method].needed(tiny_settings(method)))


@pytest.mark.slow
def test_methods_differ_by_their_losses(records: dict[str, Record]) -> None:
    trained = [name for name in METHODS if METHODS[name].kind != "baseline"]
    terms = {name: set(records[name].history[0]["losses"]) for name in trained}

    assert terms["ir18"] == {"identity_2d"}
    assert terms["jam"] == {"identity_2d", "identity_3d"}
    assert terms["jam_je"] == {"identity_2d", "identity_3d", "joint_entropy"}
    assert terms["pointnet2"] == {"identity_3d"}
    assert terms["ir18_ts"] == {"identity_2d", "ts"}
    assert terms["ir18_mmd"] == {"identity_2d", "identity_3d", "mmd"}
    assert terms["ir18_coral"] == {"identity_2d", "identity_3d", "coral"}
    assert terms["ir18_cmid"] == {"identity_2d", "identity_3d", "cmid"}
    assert terms["ir18_imid_cmid"] == terms["crosspoint_adaface"] == {"identity_2d", "identity_3d", "imid", "cmid"}
    assert terms["crosspoint"] == {"imid", "cmid"}
    assert terms["jam_images"] == {"identity_2d"}
    assert terms["ir18_rst"] == {"identity_2d", "identity_3d", "domain_invariance"}
    assert terms["ir18_rst_ts"] == {"identity_2d", "ts", "domain_invariance"}
    of_rows = {f"{what}_{modality}" for what in ("row_maximum", "row_entropy") for modality in ("2d", "3d")}
    assert records["jam"].history[0]["watch"].keys() == {"gamma", "joint_entropy"} | of_rows
    # At this tier the 3D branch of all methods starts afresh.
    results = {name: records[name].metrics["auc"]["value"] for name in METHODS}
    assert results.pop("jam_fresh") == results["jam"]
    assert len(set(results.values())) == len(results)


def test_the_terms_of_each_kind_of_method(records: dict[str, Record]) -> None:
    trained = [name for name in OF_EACH_KIND if METHODS[name].kind != "baseline"]
    terms = {name: set(records[name].history[0]["losses"]) for name in trained}

    assert terms["jam_images"] == {"identity_2d"}
    assert terms["crosspoint"] == {"imid", "cmid"}
    assert terms["ir18"] == {"identity_2d"}
    assert terms["pointnet2"] == {"identity_3d"}
    assert terms["jam_je"] == {"identity_2d", "identity_3d", "joint_entropy"}
    assert terms["ir18_ts"] == {"identity_2d", "ts"}
    assert terms["ir18_imid_cmid"] == {"identity_2d", "identity_3d", "imid", "cmid"}


def test_training_teaches_something(records: dict[str, Record]) -> None:
    # A guess has AUC 0.5; after two epochs on ten people every method knows strangers better than that.
    for name in ("ir18", "jam_je"):
        assert records[name].metrics["auc"]["value"] > 0.6
        first, last = records[name].history
        assert last["losses"]["identity_2d"] < first["losses"]["identity_2d"]


def test_nobody_evaluated_was_trained_on(records: dict[str, Record], archive: FaceArchive) -> None:
    scored = read_scores(tiny_run("jam_je").record, records["jam_je"])
    split = split_of("facescape", archive, 0, POOL)

    assert scored["in_pool"].sum() == POOL
    assert scored["identities"].tolist() == split.evaluation.tolist()
    assert not set(scored["identities"]) & set(joint_task(archive).classes)


@pytest.mark.parametrize("method", ["ir18", "jam_je", slow("dream_ts"), slow("ir18_rst"), slow("crosspoint")])
def test_the_stored_network_embeds_images_alone(records: dict[str, Record], archive: FaceArchive, method: str) -> None:
    network = load_recogniser(tiny_run(method))
    scored = read_scores(tiny_run(method).record, records[method])

    assert not network.training
    assert not any("3d" in name for name, _ in network.named_parameters())
    inputs = inputs_of(METHODS[method], archive, tiny_settings(method).clouds)
    embeddings = embed(network, inputs, scored["rows"])
    np.testing.assert_allclose(embeddings, scored["embeddings"], atol=1e-5)
    alone = embed(network, inputs, scored["rows"][:1])  # a batch of one
    np.testing.assert_allclose(alone, scored["embeddings"][:1], atol=1e-5)


@pytest.mark.parametrize(
    "method",
    ["pretrain_ir18", "jam_je", slow("ir18_imid_cmid"), slow("ir18_rst_ts"), slow("dgcnn"), slow("pointcnn")],
)
def test_two_runs_are_identical(
    records: dict[str, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    records[method]
    use_private_runs_but(tiny_run(method), tmp_path, monkeypatch)
    again = made(tiny_run(method))

    assert tiny_run(method).record.is_relative_to(tmp_path)
    assert differences(records[method], again) == []


def differences(first: Record, second: Record) -> list[str]:
    """Where two records differ, but for the fingerprint of the code, which somebody may edit while the tests run."""
    return [text for text in same_result(first, second) if not text.startswith("code.digest")]


def use_private_runs_but(run: Run, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Keep runs in this folder, in which only those lie that a run needs."""
    needed = [(need, need.folder) for need in needed_runs(run).values()]
    use_private_runs(patch, folder)
    run.folder.parent.mkdir(parents=True)
    for need, made_before in needed:
        need.folder.symlink_to(made_before, target_is_directory=True)


def test_a_finished_run_is_read_back(records: dict[str, Record]) -> None:
    records["ir18"]
    said: list[str] = []
    again = read_record(train(tiny_run("ir18"), say=said.append))

    assert said == [f"{tiny_run('ir18')}: up to date"]
    assert same_result(records["ir18"], again) == []
    assert again.wall_time_s == records["ir18"].wall_time_s  # no epoch was trained


def test_another_seed_and_fold_are_other_runs(records: dict[str, Record]) -> None:
    records["ir18"]
    other = made(tiny_run("ir18", fold=1, seed=3))

    assert (other.fold, other.parameters["training"]["seed"]) == (1, 3)
    assert other.metrics != records["ir18"].metrics


@pytest.mark.slow
def test_a_run_killed_by_signal_9_ends_as_an_undisturbed_one(
    records: dict[str, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records["jam_je"]  # the undisturbed one, and what it needs
    run = tiny_run("jam_je")
    use_private_runs_but(run, tmp_path, monkeypatch)
    command = [sys.executable, "-m", *shlex.split(run.command), "--directly"]
    environment = os.environ | {RUNS_VARIABLE: str(tmp_path), "OMP_NUM_THREADS": str(torch.get_num_threads())}

    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while not list(run.folder.glob("checkpoint_*.pt")):
            assert process.poll() is None, "the run ended before its first checkpoint"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not run.record.exists()
    assert not run.weights.exists()

    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    assert differences(records["jam_je"], read_record(run.record)) == []


def test_without_pretraining_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path)

    with pytest.raises(MissingPart, match="facelib run joint_attention pretrain_ir18 --fold 0 --tier smoke"):
        train(Run("joint_attention", "jam"))
    with pytest.raises(
        MissingPart, match=r"pretrain_ir18 .*--tier smoke --set web\.identities=30 --set network\.embedding=32"
    ):
        train(tiny_run("jam"))
    with pytest.raises(MissingPart, match="facelib run joint_attention jam --fold 0 --tier smoke"):
        load_recogniser(Run("joint_attention", "jam"))


def test_licensed_data_is_asked_for() -> None:
    with pytest.raises(MissingPart, match=r"FACELIB_DATA is not set.*`facelib data check vggface2"):
        train(Run("joint_attention", "pretrain_ir18", tier="paper"))


def test_wrong_names_are_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path)
    with pytest.raises(UnknownName, match=r"unknown method 'jam_ej'.*did you mean 'jam_je'"):
        train(Run("joint_attention", "jam_ej"))
    with pytest.raises(UnknownName, match="unknown method 'jam_ej'"):
        load_recogniser(Run("joint_attention", "jam_ej"))
    with pytest.raises(UnknownName, match="unknown tier 'laptap'"):
        train(Run("joint_attention", "jam", tier="laptap"))
    with pytest.raises(UnknownName, match=r"unknown parameter 'loss\.bin'"):
        train(Run("joint_attention", "jam", changes={"loss.bin": 3}))
    with pytest.raises(BadInput, match="fold is 3"):
        train(tiny_run("ir18_scratch", fold=3))

    assert list(tmp_path.iterdir()) == []


def test_weights_of_other_settings_do_not_fit(records: dict[str, Record]) -> None:
    records["jam_je"]
    wider = PAPER.run_settings("jam_je", "smoke", changes=TINY | {"network.width": 0.25})
    with pytest.raises(BadInput, match="build the model with the settings it was trained with"):
        network_from(PAPER, "jam_je", wider, tiny_run("jam_je").weights)


def test_a_batch_pairs_photographs_with_clouds_of_their_expression(archive: FaceArchive) -> None:
    task = joint_task(archive)
    rows = np.array([rows_of(archive, task.classes[[2]])[7], rows_of(archive, task.classes[[0]])[0]])
    batch = batch_of(task, rows)

    assert batch.labels.tolist() == [2, 0]
    (points,) = batch.clouds
    cloud = archive.arrays["clouds"][archive.arrays["cloud"][rows[0]]]
    assert points.shape == (2, 128, 3)
    # Its points are some of the stored ones but for a shift and a scale: alike in spread, as far as 128 points tell.
    centred, found = cloud - cloud.mean(axis=0), points[0].numpy()
    np.testing.assert_allclose(found.std(axis=0) / found.std(), centred.std(axis=0) / centred.std(), rtol=0.2)


def test_batches_hold_every_photograph_once_in_a_new_order(archive: FaceArchive) -> None:
    task = joint_task(archive)
    orders = []
    for seed in (0, 0, 1):
        batches = list(task.batches(0, torch.Generator().manual_seed(seed)))
        assert len(batches) == task.batch_count
        orders.append(torch.cat([batch.labels for batch in batches]).tolist())

    assert orders[0] == orders[1] != orders[2]
    left_out = len(rows_of(archive, task.classes)) - len(orders[0])
    assert 0 <= left_out < 64
    assert max(np.bincount(orders[0])) <= 60


def test_the_joint_entropy_is_watched_where_it_is_not_minimised(archive: FaceArchive) -> None:
    watched = {}
    for name in ("jam", "jam_je"):
        task = joint_task(archive, name)
        torch.nn.init.constant_(task.network.joint_attention.gamma, 0.5)  # A_d begins as 0
        terms = task.losses(batch_of(task, rows_to_learn(task, 4)), "all")
        assert ("joint_entropy" in terms) == (name == "jam_je")
        watched[name] = task.watch()["joint_entropy"]
        assert task.watch().keys() == {"gamma"}  # what was told is forgotten

    assert watched["jam"] == pytest.approx(watched["jam_je"])
    assert watched["jam"] > 0


def test_what_rows_of_attention_do_is_watched(archive: FaceArchive) -> None:
    task = joint_task(archive)
    positions = task.network.joint_attention(torch.zeros(1, task.network.body_2d.channels, 4, 4), "2d").softmax.shape[1]
    with torch.no_grad():  # every position takes from all alike
        task.network.joint_attention.query.weight.zero_()
        task.network.joint_attention.query.bias.zero_()
    task.losses(batch_of(task, rows_to_learn(task, 4)), "all")
    watched = task.watch()

    for modality in ("2d", "3d"):
        assert watched[f"row_maximum_{modality}"] == pytest.approx(1 / positions)
        assert watched[f"row_entropy_{modality}"] == pytest.approx(np.log(positions))


def test_the_pool_is_the_same_for_all_folds_and_nobody_learns_from_it(archive: FaceArchive) -> None:
    folds = [split_of("facescape", archive, fold, POOL) for fold in range(3)]
    pool = archive.identities[-POOL:]

    assert all(fold.evaluation[-POOL:].tolist() == pool.tolist() for fold in folds)
    assert not any(set(pool) & {*fold.training, *fold.validation} for fold in folds)
    thirds = np.concatenate([fold.evaluation[:-POOL] for fold in folds])
    assert sorted(thirds) == archive.identities[:-POOL].tolist()


def with_nan(archive: FaceArchive, column: str, place: int) -> FaceArchive:
    damaged = np.array(archive.arrays[column], np.float32)
    damaged[place].ravel()[0] = np.nan
    return dataclasses.replace(archive, arrays=archive.arrays | {column: damaged})


@pytest.mark.parametrize("method", ["ir18", "jam_je", slow("ir18_rst")])
def test_a_nan_image_is_refused(records: dict[str, Record], archive: FaceArchive, method: str) -> None:
    damaged = with_nan(archive, "images", 3)

    with pytest.raises(BadInput, match="images holds 1 non-finite"):
        embed(
            load_recogniser(tiny_run(method)),
            inputs_of(METHODS[method], damaged, tiny_settings(method).clouds),
            np.arange(5),
        )


def test_a_nan_image_is_refused_in_training(archive: FaceArchive) -> None:
    first = split_of("facescape", archive, 0, POOL).training[:1]
    task = joint_task(with_nan(archive, "images", rows_of(archive, first)[0]))

    with pytest.raises(BadInput, match="non-finite"):
        task.losses(batch_of(task, rows_to_learn(task, 4)), "all")


def test_a_nan_cloud_is_refused(archive: FaceArchive) -> None:
    first = rows_of(archive, split_of("facescape", archive, 0, POOL).training[:1])[0]
    task = joint_task(with_nan(archive, "clouds", archive.arrays["cloud"][first]))

    with pytest.raises(BadInput, match="non-finite"):
        task.losses(batch_of(task, rows_to_learn(task, 4)), "all")


def test_a_batch_of_one_cannot_be_trained_on(archive: FaceArchive) -> None:
    task = joint_task(archive)

    with pytest.raises(BadInput, match="one"):
        task.losses(batch_of(task, rows_to_learn(task, 1)), "all")


def test_a_teacher_is_not_trained(records: dict[str, Record], archive: FaceArchive) -> None:
    records["ir18_ts"]
    task = task_of(archive, "ir18_ts", found_weights(tiny_run("ir18_ts")))
    assert task.adaptation is not None
    teacher = load_recogniser(tiny_run("pointnet2"))

    assert task.modules.keys() == {"network", "head_2d"}
    batch = batch_of(task, rows_to_learn(task, 4))
    torch.stack(list(task.losses(batch, "all").values())).sum().backward()
    (told,) = task.adaptation.source.embed(task.modules, batch.clouds)
    clouds = inputs_of(METHODS["pointnet2"], archive, tiny_settings("pointnet2").clouds)(rows_to_learn(task, 4))
    torch.testing.assert_close(told.unit * told.norm, teacher(*clouds).unit * teacher(*clouds).norm)
    assert not told.unit.requires_grad


def test_views_of_a_cloud_differ_for_correspondence_alone(archive: FaceArchive) -> None:
    first, second = batch_of(task := untrained_task(archive, "ir18_imid_cmid"), rows_to_learn(task, 3)).clouds
    (plain,) = batch_of(task := untrained_task(archive, "ir18_mmd"), rows_to_learn(task, 3)).clouds

    assert not torch.allclose(first, second)
    torch.testing.assert_close(plain, task.data.clouds(rows_to_learn(task, 3), torch.Generator())[0])


@pytest.mark.parametrize("name", ["ir18", "jam", slow("dream"), slow("ir18_rst"), slow("ghostfacenet")])
def test_every_method_starts_from_its_pretrained_weights(
    records: dict[str, Record], archive: FaceArchive, name: str
) -> None:
    pretraining = METHODS[name].pretraining
    assert pretraining is not None
    records[pretraining]
    task = task_of(archive, name, found_weights(tiny_run(name)))
    network = task.network.backbone if name == "dream" else task.network
    body = network.body_2d if name == "jam" else network.body
    pretrained = load_recogniser(tiny_run(pretraining)).body.state_dict()
    for key, value in body.state_dict().items():
        torch.testing.assert_close(value, pretrained[key])


def test_too_few_people_for_a_false_accept_rate_are_refused() -> None:
    with pytest.raises(BadInput, match=r"\d+ impostor scores: expected at least 100"):
        train(tiny_run("ir18_scratch", **{"facescape.identities": 9, "facescape.views": 1}))
