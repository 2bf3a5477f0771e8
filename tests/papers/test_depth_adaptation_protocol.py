"""Paper 4's frames, errors and intervals: known heads and turns, what stands in, and what trainings are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_runs import use_private_cache

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import labelled_depth, without_labels
from facelib.data.embedded import SynData2Settings, open_syn_data
from facelib.faces.depth_scene import DepthSceneSettings
from facelib.faces.head_finding import FoundHead
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.skin_surface import SkinSurface, edges_of
from facelib.geometry.depth_view import FACE_VIEW, HEAD_VIEW, DepthView
from facelib.geometry.rotations import euler_to_matrix, matrix_to_quaternion, quaternion_to_matrix
from facelib.models.depth_networks import HeadPose
from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.bootstrap import bootstrap_metrics
from facelib.papers.depth_adaptation.building import build_task
from facelib.papers.depth_adaptation.data_sets import data_sets
from facelib.papers.depth_adaptation.domains import DomainFrames, held_out, parted, source_frames
from facelib.papers.depth_adaptation.methods import METHODS
from facelib.papers.depth_adaptation.metrics import METRICS
from facelib.papers.depth_adaptation.networks import build_network, face_surface
from facelib.papers.depth_adaptation.protocol import (
    evaluate_poses,
    evaluate_shapes,
    head_errors,
    metrics_of,
    pose_errors,
    roughness,
    values_of,
)
from facelib.papers.depth_adaptation.readers import frontal, mean_heads, pose_reader, reach_of, shape_reader, view_of
from facelib.papers.depth_adaptation.reconstruction import crop_of
from facelib.papers.depth_adaptation.run_settings import TIERS, DepthRunSettings
from facelib.papers.failures import FAILED
from facelib.papers.paper import RunInputs
from facelib.runs.settings import override

SETTINGS = override(DepthRunSettings(), TIERS["smoke"])
REACH = reach_of(SETTINGS)
SIZE = SETTINGS.network.image_size


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[FaceArchive]:
    """Twelve clean frames of four people."""
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        sizes = SynData2Settings(identities=4, frames=12, limits=(40.0, 20.0, 10.0))
        yield open_syn_data(replace(sizes, scene=replace(sizes.scene, image_size=SIZE)))


@pytest.fixture(scope="module")
def surface(face_model: MorphableModel) -> SkinSurface:
    return face_surface()


@pytest.fixture(scope="module")
def heads(archive: FaceArchive, surface: SkinSurface) -> torch.Tensor:
    labelled = labelled_depth(archive, np.arange(len(archive)))
    return surface.heads(surface.displacements(labelled.shape, labelled.action))


def test_the_true_head_has_no_error_and_the_mean_face_has(heads: torch.Tensor, surface: SkinSurface) -> None:
    right = head_errors(heads[0], heads[0], surface)
    assert {name: right[name] for name in ("fitting", "flying", "plane")} == pytest.approx(
        {"fitting": 0, "flying": 0, "plane": 0}, abs=1e-4
    )
    mean = head_errors(surface.mean, heads[0], surface)
    assert mean["plane"] > 0.3
    assert mean["fitting"] < (mean["vertices"] / 10) ** 2 * 2  # the nearest point is nearer than the corresponding one
    assert mean["roughness"] == 0


def test_where_a_head_lies_is_no_error_of_its_shape_but_its_size_is(heads: torch.Tensor, surface: SkinSurface) -> None:
    turn = euler_to_matrix(*torch.tensor([0.5, -0.2, 0.1]))
    moved = head_errors(heads[0] @ turn.T + 30, heads[0], surface)
    assert moved["vertices"] < 1e-2
    assert head_errors(1.05 * heads[0], heads[0], surface)["vertices"] > 1


def test_roughness_by_hand() -> None:
    """One corner of a tetrahedron moved by 3: it differs from its neighbours' mean by 3, each other one by 1."""
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    moved = torch.zeros(4, 3)
    moved[0, 1] = 3.0
    assert roughness(moved, edges_of(triangles)) == pytest.approx(((9 + 3) / 4) ** 0.5)
    assert roughness(torch.ones(4, 3), edges_of(triangles)) == 0


