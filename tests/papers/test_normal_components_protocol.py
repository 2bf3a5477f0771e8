"""Paper 2's evaluation against hand-computed values: ranks of few scans, failures, fidelity, intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tiny_runs import use_private_cache
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.embedded import open_web_faces
from facelib.data.embedded.web_faces import shapes_of
from facelib.data.known_photographs import KnownPhotographs
from facelib.data.surface_images import SurfaceImages
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.models.blocks import Embedding, to_embedding
from facelib.models.expnet import ShapeCoefficients
from facelib.papers.normal_components import PAPER, protocol
from facelib.papers.normal_components.bootstrap import bootstrap_metrics
from facelib.papers.normal_components.data_sets import others_settings
from facelib.papers.normal_components.fidelity import distances, fidelity, fidelity_means
from facelib.papers.normal_components.methods import METHODS
from facelib.papers.normal_components.metrics import MEAN_FACE_MM, METRICS, PHOTOGRAPHED
from facelib.papers.normal_components.protocol import evaluate_scans, metrics_of
from facelib.papers.normal_components.reconstructors import disturbed, reconstructor_of, recropped, widened
from facelib.papers.paper import Scores

SETTINGS = PAPER.settings("smoke", {"others.identities": 5, "others.images": 3})


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def photographs() -> KnownPhotographs:
    settings = others_settings(SETTINGS)
    return KnownPhotographs.of(open_web_faces(settings), settings)


# ---- fidelity ----


def test_the_truth_is_faithful_and_the_mean_face_is_nobody(photographs: KnownPhotographs) -> None:
    true = fidelity_means(fidelity(disturbed(0.0), photographs))
    assert true["fidelity_mm"] < 1e-4
    assert true["fidelity_rank1"] == 1

    def mean(images: torch.Tensor, true: ShapeCoefficients, generator: torch.Generator) -> ShapeCoefficients:
        return ShapeCoefficients(torch.zeros_like(true.identity[:, :99]), torch.zeros_like(true.expression))

    scores = fidelity(mean, photographs)
    assert fidelity_means(scores)["fidelity_rank1"] == 0
    assert 1 < scores["fidelity_mm"].mean() < 5
    assert len(scores["fidelity_rank1"]) == 5 * 2


def test_the_mean_face_is_off_by_what_skill_is_asked_against(face_model: MorphableModel) -> None:
    usual = others_settings(PAPER.settings("laptop"))
    assert usual.identities == PHOTOGRAPHED
    identity, action = shapes_of(usual, face_model)
    true = ShapeCoefficients(identity, action / EXPRESSION_SPREAD)
    mean = ShapeCoefficients(*(torch.zeros_like(values) for values in true))
    assert round(float(distances(mean, true).mean()), 2) == MEAN_FACE_MM


def test_disturbances_grow_and_leave_faces_as_different_as_they_are(photographs: KnownPhotographs) -> None:
    errors = [fidelity_means(fidelity(disturbed(level), photographs))["fidelity_mm"] for level in (0.25, 0.5, 1.0, 2.0)]
    assert errors == sorted(errors)
    true = ShapeCoefficients(torch.randn(200, 199), torch.zeros(200, 52))
    found = disturbed(1.0)(torch.zeros(200), true, torch.Generator().manual_seed(0))
    assert found.identity.std() == pytest.approx(1, abs=0.02)
    assert float((found.identity * true.identity).mean()) == pytest.approx(0.5**0.5, abs=0.02)


@pytest.mark.parametrize("name", ["face_encoder", "shape_reader", "sadrnet", "disturbed_50"])
def test_every_reconstructor_reads_photographs_the_same_way_again(name: str, photographs: KnownPhotographs) -> None:
    reconstructor = reconstructor_of(METHODS[name], SETTINGS, {})
    rows = np.arange(3)
    first, again = (photographs.read_by(reconstructor.read)(rows) for _ in range(2))
    assert torch.equal(first.identity, again.identity)
    assert first.expression.shape == (3, 52)
    assert 0.05 < first.identity.std() < 2
    assert reconstructor.digest != reconstructor_of(METHODS["truth"], SETTINGS, {}).digest


def test_photographs_are_cropped_as_networks_have_learnt() -> None:
    """A face that fills 52 of 64 pixels in a crop of 1.3 fills 52 of 78, about 1.3 / 1.6 of that, in one of 1.6."""
    images = torch.zeros(1, 3, 64, 64)
    images[..., 6:58, 6:58] = 1
    wide = recropped(images, 1.3, 1.6, 78)
    assert wide.shape == (1, 3, 78, 78)
    assert torch.equal(wide[..., 7:-7, 7:-7], images)
    assert float(wide.sum()) == images.sum()
    assert torch.equal(recropped(wide, 1.6, 1.3, 64), images)
    assert widened(images, 32).shape == (1, 3, 32, 32)


# ---- ranks ----


class Told(nn.Module):
    """An embedding that is written into the first cells of each component."""

    def __init__(self, *views: str) -> None:
        super().__init__()
        self.views = views
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, images: SurfaceImages) -> dict[str, Embedding]:
        return {view: to_embedding(images.normals[:, "xyz".index(view), 0]) for view in self.views}


def prepared(x: list[list[float]], identity: list[int], gallery: int, failed: tuple[int, ...] = ()) -> FaceArchive:
    """N scans whose z is as their x, and whose y is their x the other way round."""
    normals = np.zeros((len(x), 3, 2, 2), np.int8)
    normals[:, 0, 0] = normals[:, 2, 0] = np.array(x) * 100
    normals[:, 1, 0] = np.array(x)[:, ::-1] * 100
    is_gallery = np.arange(len(x)) < gallery
    told = {"identity": np.array(identity), "expression": np.arange(len(x)), "level": np.zeros(len(x), int)}
    failures = np.isin(np.arange(len(x)), failed)
    relief = np.zeros((len(x), 1, 2, 2), np.float16)
    arrays = {"normals": normals, "relief": relief, **told, "is_gallery": is_gallery, "failed": failures}
    return FaceArchive("prepared_scans", "", arrays)


BU3DFE = prepared([[1, 0], [0, 1], [1, 0.2], [0.9, 0.8], [0.3, 1]], [0, 1, 0, 1, 1], gallery=2, failed=(4,))
FRGC = prepared([[1, 0.1], [0, 1], [0.1, 1]], [0, 1, 1], gallery=2)
BOSPHORUS = prepared([[0.7, 0.7], [0.6, 0.7]], [0, 0], gallery=1)
SETS = {"bu3dfe": BU3DFE, "frgc": FRGC, "bosphorus": BOSPHORUS}


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> Scores:
    monkeypatch.setattr(protocol, "open_prepared_scans", lambda scans, preparation, on_images: scans)
    return evaluate_scans(Told("x", "y", "z").eval(), SETS, SETTINGS.preparation)


def test_ranks_by_hand(scores: Scores) -> None:
    """Of BU-3DFE's probes the first is found, the second is nearer to the other person, the third failed."""
    assert scores["bu3dfe/x"].tolist() == scores["bu3dfe"].tolist() == [1, 2, 3]
    assert scores["bu3dfe_failed"].tolist() == [False, False, True]
    assert scores["bu3dfe_expression"].tolist() == [2, 3, 4]
    # Merged with five people: (1, 0.2) is nearer to FRGC's (1, 0.1); (0.9, 0.8) to Bosphorus' (0.7, 0.7), and to the
    # two at (1, 0) and (1, 0.1), than to its own (0, 1), which ties with FRGC's (0, 1), as it does for (0.1, 1).
    assert scores["merged"].tolist() == [2, 5, 6, 2, 1]
    assert scores["merged_identity"].tolist() == [0, 1, 1, 3, 4]
    assert scores["merged/apart"].tolist() == [*scores["bu3dfe"], *scores["frgc"], *scores["bosphorus"]]
    assert "merged_failed" not in scores


