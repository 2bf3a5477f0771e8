"""Scores and metrics by pose, against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.data.protocol import Role
from facelib.errors import BadInput, UnknownName
from facelib.metrics.identification import probe_ranks
from facelib.models.blocks import Embedding
from facelib.papers.failures import failed_metric
from facelib.papers.joint_attention.inputs import Inputs, inputs_of
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.joint_attention.protocol import (
    ARL_VTF_PREFIX,
    arl_vtf_rows,
    data_set_scores,
    embed,
    evaluate_arl_vtf,
    evaluate_facescape,
    pose_metrics,
    score_probes,
    split_scores,
    validation_metrics,
)
from facelib.papers.joint_attention.settings import CloudSettings

PEOPLE = 101  # one probe of each against all: 100 impostor scores a probe, so 1 % is one score a probe
ANGLES = {"0-10": 5.0, "10-30": 20.0, "30-60": 45.0, "60-90": 75.0, "90+": 100.0}


def constructed(genuine_of_bin: dict[str, float], impostor_of_bin: dict[str, float]) -> dict[str, np.ndarray]:
    """A probe of each person in each named bin; all genuine scores of a bin are equal, and so are its impostors'."""
    scores, identity, angle = [], [], []
    for name, genuine in genuine_of_bin.items():
        block = np.full((PEOPLE, PEOPLE), impostor_of_bin[name])
        np.fill_diagonal(block, genuine)
        scores.append(block)
        identity.append(np.arange(PEOPLE))
        angle.append(np.full(PEOPLE, np.deg2rad(ANGLES[name])))
    return {
        "scores": np.concatenate(scores),
        "probe_identity": np.concatenate(identity),
        "probe_angle": np.concatenate(angle),
        "identities": np.arange(PEOPLE),
    }


def values(metrics: dict[str, dict[str, object]]) -> dict[str, float]:
    assert all(metric["unit"] == "fraction" for metric in metrics.values())
    return {name: metric["value"] for name, metric in metrics.items()}  # type: ignore[misc]


def test_each_bin_has_a_threshold_of_its_own() -> None:
    # Profile: genuine 0.3 against impostors at 0.1 passes its own threshold, though frontal impostors reach 0.5.
    found = values(pose_metrics(constructed({"0-10": 0.9, "90+": 0.3}, {"0-10": 0.5, "90+": 0.1}), ("0-10", "90+")))

    assert found["tar_at_far_1pct/0-10"] == 1
    assert found["tar_at_far_1pct/90+"] == 1
    # Pooled: half of the impostors score 0.5, so the threshold lies above it and the profile probes fail.
    assert found["tar_at_far_1pct"] == 0.5
    # Genuine 0.9 beats all; genuine 0.3 beats the half at 0.1.
    assert found["auc"] == 0.75
    assert found["rank1"] == 1