def test_errors_of_turns_that_are_off_in_the_frame_of_the_head_or_of_the_camera() -> None:
    generator = torch.Generator().manual_seed(0)
    true = euler_to_matrix(*(0.4 * torch.randn(3, 20, generator=generator, dtype=torch.float64)))
    off = euler_to_matrix(*torch.tensor([0.1, 0.05, -0.02], dtype=torch.float64))
    sequence = np.repeat([1, 2], 10)
    of_head = pose_errors((true @ off).numpy(), true.numpy(), sequence)
    of_camera = pose_errors((off @ true).numpy(), true.numpy(), sequence)
    assert of_head["fitted"].max() < 1e-3 < of_head["mae"].min()
    assert of_camera["first"].max() < 1e-3 < of_camera["fitted"].mean()
    angle = np.rad2deg(np.arccos((np.trace(off.numpy()) - 1) / 2))
    np.testing.assert_allclose(of_camera["geodesic"], angle, atol=1e-5)
    single = pose_errors(np.eye(3)[None], euler_to_matrix(*torch.tensor([0.3, 0.0, 0.0]))[None].numpy(), np.zeros(1))
    assert [single[name][0] for name in ("yaw", "pitch", "roll")] == pytest.approx([np.rad2deg(0.3), 0, 0], abs=1e-3)
    assert single["mae"][0] == pytest.approx(np.rad2deg(0.1), abs=1e-3)


def test_the_mean_face_stands_in_for_what_is_not_finite(
    archive: FaceArchive, heads: torch.Tensor, surface: SkinSurface
) -> None:
    tested = np.asarray(archive.arrays["identity"]) >= 2
    broken = heads.clone()
    broken[3] = torch.nan
    depth = torch.from_numpy(archive.arrays["depth"].astype(np.float32))

    def read(frames):  # type: ignore[no-untyped-def]
        rows = [int((depth - 10 * one).flatten(1).abs().sum(dim=1).argmin()) for one in frames.depth]
        return broken[rows]

    found, mean = (evaluate_shapes(reader, archive, tested, surface) for reader in (read, mean_heads(surface)))
    assert found[f"shape_{FAILED}"].tolist() == [number == 3 for number in range(12)]
    assert found["plane"][3] == pytest.approx(mean["plane"][3])
    assert np.delete(found["plane"], 3).max() < 1e-3 < mean["plane"].min()
    metrics = metrics_of(found)
    assert metrics["plane"]["value"] < 1e-3
    assert metrics["plane/learnt"]["value"] == pytest.approx(mean["plane"][3] / 6, abs=1e-3)
    assert metrics["fitting_30"] == metrics["fitting/learnt"]  # all six of those who were learnt from
    neutral = tested & (archive.arrays["expression"] == 0)
    assert 0 < neutral.sum() < tested.sum()
    assert metrics_of(mean)["plane/neutral"]["value"] == pytest.approx(mean["plane"][neutral].mean())
    estimates = bootstrap_metrics(metrics_of(mean), mean, resamples=20)
    assert dict(zip(estimates.names, estimates.estimates, strict=True)) == pytest.approx(
        {name: each["value"] for name, each in metrics_of(mean).items()}
    )


def test_the_deviation_over_samples_is_resampled_with_the_people() -> None:
    """Of two people a resample has the first one twice, or the second, or both."""
    errors = np.array([0.01, 0.03, 0.05, 0.11])
    scores = dict.fromkeys(("flying", "plane", "vertices", "roughness"), errors) | {"fitting": errors}
    scores |= {"shape_tested": np.zeros(4, bool), "shape_identity": np.array([0, 0, 1, 1])}
    scores |= {"shape_neutral": np.ones(4, bool), "shape_failed": np.zeros(4, bool)}
    found = bootstrap_metrics({}, scores, resamples=40)
    column = found.names.index("fitting_30_sd")
    assert found.estimates[column] == pytest.approx(errors.std())
    drawn = np.unique(found.samples[:, column].round(9))
    assert drawn == pytest.approx(sorted([errors[:2].std(), errors[2:].std(), errors.std()]))


