"""Scores and metrics by pose, against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.errors import BadInput, UnknownName
from facelib.models.blocks import Embedding
from facelib.papers.joint_attention.protocol import (
    embed,
    pose_metrics,
    score_probes,
    split_scores,
    validation_metrics,
)

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
    with pytest.raises(BadInput, match="pose bin 0-10: 99 impostor scores: expected at least 100"):
        pose_metrics(few, ("0-10",))


def test_an_empty_bin_is_named() -> None:
    with pytest.raises(BadInput, match=r"pose bin 90\+"):
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
            "cloud": np.full(count, -1),
        },
    )


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
    embeddings = embed(network, archive, np.arange(len(archive)))

    assert embeddings.shape == (54, 3)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-6)
    assert network.training  # put back as it was


def test_embedding_in_batches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    archive, rows = archive_of_colours(), np.arange(10, 53)
    whole = embed(MeanColour(), archive, rows)
    monkeypatch.setattr("facelib.papers.joint_attention.protocol.IMAGES_AT_ONCE", 7)
    network = MeanColour()

    np.testing.assert_array_equal(embed(network, archive, rows), whole)
    assert [shape[0] for shape in network.seen] == [7] * 6 + [1]


def test_embedding_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="no rows to embed"):
        embed(MeanColour(), archive_of_colours(), np.array([], int))


def test_scores_are_the_best_cosine_of_the_gallery() -> None:
    archive = archive_of_colours()
    rows = np.arange(9, 54)  # without the first person
    embeddings = embed(MeanColour(), archive, rows)
    scored = score_probes(embeddings, archive, rows)

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

    best = score_probes(embeddings, archive, rows)["scores"]
    mean = score_probes(embeddings, archive, rows, fusion="mean")["scores"]
    assert (mean < best).all()
    with pytest.raises(UnknownName, match="unknown fusion 'maximum'"):
        score_probes(embeddings, archive, rows, fusion="maximum")


def test_validation_judges_all_probes_together() -> None:
    archive = archive_of_colours()
    rows = np.arange(54)
    found = validation_metrics(embed(MeanColour(), archive, rows), archive, rows)

    assert found == {"tar_at_far_1pct": 1.0, "auc": 1.0}


def test_every_bin_is_reported() -> None:
    scored = constructed(dict.fromkeys(ANGLES, 0.9), dict.fromkeys(ANGLES, 0.1))
    found = values(pose_metrics(scored))

    assert {f"tar_at_far_1pct/{name}" for name in POSE_BINS} < found.keys()
    assert found["eer"] == 0
    assert set(found.values()) == {0.0, 1.0}