def test_pooled_is_not_the_mean_of_bins() -> None:
    scored = constructed({"0-10": 0.9, "30-60": 0.2}, {"0-10": 0.1, "30-60": 0.5})
    scored["probe_angle"][PEOPLE // 2 : PEOPLE] = np.deg2rad(ANGLES["30-60"])  # 50 frontal probes, 152 half-turned ones
    found = values(pose_metrics(scored, ("0-10", "30-60")))

    assert found["tar_at_far_1pct/0-10"] == 1
    assert found["tar_at_far_1pct/30-60"] == pytest.approx(51 / 152)
    assert found["tar_at_far_1pct"] == 0.5


def test_one_percent_of_impostors_may_pass() -> None:
    scored = constructed({"0-10": 0.5}, {"0-10": 0.1})
    strangers = ~np.eye(PEOPLE, dtype=bool)
    ranked = np.flatnonzero(strangers.ravel())
    scored["scores"].ravel()[ranked[:101]] = 0.8  # exactly 1 % of 10,100
    assert values(pose_metrics(scored, ("0-10",)))["tar_at_far_1pct/0-10"] == 1

    scored["scores"].ravel()[ranked[101]] = 0.8  # one more
    assert values(pose_metrics(scored, ("0-10",)))["tar_at_far_1pct/0-10"] == 0


def test_bins_are_half_open() -> None:
    scored = constructed({"0-10": 0.9}, {"0-10": 0.1})
    scored["probe_angle"][:] = np.deg2rad(10.0) * (1 + 1e-12)

    assert len(split_scores(scored, "10-30")[0]) == PEOPLE
    assert len(split_scores(scored)[0]) == PEOPLE
    with pytest.raises(BadInput):
        split_scores(scored, "0-10")


def test_fewer_than_100_impostors_are_refused() -> None:
    scored = constructed({"0-10": 0.9}, {"0-10": 0.1})
    few = {
        "scores": scored["scores"][:9, :12],
        "probe_identity": scored["probe_identity"][:9],
        "probe_angle": scored["probe_angle"][:9],
        "identities": scored["identities"][:12],
    }
    with pytest.raises(BadInput, match="pose 0-10: 99 impostor scores: expected at least 100"):
        pose_metrics(few, ("0-10",))


def test_an_empty_bin_is_named() -> None:
    with pytest.raises(BadInput, match=r"pose 90\+"):
        pose_metrics(constructed({"0-10": 0.9}, {"0-10": 0.1}), ("0-10", "90+"))


def archive_of_colours(people: int = 6, photographs: int = 9) -> FaceArchive:
    """Everybody is a colour of their own, photographs differ in brightness and turn away one by one."""
    generator = np.random.default_rng(0)
    colour = generator.uniform(0.3, 1, (people, 1, 3, 1, 1)) * np.ones((1, photographs, 1, 4, 4))
    images = colour * np.linspace(255, 150, photographs)[None, :, None, None, None]
    count = people * photographs
    return FaceArchive(
        "colours",
        "print",
        {
            "images": images.reshape(count, 3, 4, 4).astype(np.uint8),
            "identity": np.repeat(np.arange(people), photographs),
            "expression": np.zeros(count, np.int16),
            "angle": np.deg2rad(np.tile(np.linspace(0, 100, photographs), people)).astype(np.float32),
            "pose": np.zeros((count, 3), np.float32),
            "cloud": np.full(count, -1),
        },
    )


def images_of(archive: FaceArchive) -> Inputs:
    return inputs_of(METHODS["ir18"], archive, CloudSettings())


class MeanColour(nn.Module):
    """Embeds an image as its mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, images: torch.Tensor) -> Embedding:
        assert not self.training
        self.seen.append(tuple(images.shape))
        mean = images.mean(dim=(2, 3)) * self.scale
        norm = mean.norm(dim=1, keepdim=True)
        return Embedding(mean / norm, norm)


def test_embedding_needs_images_alone() -> None:
    archive = archive_of_colours()
    network = MeanColour().train()
    embeddings = embed(network, images_of(archive), np.arange(len(archive)))

    assert embeddings.shape == (54, 3)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-6)
    assert network.training  # put back as it was


def test_embedding_in_batches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    archive, rows = archive_of_colours(), np.arange(10, 53)
    whole = embed(MeanColour(), images_of(archive), rows)
    monkeypatch.setattr("facelib.papers.joint_attention.protocol.SAMPLES_AT_ONCE", 7)
    network = MeanColour()

    np.testing.assert_array_equal(embed(network, images_of(archive), rows), whole)
    assert [shape[0] for shape in network.seen] == [7] * 6 + [1]


def test_embedding_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="no rows to embed"):
        embed(MeanColour(), images_of(archive_of_colours()), np.array([], int))


def test_scores_are_the_best_cosine_of_the_gallery() -> None:
    archive = archive_of_colours()
    rows = np.arange(9, 54)  # without the first person
    embeddings = embed(MeanColour(), images_of(archive), rows)
    scored = evaluate_facescape(embeddings, archive, rows)

    assert scored["identities"].tolist() == [1, 2, 3, 4, 5]
    assert scored["scores"].shape == (20, 5)
    assert scored["probe_rows"][:4].tolist() == [14, 15, 16, 17]  # the five most frontal are enrolled
    expected = max(float(embeddings[14 - 9] @ embeddings[row - 9]) for row in range(18, 23))
    assert scored["scores"][0, 1] == pytest.approx(expected, abs=1e-6)
    genuine, _ = split_scores(scored)
    assert genuine.min() > 0.999


def test_fusion_by_mean_is_lower_and_unknown_ones_are_refused() -> None:
    archive = archive_of_colours()
    rows = np.arange(54)
    embeddings = np.random.default_rng(1).normal(size=(54, 8))

    gallery, probes = rows[rows % 9 < 5], rows[rows % 9 >= 5]

    best = score_probes(embeddings, archive, rows, gallery, probes)["scores"]
    mean = score_probes(embeddings, archive, rows, gallery, probes, fusion="mean")["scores"]
    assert (mean < best).all()
    with pytest.raises(UnknownName, match="unknown fusion 'maximum'"):
        score_probes(embeddings, archive, rows, gallery, probes, fusion="maximum")  # type: ignore[arg-type]


def test_a_probe_without_a_direction_is_missed_and_a_gallery_sample_is_not_enrolled() -> None:
    archive, rows = archive_of_colours(), np.arange(54)
    embeddings = embed(MeanColour(), images_of(archive), rows)
    right = evaluate_facescape(embeddings, archive, rows)
    broken = embeddings.copy()
    broken[5], broken[14], broken[18] = np.nan, 0, np.inf  # two probes of persons 0 and 1, a gallery sample of 2
    broken[27:32] = np.nan  # the whole gallery of person 3
    found = evaluate_facescape(broken, archive, rows)

    assert np.flatnonzero(found["failed"]).tolist() == [5, 14, 18, 27, 28, 29, 30, 31]
    expected = right["scores"].copy()
    expected[np.isin(right["probe_rows"], [5, 14])] = expected[:, 3] = -1
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(found["scores"][:, others], expected[:, others])
    assert (found["scores"][:, 2] <= expected[:, 2]).all()
    assert np.isfinite(found["embeddings"]).all()
    ranks = probe_ranks(found["scores"], found["probe_identity"], found["identities"])
    assert (ranks[np.isin(found["probe_rows"], [5, 14, 32, 33])] == 6).all()
    assert failed_metric(found)["failed"]["value"] == 8


def test_without_any_embedding_nobody_is_recognised() -> None:
    archive, rows = archive_of_colours(), np.arange(54)
    scored = evaluate_facescape(np.full((54, 3), np.nan), archive, rows)

    found = values(pose_metrics(scored, ()))
    assert (found["tar_at_far_1pct"], found["rank1"], found["auc"], found["eer"]) == (0, 0, 0.5, 0.5)


def test_validation_judges_all_probes_together() -> None:
    archive = archive_of_colours()
    rows = np.arange(54)
    found = validation_metrics(embed(MeanColour(), images_of(archive), rows), archive, rows)

    assert found == {"tar_at_far_1pct": 1.0, "auc": 1.0}


def test_every_bin_is_reported() -> None:
    scored = constructed(dict.fromkeys(ANGLES, 0.9), dict.fromkeys(ANGLES, 0.1))
    found = values(pose_metrics(scored))

    assert {f"tar_at_far_1pct/{name}" for name in POSE_BINS} < found.keys()
    assert found["eer"] == 0
    assert set(found.values()) == {0.0, 1.0}


def archive_with_roles(people: int = 12) -> FaceArchive:
    """Colours with a gallery image, two frontal probes, two turned ones and a training photograph of each person."""
    archive = archive_of_colours(people, photographs=6)
    roles = [Role.GALLERY, *[Role.FRONTAL_PROBE] * 2, *[Role.POSE_PROBE] * 2, Role.TRAINING]
    return FaceArchive(archive.name, archive.fingerprint, archive.arrays | {"role": np.tile(roles, people)})


def test_arl_vtf_is_judged_by_its_roles() -> None:
    archive = archive_with_roles()
    rows = arl_vtf_rows(archive)
    scored = evaluate_arl_vtf(embed(MeanColour(), images_of(archive), rows), archive, rows)

    assert rows[:6].tolist() == [0, 1, 2, 3, 4, 6]  # row 5 is a training photograph
    assert scored["probe_rows"][:5].tolist() == [1, 2, 3, 4, 7]
    assert scored["probe_condition"][:5].tolist() == [0, 0, 1, 1, 0]
    metrics = values(pose_metrics(scored, ("frontal", "pose")))
    assert metrics["tar_at_far_1pct/frontal"] == metrics["tar_at_far_1pct/pose"] == 1
    frontal, turned = (split_scores(scored, name) for name in ("frontal", "pose"))
    assert len(frontal[0]) == len(turned[0]) == 24


def test_a_condition_of_scores_that_have_none_is_refused() -> None:
    with pytest.raises(BadInput, match="'frontal' was asked of scores without probe_condition"):
        split_scores(constructed({"0-10": 0.9}, {"0-10": 0.1}), "frontal")


def test_scores_of_two_data_sets_are_told_apart() -> None:
    arrays = {"scores": np.zeros(1), f"{ARL_VTF_PREFIX}scores": np.ones(2)}

    assert data_set_scores(arrays, "facescape").keys() == {"scores"}
    assert data_set_scores(arrays, "arl_vtf")["scores"].tolist() == [1, 1]
    with pytest.raises(BadInput, match="hold nothing of ARL-VTF"):
        data_set_scores({"scores": np.zeros(1)}, "arl_vtf")


def test_clouds_of_a_data_set_without_any_are_refused() -> None:
    with pytest.raises(BadInput, match="method pointnet2 compares point clouds, and data set colours has none"):
        inputs_of(METHODS["pointnet2"], archive_of_colours(), CloudSettings())


def test_dream_is_given_the_yaw() -> None:
    archive = archive_of_colours()
    images, yaw = inputs_of(METHODS["dream"], archive, CloudSettings())(np.array([3, 8]))

    assert images.shape == (2, 3, 4, 4)
    assert yaw.tolist() == archive.arrays["pose"][[3, 8], 0].tolist()