def test_poses_are_told_from_the_middles_of_the_crops(archive: FaceArchive) -> None:
    rows = np.arange(12)

    def truth(labelled):  # type: ignore[no-untyped-def]
        quaternion = matrix_to_quaternion(labelled.rotation)
        quaternion[5] = torch.nan
        return HeadPose(quaternion, labelled.translation - labelled.frames.middles(REACH))

    scores = evaluate_poses(truth, archive, rows, "group_2", REACH)
    assert scores["group_2_position"][[0, 1, 11]].max() == 0
    assert scores[f"group_2_{FAILED}"].tolist() == [number == 5 for number in range(12)]
    np.testing.assert_allclose(scores["group_2_found"][5], np.eye(3))
    jitter = evaluate_poses(lambda labelled: frontal(len(labelled)), archive, rows, "group_2", REACH)
    assert 2 < jitter["group_2_position"].mean() < 40  # the crop's jitter is 8 mm along each axis
    every_third = evaluate_poses(truth, archive, rows, "group_2", REACH, 3)
    assert set(every_third) == set(scores)
    np.testing.assert_array_equal(every_third["group_2_true"], scores["group_2_true"][::3])
    np.testing.assert_array_equal(every_third["group_2_position"], scores["group_2_position"][::3])
    right = np.arange(12) != 5
    assert values_of(scores)["group_2"]["group_2/mae"][right].max() < 1e-2
    assert metrics_of(scores).keys() <= METRICS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_reads_what_it_says(name: str, archive: FaceArchive, surface: SkinSurface) -> None:
    method, labelled = METHODS[name], labelled_depth(archive, np.arange(3))
    network = build_network(method, SETTINGS).eval()
    if method.reads == "shape":
        found = shape_reader(method, SETTINGS, network)(labelled.frames)
        assert found.shape == (3, *surface.mean.shape)
        if name != "model_fit":
            assert head_errors(found[0], surface.mean, surface)["roughness"] < 0.2
    else:
        pose = pose_reader(method, SETTINGS, network)(labelled)
        assert (pose.quaternion.shape, pose.translation.shape) == ((3, 4), (3, 3))


def test_a_tracker_starts_at_the_truth_and_finds_clean_heads(archive: FaceArchive, surface: SkinSurface) -> None:
    labelled = labelled_depth(archive, np.arange(4))
    middle = labelled.frames.middles(REACH)
    pose = pose_reader(METHODS["icp_tracking"], SETTINGS, torch.nn.Identity())(labelled)
    torch.testing.assert_close(quaternion_to_matrix(pose.quaternion[:1]), labelled.rotation[:1], atol=1e-4, rtol=0)
    torch.testing.assert_close(pose.translation[:1], (labelled.translation - middle)[:1], atol=1e-3, rtol=0)
    lifted = labelled_depth(archive, np.array([0, 0]))  # the same frame again: of a person who is not the mean
    again = pose_reader(METHODS["icp_tracking"], SETTINGS, torch.nn.Identity())(lifted)
    errors = pose_errors(quaternion_to_matrix(again.quaternion).numpy(), lifted.rotation.numpy(), np.zeros(2))
    assert errors["geodesic"][1] < 6
    assert (again.translation - (lifted.translation - middle[:1]))[1].norm() < 10