def test_metrics_are_the_shares_of_first_ranks(scores: Scores) -> None:
    metrics = metrics_of(scores)
    assert metrics["bu3dfe"] == {"value": pytest.approx(1 / 3), "unit": "fraction"}
    assert metrics["merged"]["value"] == pytest.approx(1 / 5)
    assert metrics["bosphorus/raw"]["value"] == 1
    sets = ("bu3dfe", "frgc", "bosphorus", "merged")
    ends = ("", "/x", "/y", "/z", "/raw")
    assert metrics.keys() == {f"{name}{end}" for name in sets for end in ends} | {"merged/apart"}
    assert metrics.keys() <= METRICS.keys()


def test_one_network_has_no_rates_by_component(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "open_prepared_scans", lambda scans, preparation, on_images: scans)
    found = evaluate_scans(Told("z").eval(), {"ict": BU3DFE}, SETTINGS.preparation)
    assert metrics_of(found).keys() == {"ict", "ict/raw"}


def test_intervals_resample_people_of_each_data_set(scores: Scores, photographs: KnownPhotographs) -> None:
    several_people = ("bu3dfe", "merged")  # the other probes are of one person
    scores = {name: each for name, each in scores.items() if name.startswith(several_people)}
    scores |= fidelity(disturbed(1.0), photographs)
    metrics = metrics_of(scores)
    made = bootstrap_metrics(metrics, scores, resamples=60)
    assert set(made.names) == metrics.keys()
    for name, estimate in zip(made.names, made.estimates, strict=True):
        assert estimate == pytest.approx(metrics[name]["value"]), name
    spread = dict(zip(made.names, np.nanstd(made.samples, axis=0), strict=True))
    assert spread["merged"] > 0
    # What merging costs is asked of the same resampled people: where it costs nothing, no resample says otherwise.
    free = bootstrap_metrics(metrics, scores | {"merged": scores["merged/apart"]}, resamples=60)
    merged, apart = (free.samples[:, free.names.index(name)] for name in ("merged", "merged/apart"))
    assert np.array_equal(merged, apart)
    assert spread["fidelity_mm"] > 0
