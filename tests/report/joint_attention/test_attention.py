"""Maps of what networks look at lie where they should, and pairs are evaluated by a threshold of their own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from made_records import PEOPLE, make_record, use_made_runs

from facelib.data.archive import FaceArchive
from facelib.models.blocks import Embedding, to_embedding
from facelib.report.joint_attention.attention import (
    ATTENTION,
    OCCLUSION,
    POSE_STEPS,
    FacePair,
    blend,
    draw_attention_by_pose,
    draw_pairs,
    face_pairs,
    has_attention,
    pair_data,
    pair_maps,
)
from facelib.report.joint_attention.saliency import (
    attention_by_pose,
    attention_on_faces,
    enlarge,
    face_mask,
    occlusion_sensitivity,
    patch_masks,
    received_attention,
)
from facelib.report.records import scores_of
from facelib.runs.records import Record


class LooksAtOnePlace:
    """A network whose every place attends to the second of four places alone."""

    joint_attention = SimpleNamespace(gamma=torch.tensor(0.5))

    def attention_of_images(self, images: torch.Tensor) -> torch.Tensor:
        attention = torch.zeros(len(images), 4, 4)
        attention[:, :, 1] = 1
        return attention

    def embed_images(self, images: torch.Tensor) -> Embedding:
        """The mean colours of the upper left quarter, and a constant."""
        half = images.shape[-1] // 2
        colours = images[:, :, :half, :half].mean(dim=(2, 3))
        return to_embedding(torch.cat([colours, torch.full((len(images), 1), 0.1)], dim=1))


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    use_made_runs(monkeypatch, tmp_path)
    return make_record("jam")


def archive_of(record: Record) -> FaceArchive:
    scored = scores_of(record)
    count = len(scored["rows"])
    images = np.random.default_rng(0).integers(1, 256, (count, 3, 8, 8), np.uint8)
    images[:, :, :, 4:] = 0
    columns = {name: np.zeros(count, np.int32) for name in ("expression", "cloud")}
    arrays = {"images": images, "identity": scored["probe_identity"], "angle": scored["probe_angle"]}
    return FaceArchive("made", "print", arrays | columns | {"pose": np.zeros((count, 3), np.float32)})


def test_received_attention_is_one_on_average_and_lies_where_it_was_put() -> None:
    received = enlarge(received_attention(LooksAtOnePlace(), torch.zeros(2, 3, 8, 8)), (8, 8))

    assert received.shape == (2, 8, 8)
    assert float(received.mean()) == pytest.approx(1)
    assert float(received[0, 0, 7]) == 4  # upper right, four times the uniform share
    assert float(received[0, 7, 0]) == 0


def test_a_negative_gamma_turns_the_sign_of_the_map() -> None:
    pair = FacePair(torch.zeros(2, 3, 8, 8), 0.0, 0.0, 1.0, 0.0)
    taken = LooksAtOnePlace()
    taken.joint_attention = SimpleNamespace(gamma=torch.tensor(-0.5))

    given, turned = (ATTENTION.make(network, pair) for network in (LooksAtOnePlace(), taken))
    assert float(given[0, 0, 7]) == 2  # four times the uniform share, as log2
    assert torch.equal(turned, -given)


def test_uniform_attention_is_one_everywhere() -> None:
    class Uniform:
        def attention_of_images(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 9, 9), 1 / 9)

    np.testing.assert_allclose(received_attention(Uniform(), torch.zeros(1, 3, 9, 9)), 1, rtol=1e-6)


def test_patches_cover_every_pixel_as_often() -> None:
    covered = patch_masks(24, 36).sum(dim=0)

    assert covered.shape == (24, 36)
    assert covered.unique().tolist() == [4]  # half a patch apart, in both directions


def test_occlusion_finds_what_a_network_looks_at() -> None:
    pair = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.8
    maps = occlusion_sensitivity(LooksAtOnePlace(), pair)

    assert maps.shape == (2, 24, 24)
    assert float(maps[:, 4:8, 4:8].abs().min()) > 10 * float(maps[:, 14:, 14:].abs().max())
    assert float(maps[:, 14:, 14:].abs().max()) < 1e-6


def test_occlusion_equals_covering_by_hand() -> None:
    network, pair = LooksAtOnePlace(), torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    before = float(network.embed_images(pair).unit[0] @ network.embed_images(pair).unit[1])
    falls = []
    for top in range(-1, 12):  # patches of two pixels, a pixel apart
        for left in range(-1, 12):
            if top <= 3 < top + 2 and left <= 5 < left + 2:
                covered = pair.clone()
                covered[1, :, max(top, 0) : top + 2, max(left, 0) : left + 2] = 0
                unit = network.embed_images(covered).unit
                falls.append(before - float(unit[0] @ unit[1]))

    assert float(occlusion_sensitivity(network, pair)[1, 3, 5]) == pytest.approx(np.mean(falls), abs=1e-6)


def test_a_black_pupil_belongs_to_the_face() -> None:
    image = torch.zeros(1, 3, 7, 7)
    image[:, 1, 2:6, 1:6] = 0.4
    image[:, :, 3, 3] = 0  # a pupil

    expected = torch.zeros(7, 7, dtype=torch.bool)
    expected[2:6, 1:6] = True
    assert torch.equal(face_mask(image)[0], expected)
    assert face_mask(torch.full((1, 3, 4, 4), 0.5)).all()
    assert not face_mask(torch.zeros(1, 3, 4, 4)).any()


def test_share_of_attention_on_faces() -> None:
    images = torch.zeros(2, 3, 8, 8)
    images[0, :, :, :4] = 0.5  # the left half; attention lies upper right
    images[1, :, :4, :] = 0.5  # the upper half
    shares = attention_on_faces(LooksAtOnePlace(), images)

    assert shares["on_face"].tolist() == [0, 1]
    assert shares["face_area"].tolist() == [0.5, 0.5]
    assert shares["peak"].tolist() == [4, 4]
    assert shares["peak_on_background"].tolist() == [True, False]


def test_shares_by_pose(record: Record) -> None:
    data = attention_by_pose({"JAM": LooksAtOnePlace()}, archive_of(record), record)

    assert data["pose"].tolist() == ["0-10", "10-30", "30-60", "60-90", "90+"]
    assert set(data["on_face"]) == {0}
    assert set(data["peak_on_background"]) == {1}
    left, _ = draw_attention_by_pose(data).axes
    assert [line.get_ydata()[0] for line in left.lines] == [50, 0]


def test_pairs_turn_away_from_one_frontal_image(record: Record) -> None:
    scored, archive = scores_of(record), archive_of(record)
    pairs = face_pairs(record, archive, person=PEOPLE + 2)

    assert [round(pair.angle) for pair in pairs] == [20, 45, 75, 100]  # nearest to 15, 60, 75 and 90, the first of ties
    own = np.flatnonzero(scored["probe_identity"] == scored["identities"][2])
    first = own[np.argmin(scored["probe_angle"][own])]
    for pair in pairs:
        np.testing.assert_allclose(pair.images[0] * 255, archive.arrays["images"][first], atol=1e-4)
    probe = own[np.argmin(np.abs(np.rad2deg(scored["probe_angle"][own]) - POSE_STEPS[2]))]
    assert pairs[2].score == pytest.approx(scored["embeddings"][first] @ scored["embeddings"][probe])


def test_threshold_lets_one_percent_of_other_people_pass(record: Record) -> None:
    scored = scores_of(record)
    threshold = face_pairs(record, archive_of(record))[0].threshold
    false = []
    for who in scored["identities"]:
        own = np.flatnonzero(scored["probe_identity"] == who)
        frontal = scored["embeddings"][own[np.argmin(scored["probe_angle"][own])]]
        false += [vector @ frontal for vector in scored["embeddings"][scored["probe_identity"] != who]]

    false = np.sort(false)[::-1]
    allowed = int(0.01 * len(false))
    assert np.sum(false >= threshold) == allowed
    assert threshold > false[allowed]
    assert face_pairs(record, archive_of(record))[0].spread == pytest.approx(np.std(false))


def test_numbers_and_outlines_of_pairs(record: Record) -> None:
    pairs = {"JAM": face_pairs(record, archive_of(record)), "IR-18": face_pairs(record, archive_of(record), 1)}
    networks = {"JAM": LooksAtOnePlace(), "IR-18": torch.nn.Identity()}

    assert has_attention(networks["JAM"])
    assert not has_attention(networks["IR-18"])
    numbers = pair_data(pairs, networks)
    assert len(numbers) == 2 * 2 * len(POSE_STEPS)
    assert (numbers["match"] == (numbers["score"] >= numbers["threshold"])).all()
    assert numbers["on_face"].notna().tolist() == (numbers["method"] == "JAM").tolist()
    for kind in (ATTENTION, OCCLUSION):
        figure = draw_pairs(pairs, {"JAM": pair_maps(pairs["JAM"], networks["JAM"], kind)}, kind)
        assert len(figure.axes) == 2 * len(POSE_STEPS) + 1
        colours = {pair.matches: axis.spines["left"].get_edgecolor() for pair, axis in zip(
            pairs["JAM"], figure.axes[::2], strict=False)}  # fmt: skip
        assert len(set(colours.values())) == len(colours) == 2


def test_a_neutral_map_leaves_the_picture_grey() -> None:
    image = torch.full((3, 4, 4), 0.5)
    neutral, strong = blend(image, np.zeros((4, 4)), 1.0), blend(image, np.full((4, 4), 5.0), 1.0)

    assert np.ptp(neutral, axis=2).max() == 0
    assert (strong[..., 0] > strong[..., 2]).all()
    assert strong.min() >= 0
    assert strong.max() <= 1
