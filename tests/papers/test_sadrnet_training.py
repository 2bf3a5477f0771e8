"""Whole runs of paper 3 at a size that takes seconds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import TINY_FACES as TINY

from facelib.data.archive import FaceArchive
from facelib.data.embedded import W300LpSettings, fingerprint_of, open_w300lp
from facelib.data.embedded.aflw_300wlp import WEB_SCENE
from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.papers.datasets import combined_fingerprint
from facelib.papers.paper import RunInputs
from facelib.papers.run import found_weights, load_network, open_archive, train
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.building import build_task
from facelib.papers.sadrnet.data_sets import split_people
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.methods import ENCODER, METHODS, READER
from facelib.papers.sadrnet.networks import build_network, face_model, start
from facelib.papers.sadrnet.objective import stages
from facelib.papers.sadrnet.photographs import ArchivePhotographs, held_out_of_archive
from facelib.papers.sadrnet.protocol import evaluate_alignment, metrics_of
from facelib.papers.sadrnet.settings import PhotographAugmentation, ScheduleSettings
from facelib.papers.sadrnet.tasks import ReconstructionTask
from facelib.report.sadrnet.predictions import open_evaluator
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import Run
from facelib.runs.records import Record, read_record, read_scores, same_result
from facelib.storage import sha256_of


def tiny_run(method: str, **changes: object) -> Run:
    return Run("sadrnet", method, changes=PAPER.seen_changes(method, "smoke", {**TINY, **changes}))


def made(run: Run) -> Record:
    return read_record(train(run, say=lambda text: None))


def tiny_archive(name: str) -> FaceArchive:
    return open_archive(PAPER, "sadrnet", PAPER.run_settings("sadrnet", "smoke", changes=TINY), name)


@cache
def training_archive() -> FaceArchive:
    """What a run with licensed data would learn from: five people in four photographs each."""
    return open_w300lp(W300LpSettings(5, 4, scene=replace(WEB_SCENE, image_size=64)))


@pytest.fixture(scope="module")
def encoder_record():
    return made(tiny_run("face_encoder"))


@pytest.fixture(scope="module")
def record(encoder_record):
    return made(tiny_run("sadrnet"))


def task_of(method: str, **changes: object) -> ReconstructionTask:
    settings = PAPER.run_settings(method, "smoke", changes={**TINY, **changes})
    archive, rows = training_archive(), np.arange(20)
    mapper = FaceMapper(face_model(), settings.network.image_size, settings.loss.regions)
    torch.manual_seed(0)
    network = build_network(METHODS[method], settings)
    photographs = ArchivePhotographs(archive, rows, 8, settings.augmentation)
    held_out = held_out_of_archive(archive, rows[:4])
    return ReconstructionTask(network, mapper, photographs, held_out, settings.loss, settings.schedule, "made")


def losses_of(task: ReconstructionTask, seed: int = 0, phase: str = "all") -> dict[str, torch.Tensor]:
    return task.losses(next(task.batches(0, torch.Generator().manual_seed(seed))), phase)


def test_a_run_leaves_its_record(record):
    assert [set(row["losses"]) for row in record.history] == [
        {"deformation", "attention"},
        {"deformation", "attention", "pose_dependent", "geometry"},
        {"deformation", "attention", "pose_dependent", "geometry", "edge", "normal"},
    ]
    assert {f"gradient_{name}" for name in record.history[-1]["losses"]} == record.history[0]["watch"].keys()
    assert record.metrics["size_mb"]["value"] == pytest.approx(59.88, abs=0.01)
    assert record.changes == PAPER.seen_changes("sadrnet", "smoke", TINY)
    settings = PAPER.run_settings("sadrnet", "smoke", changes=TINY)
    read = {name: fingerprint_of(sizes) for name, sizes in PAPER.steps.data_sets(METHODS["sadrnet"], settings).items()}
    assert read.keys() == {"people_stream", "aflw2000", "same_people", "florence"}
    assert record.data == {"source": "embedded_people_stream", "fingerprint": combined_fingerprint(read)}
    for name in (
        "sparse_2d/60-90",
        "dense_3d",
        "reconstruction",
        "florence_rigid",
        "fix.pitch_error",
        "geodesic_error",
    ):
        assert np.isfinite(record.metrics[name]["value"]), name


def test_metrics_are_those_of_the_scores(record):
    scores = read_scores(record.run.record, record)
    assert len(scores["sparse_2d"]) == 12
    assert len(scores["florence"]) == 20
    again = metrics_of(scores)
    for name, metric in again.items():
        assert record.metrics[name]["value"] == pytest.approx(metric["value"], abs=1e-12), name


def test_pictures_know_the_scores_of_each_photograph(record):
    evaluator = open_evaluator({"SADRNet": record})
    assert {len(values) for values in evaluator.scores["SADRNet"].values()} == {12} == {len(evaluator.archive)}
    assert {"sparse_2d", "shape_mm", "aflw_angle_error"} <= evaluator.scores["SADRNet"].keys()


def test_the_same_run_again_gives_the_same_record(record, tmp_path, monkeypatch):
    encoder = tiny_run("face_encoder").folder
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path))
    tiny_run("face_encoder").folder.parent.mkdir(parents=True)
    tiny_run("face_encoder").folder.symlink_to(encoder, target_is_directory=True)
    again = made(tiny_run("sadrnet"))
    found = [text for text in same_result(record, again) if not text.startswith("code.digest")]
    assert found == []  # somebody may edit the code while the tests run


def test_the_trained_network_is_the_one_that_was_judged(record):
    network, archive = load_network(tiny_run("sadrnet")), tiny_archive("aflw2000")
    mapper = FaceMapper(face_model(), 64, (16.0, 12.0, 3.0, 0.0))
    errors = evaluate_alignment(lambda faces, true: network(faces.images), mapper, archive, np.arange(12))
    assert errors["sparse_2d"].mean() == pytest.approx(record.metrics["sparse_2d"]["value"], rel=1e-4)


@pytest.mark.parametrize("method", ["direct_attention", "coefficients"])
def test_other_frameworks_run(encoder_record, method):
    record = made(tiny_run(method))
    assert np.isfinite(record.metrics["sparse_2d"]["value"])
    assert ("attention" in record.history[0]["losses"]) == (method == "direct_attention")


def test_the_baseline_needs_no_training():
    record = made(tiny_run("mean_face"))
    assert record.history == []
    assert 0 < record.metrics["sparse_2d"]["value"] < 0.5
    assert load_network(tiny_run("mean_face")).state_dict() == {}


def test_terms_have_their_weights():
    """Twice the weight gives twice the term; no weight, no mesh loss."""
    once, twice = losses_of(task_of("sadrnet")), losses_of(task_of("sadrnet", **{"loss.deformation": 8.0}))
    assert twice["deformation"].item() == pytest.approx(2 * once["deformation"].item())
    assert twice["geometry"].item() == pytest.approx(once["geometry"].item())
    assert set(once) - set(losses_of(task_of("no_mesh_loss"))) == {"edge", "normal"}


def test_a_framework_has_the_terms_of_what_it_predicts():
    for phase in ("deformation", "all"):  # a network without a shape has nothing else to begin with
        assert set(losses_of(task_of("direct"), phase=phase)) == {"pose_dependent"}
    assert set(losses_of(task_of("direct_attention"))) == {"pose_dependent", "attention"}
    assert set(losses_of(task_of("regressed_pose"))) == {"geometry", "deformation", "edge", "normal"}
    assert set(losses_of(task_of("regressed_pose"), phase="deformation")) == {"deformation"}


def test_the_normalisations_are_the_same_losses_in_other_units():
    """Of the published code: 66.67 mm, 280 of 256 pixels, region weights as they are, the mean of three cosines."""
    printed, published = (
        losses_of(task_of("sadrnet", **{"loss.normalisation": name})) for name in ("printed", "published")
    )
    mapper = task_of("sadrnet").mapper
    weight = mapper.weights[mapper.evaluated].mean().item()
    assert 3 < weight < 7  # 5.18 at the paper's size, where landmarks are fewer of the texels
    ratio = {name: (published[name] / printed[name]).item() for name in printed}
    assert ratio["deformation"] == pytest.approx(weight * 3, rel=1e-4)
    for name in ("pose_dependent", "geometry"):
        assert ratio[name] == pytest.approx(weight * 256 / 280, rel=1e-4)
    assert ratio["attention"] == 1
    assert ratio["edge"] == pytest.approx(3, rel=0.2)  # without the neck's
    assert ratio["normal"] == pytest.approx(1 / 3, rel=0.2)


def test_before_the_last_phase_the_alignment_leaves_the_shape_alone():
    task = task_of("sadrnet")
    head = task.network.shape_head[-2].weight
    for phase, learns in (("joint", False), ("all", True)):
        geometry = losses_of(task, phase=phase)["geometry"]
        gradient = torch.autograd.grad(geometry, head, allow_unused=True)[0]
        assert (gradient is not None and bool(gradient.any())) == learns


def test_stages_come_in_the_order_of_the_schedule():
    assert [stage.phases[0].name for stage in stages(ScheduleSettings())] == ["all"]
    made = stages(ScheduleSettings(deformation=2, joint=3))
    assert [(stage.phases[0].name, stage.epochs) for stage in made] == [("deformation", 2), ("joint", 3), ("all", None)]
    with pytest.raises(BadInput, match=r"schedule\.joint is -1"):
        ScheduleSettings(joint=-1)


def test_the_geometry_weighs_as_much_as_the_map_that_it_stands_for():
    """A regressed pose has no P: its G carries beta_P."""
    of_pose, halved = (losses_of(task_of("regressed_pose", **{"loss.pose_dependent": w})) for w in (1.0, 0.5))
    assert halved["geometry"].item() == pytest.approx(of_pose["geometry"].item() / 2)


def test_batches_are_drawn_from_the_generator_alone():
    task = task_of("sadrnet")
    one, same, other = (next(task.batches(0, torch.Generator().manual_seed(seed))) for seed in (1, 1, 2))
    assert torch.equal(one.images, same.images)
    assert torch.equal(one.skin, same.skin)
    assert not torch.equal(one.images, other.images)


@pytest.mark.slow
def test_self_alignment_trains_with_beta_g():
    """Eighty steps on one batch with the printed weights: every term stays finite, and their sum falls."""
    task = task_of("sadrnet", **{"augmentation.occlusion": 0.0})
    batch = posed_faces(training_archive(), np.arange(8))
    optimizer = torch.optim.Adam(task.network.parameters(), 3e-3)
    sums = []
    for _ in range(80):
        terms = task.losses(batch, "all")
        loss = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad.isfinite().all() for p in task.network.parameters() if p.grad is not None)
        optimizer.step()
        sums.append(float(loss.detach()))
    assert task.objective.beta.geometry == 0.1
    assert np.mean(sums[-5:]) < 0.5 * np.mean(sums[:5])


def test_the_face_encoder_is_judged_by_its_landmarks_and_by_the_face_that_it_reads(encoder_record):
    assert set(encoder_record.history[0]["losses"]) == {"landmarks", "visible", "pose", "shape"}
    assert {"sparse_2d", "dense_3d", "reconstruction", "pose_error"} <= encoder_record.metrics.keys()
    assert "florence" not in encoder_record.metrics
    scores = read_scores(encoder_record.run.record, encoder_record)
    assert encoder_record.metrics["sparse_3d"]["value"] == pytest.approx(scores["sparse_3d"].mean())


def test_two_starts_see_other_people(encoder_record):
    def first_batch(seed: int) -> torch.Tensor:
        method, settings = METHODS["face_encoder"], PAPER.run_settings("face_encoder", "smoke", seed, TINY)
        archives = {"people_stream": open_archive(PAPER, "face_encoder", settings, "people_stream")}
        task = build_task(RunInputs(method, settings, 0, seed, archives, {}, "made"), build_network(method, settings))
        return next(iter(task.batches(0, torch.Generator()))).shape

    assert torch.equal(first_batch(0), first_batch(0))
    assert not torch.equal(first_batch(0), first_batch(1))


def test_encoders_start_in_the_face_encoder(record):
    weights = found_weights(tiny_run("sadrnet"))["face_encoder"]
    assert weights == tiny_run("face_encoder").weights
    assert record.code["needs"] == {"face_encoder": sha256_of(weights)}
    settings = PAPER.run_settings("sadrnet", "smoke", changes=TINY)
    network = build_network(METHODS["sadrnet"], settings)
    start(network, settings, {ENCODER: weights})
    stored = load_file(weights)
    for part in ("low", "high"):
        for key, value in getattr(network, part).state_dict().items():
            assert torch.equal(value, stored[f"network.{part}.{key}"])


def test_a_network_that_unposes_starts_with_the_landmarks_and_the_second_look_of_its_pretrainings(tmp_path):
    torch.manual_seed(0)
    settings = PAPER.run_settings("unposed_shape", "smoke", changes={"network.attention": False})
    encoder, reader = (
        build_network(METHODS[name], PAPER.run_settings(name, "smoke")).eval() for name in (ENCODER, READER)
    )
    torch.nn.init.normal_(encoder.reading.weight, std=0.01)
    files = {name: tmp_path / f"{name}.safetensors" for name in (ENCODER, READER)}
    save_weights(files[ENCODER], {"network": encoder})
    save_weights(files[READER], {"network": reader})
    network = build_network(METHODS["unposed_shape"], settings)
    start(network, settings, files)

    size = settings.network.image_size
    images = torch.rand(2, 3, size, size)
    with torch.no_grad():
        read = encoder(images)
        found, expected = network.eval()(images).first_landmarks, read.landmarks
        looks = [
            code(each.unposed(images, read.pose))
            for each, code in ((network, network.unposed_code), (reader, reader.hidden))
        ]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    assert torch.equal(*looks)


def test_a_missing_face_encoder_is_asked_for_at_the_same_size(tmp_path, monkeypatch):
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path))
    with pytest.raises(MissingPart, match=r"facelib run sadrnet face_encoder .*--set network\.width=0\.0625"):
        made(tiny_run("direct"))
    with pytest.raises(MissingPart, match=r"run `facelib run sadrnet face_encoder --fold 0 --tier smoke` first"):
        made(Run("sadrnet", "direct", changes={"training.epochs": 3}))  # which a face encoder does not see


@pytest.mark.parametrize("warm", [True, False])
def test_a_warm_start_is_a_setting(record, warm):
    settings = PAPER.run_settings("sadrnet", "smoke", changes={**TINY, "warm_start": warm})
    archives, weights = {"aflw2000": tiny_archive("aflw2000")}, {"face_encoder": tiny_run("face_encoder").weights}
    network = build_network(METHODS["sadrnet"], settings)
    before = {name: value.clone() for name, value in network.low.state_dict().items()}
    build_task(RunInputs(METHODS["sadrnet"], settings, 0, 0, archives, weights, "made"), network)
    kept = all(torch.equal(value, before[name]) for name, value in network.low.state_dict().items())
    assert kept != warm


def test_a_pretraining_does_not_depend_on_later_stages():
    usual = PAPER.run_settings("face_encoder", "laptop")
    assert usual == PAPER.run_settings("face_encoder", "laptop", changes={"training.epochs": 3, "loss.edge": 0.0})
    assert usual != PAPER.run_settings("face_encoder", "laptop", changes={"network.width": 0.5})


def test_people_are_held_out_whole():
    archive = training_archive()
    learnt, held_out = split_people(archive, 2)
    assert not set(learnt) & set(held_out)
    assert len(learnt) + len(held_out) == 5
    for wrong in (0, 5):
        with pytest.raises(BadInput, match="held out"):
            split_people(archive, wrong)


def test_bad_requests_are_named(encoder_record):
    with pytest.raises(UnknownName, match="sadrnet"):
        train(Run("sadrnet", "sadrnett"))
    with pytest.raises(BadInput, match="fold is 1: sadrnet of paper 3 has folds 0 to 0"):
        train(Run("sadrnet", "sadrnet", fold=1))
    with pytest.raises(MissingPart, match="FACELIB_DATA is not set: set it to a folder that holds 300W-LP"):
        train(Run("sadrnet", "sadrnet", tier="paper"))
    with pytest.raises(MissingPart, match="facelib run sadrnet scratch_shape --fold 0 --tier laptop"):
        load_network(Run("sadrnet", "scratch_shape", tier="laptop"))
    with pytest.raises(BadInput, match="fewer than one batch"):
        ArchivePhotographs(training_archive(), np.arange(20), 64, PhotographAugmentation())