def test_an_epoch_has_each_source_frame_once_and_each_target_frame_as_often_as_fills_it(archive, surface) -> None:  # type: ignore[no-untyped-def]
    frames = DomainFrames(archive, np.arange(12), without_labels(archive), np.arange(4), surface, REACH, 4)
    drawn = list(frames.batches(0, torch.Generator().manual_seed(0)))
    again = next(frames.batches(0, torch.Generator().manual_seed(0)))
    assert frames.batch_count == len(drawn) == 3
    torch.testing.assert_close(drawn[0].source.shape, again.source.shape)
    everything = source_frames(labelled_depth(archive, np.arange(12)), surface, REACH)
    shown = torch.cat([batch.source.translation for batch in drawn])
    assert torch.equal(shown.unique(dim=0), everything.translation.unique(dim=0))
    targets = torch.cat([batch.target.positions.nan_to_num().flatten(1) for batch in drawn])
    assert torch.unique(targets, dim=0, return_counts=True)[1].tolist() == [3, 3, 3, 3]


def test_the_last_people_are_held_out() -> None:
    people = np.array([0, 0, 1, 2, 2, 3, 4, 5, 6, 7])
    learnt, held = parted(people, 3)
    assert held.tolist() == [8, 9]  # a quarter of eight people
    assert learnt.tolist() == list(range(8))


def test_held_out_frames_are_spread_evenly(archive: FaceArchive, surface: SkinSurface) -> None:
    frames = DomainFrames(archive, np.arange(4), without_labels(archive), np.arange(4), surface, REACH, 4)
    (batch,) = held_out(frames, np.arange(4, 12), np.arange(3))
    assert len(batch.source) == len(batch.target) == 3
    expected = source_frames(labelled_depth(archive, np.array([4, 7, 11])), surface, REACH)
    torch.testing.assert_close(batch.source.translation, expected.translation)


@pytest.mark.parametrize("name", ["dashapenet", "dann", "dapose", "pose_biwi_labels"])
def test_tasks_train_the_network_that_is_evaluated(name: str, archive: FaceArchive) -> None:
    method = METHODS[name]
    labels = "target" if name == "pose_biwi_labels" else "rendered"
    settings = override(SETTINGS, {"frames.labels": labels, "training.batch_size": 2, "pose_training.batch_size": 2})
    settings = override(settings, {f"adaptation.{key.split('.')[1]}": value for key, value in method.changes.items()
                                   if key.startswith("adaptation")})  # fmt: skip
    arrays = dict(archive.arrays)
    arrays["sequence"] = np.array([1, 2, 3, 4] * 3, np.int16) + 9  # 11 and 12 are tested
    target = FaceArchive("target", "0", arrays)
    wanted = list(data_sets(method, settings))
    archives = {each: archive if each.startswith("syn") else target for each in wanted}
    network = build_network(method, settings)
    task = build_task(RunInputs(method, settings, 0, 0, archives, {}, "tiny"), network)
    batch = next(iter(task.batches(0, torch.Generator().manual_seed(0))))
    phases = [phase for stage in task.schedule for phase in stage.phases]
    sum(task.losses(batch, phases[0 if method.kind == "pose" else -1].name).values()).backward()
    touched = [parameter for parameter in network.parameters() if parameter.grad is not None]
    assert touched
    assert not {"shape", "pose"} & set(vars(batch.target))


@pytest.mark.parametrize(("name", "view"), [("dashapenet", FACE_VIEW), ("icp_face", FACE_VIEW), ("dapose", HEAD_VIEW)])
def test_users_frames_are_cut_as_those_of_trainings(name: str, view: DepthView) -> None:
    settings = PAPER.run_settings(name, "smoke")
    assert view_of(settings) == view
    for sizes in data_sets(METHODS[name], settings).values():
        assert (sizes.scene.reach, sizes.scene.before) == view  # type: ignore[attr-defined]
    place = torch.tensor([40.0, -20.0, 900.0])
    found = FoundHead(place, torch.eye(3), 1.0, 0.0)
    frames = crop_of(found, torch.full((480, 640), 900.0), DepthSceneSettings().camera, settings)
    torch.testing.assert_close(frames.middles(view.reach), view.middle(place[None]), atol=0.1, rtol=0)
