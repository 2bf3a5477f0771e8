"""Whole runs of paper 3 at a size that takes seconds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import TINY_FACES as TINY

from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.papers import found_weights
from facelib.papers.sadrnet import METHODS, data_fingerprint, run_settings
from facelib.papers.sadrnet.data_sets import open_data, split_people
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.networks import build_network, face_model, start_encoder
from facelib.papers.sadrnet.protocol import metrics_of
from facelib.papers.sadrnet.tasks import LandmarkTask, ReconstructionTask
from facelib.papers.sadrnet.training import load_network, train
from facelib.runs.folders import record_path, run_folder
from facelib.runs.records import read_record, read_scores, same_result
from facelib.storage import sha256_of


@pytest.fixture(scope="module")
def reader_record():
    return read_record(train("landmark_reader", changes=TINY))


@pytest.fixture(scope="module")
def record(reader_record):
    return read_record(train("sadrnet", changes=TINY))


def task_of(method: str, kind: type[ReconstructionTask] = ReconstructionTask, **changes: object) -> ReconstructionTask:
    settings = run_settings(method, "smoke", changes={**TINY, **changes})
    archive = open_data(settings, "training")
    mapper = FaceMapper(face_model(), settings.network.image_size, settings.loss.regions)
    torch.manual_seed(0)
    network = build_network(METHODS[method], settings)
    rows = np.arange(len(archive))
    return kind(network, mapper, archive, rows, rows[:4], 8, settings.loss, settings.augmentation, "made")


def losses_of(task: ReconstructionTask, seed: int = 0) -> dict[str, torch.Tensor]:
    return task.losses(next(task.batches(0, torch.Generator().manual_seed(seed))))


def test_a_run_leaves_its_record(record):
    assert len(record.history) == 2
    assert set(record.history[0]["losses"]) == {
        "pose_dependent", "geometry", "deformation", "edge", "normal", "attention",
    }  # fmt: skip
    assert record.metrics["size_mb"]["value"] == pytest.approx(59.88, abs=0.01)
    assert record.data["fingerprint"] == data_fingerprint("sadrnet", "smoke", TINY)
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
    scores = read_scores(record_path(run_folder("sadrnet", "smoke", "sadrnet", 0, 0)), record)
    assert len(scores["sparse_2d"]) == 12
    assert len(scores["florence"]) == 20
    again = metrics_of(scores)
    for name, metric in again.items():
        assert record.metrics[name]["value"] == pytest.approx(metric["value"], abs=1e-12), name


def test_the_same_run_again_gives_the_same_record(record, tmp_path):
    again = read_record(train("sadrnet", changes=TINY, folder=tmp_path / "again"))
    assert same_result(record, again) == []


def test_the_trained_network_is_the_one_that_was_judged(record):
    network = load_network("sadrnet", changes=TINY)
    archive = open_data(run_settings("sadrnet", "smoke", changes=TINY), "aflw2000")
    from facelib.papers.sadrnet.protocol import evaluate_alignment

    mapper = FaceMapper(face_model(), 64, (16.0, 12.0, 3.0, 0.0))
    errors = evaluate_alignment(lambda faces, true: network(faces.images), mapper, archive, np.arange(12))
    assert errors["sparse_2d"].mean() == pytest.approx(record.metrics["sparse_2d"]["value"], rel=1e-4)


@pytest.mark.parametrize("method", ["direct_attention", "coefficients"])
def test_other_frameworks_run(reader_record, method):
    record = read_record(train(method, changes=TINY))
    assert np.isfinite(record.metrics["sparse_2d"]["value"])
    assert ("attention" in record.history[0]["losses"]) == (method == "direct_attention")


def test_the_baseline_needs_no_training():
    record = read_record(train("mean_face", changes=TINY))
    assert record.history == []
    assert 0 < record.metrics["sparse_2d"]["value"] < 0.5
    assert load_network("mean_face", changes=TINY).state_dict() == {}


def test_terms_have_their_weights():
    """Twice the weight gives twice the term; no weight, no mesh loss."""
    once, twice = losses_of(task_of("sadrnet")), losses_of(task_of("sadrnet", **{"loss.deformation": 1.0}))
    assert twice["deformation"].item() == pytest.approx(2 * once["deformation"].item())
    assert twice["geometry"].item() == pytest.approx(once["geometry"].item())
    assert set(once) - set(losses_of(task_of("no_mesh_loss"))) == {"edge", "normal"}


def test_a_framework_has_the_terms_of_what_it_predicts():
    assert set(losses_of(task_of("direct"))) == {"pose_dependent"}
    assert set(losses_of(task_of("direct_attention"))) == {"pose_dependent", "attention"}
    assert set(losses_of(task_of("regressed_pose"))) == {"geometry", "deformation", "edge", "normal"}


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


def test_self_alignment_trains_with_beta_g():
    """Eighty steps on one batch with the printed weights: every term stays finite, and their sum falls."""
    task = task_of("sadrnet", **{"augmentation.occlusion": 0.0})
    batch = posed_faces(task.archive, task.training[:8])
    optimizer = torch.optim.Adam(task.network.parameters(), 3e-3)
    sums = []
    for _ in range(80):
        terms = task.losses(batch)
        loss = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad.isfinite().all() for p in task.network.parameters() if p.grad is not None)
        optimizer.step()
        sums.append(float(loss.detach()))
    assert task.loss.geometry == 0.1
    assert np.mean(sums[-5:]) < 0.5 * np.mean(sums[:5])


def test_a_landmark_reader_is_judged_on_landmarks_alone(reader_record):
    assert set(reader_record.metrics) == {"sparse_2d", "sparse_3d"}
    assert set(reader_record.history[0]["losses"]) == {"landmarks"}
    scores = read_scores(record_path(run_folder("sadrnet", "smoke", "landmark_reader", 0, 0)), reader_record)
    assert reader_record.metrics["sparse_2d"]["value"] == pytest.approx(scores["sparse_2d"].mean())


def test_landmarks_off_by_a_tenth_of_the_image_cost_a_tenth():
    task = task_of("landmark_reader", LandmarkTask)
    batch = next(task.batches(0, torch.Generator().manual_seed(0)))
    true = task.mapper.template.landmarks_of(task.mapper(batch).geometry)

    class Shifted(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return true + torch.tensor([6.4, 0.0, 0.0])

    task.modules["network"] = Shifted()
    assert float(task.losses(batch)["landmarks"]) == pytest.approx(0.1, abs=1e-5)


def test_encoders_start_in_that_of_the_landmark_reader(record):
    weights = found_weights("sadrnet", "sadrnet", 0, "smoke")["landmark_reader"]
    assert record.code["needs"] == {"landmark_reader": sha256_of(weights)}
    settings = run_settings("sadrnet", "smoke", changes=TINY)
    network = build_network(METHODS["sadrnet"], settings)
    start_encoder(network, settings, weights)
    stored = load_file(weights)
    for part in ("low", "high"):
        for key, value in getattr(network, part).state_dict().items():
            assert torch.equal(value, stored[f"network.{part}.{key}"])


def test_without_a_warm_start_no_landmark_reader_is_asked_for(record, tmp_path, monkeypatch):
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path))
    with pytest.raises(MissingPart, match="facelib run sadrnet landmark_reader"):
        train("direct", changes=TINY)
    other = read_record(train("direct", changes={**TINY, "warm_start": False, "evaluation.florence": 1}))
    assert other.code["needs"] == {}


def test_a_pretraining_does_not_depend_on_later_stages():
    usual = run_settings("landmark_reader", "laptop")
    assert usual == run_settings("landmark_reader", "laptop", changes={"training.epochs": 3, "loss.edge": 0.0})
    assert usual != run_settings("landmark_reader", "laptop", changes={"network.width": 0.5})


def test_people_are_held_out_whole():
    archive = open_data(run_settings("sadrnet", "smoke", changes=TINY), "training")
    learnt, held_out = split_people(archive, 2)
    assert not set(learnt) & set(held_out)
    assert len(learnt) + len(held_out) == 5
    for wrong in (0, 5):
        with pytest.raises(BadInput, match="held out"):
            split_people(archive, wrong)


def test_bad_requests_are_named():
    with pytest.raises(UnknownName, match="sadrnet"):
        train("sadrnett")
    with pytest.raises(BadInput, match="one split"):
        train("sadrnet", fold=1)
    with pytest.raises(MissingPart, match="--tier gpu"):
        train("sadrnet", tier="paper")
    with pytest.raises(MissingPart, match="facelib run sadrnet"):
        load_network("scratch_shape", tier="laptop")
    with pytest.raises(BadInput, match="fewer than one batch"):
        train("sadrnet", changes={**TINY, "training.batch_size": 64})
