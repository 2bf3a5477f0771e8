"""Paper 3's metrics in resamples, against photographs listed as often as their person is resampled."""

from __future__ import annotations

import numpy as np
import pytest
from made_faces import ICT_PEOPLE, PEOPLE, made_ict_scores, made_scores

from facelib.errors import BadInput
from facelib.metrics.landmark_error import YAW_BINS, nme_by_yaw
from facelib.metrics.pose_error import pose_error
from facelib.papers.sadrnet import ict
from facelib.papers.sadrnet.bootstrap import CONSTANTS, bootstrap_metrics
from facelib.papers.sadrnet.metrics import METRICS, YAWS
from facelib.papers.sadrnet.protocol import metrics_of

SIZE = {"size_mb": {"value": 59.0, "unit": "MB"}}
RESAMPLES = 30


def metrics(scores: dict[str, np.ndarray]) -> dict[str, dict[str, object]]:
    return metrics_of(scores) | SIZE


def listed(scores: dict[str, np.ndarray], taken: np.ndarray) -> dict[str, np.ndarray]:
    """The scores of AFLW2000-3D with each photograph as often as its person was taken."""
    people = np.unique(scores["identity"])
    rows = np.concatenate([np.flatnonzero(scores["identity"] == people[place]) for place in taken])
    apart = ("florence", "recognition")  # of other data sets
    return {name: array[rows] for name, array in scores.items() if not name.startswith(apart)}


def slow_metric(scores: dict[str, np.ndarray], name: str) -> float:
    """As the metrics' own modules compute it, of photographs that may come up more than once."""
    kind, _, part = name.partition("/")
    if name == "shape_read":
        return float(1 - scores["shape_square_error"].sum() / scores["shape_square"].sum())
    if kind == "component":
        told, true = (scores[f"{which}_identity"][:, int(part) - 1] for which in ("told", "true"))
        return float(1 - ((told - true) ** 2).sum() / (true**2).sum())
    if kind == "shape_ratio":
        counts = np.ones(len(scores["yaw"]), bool)
        if part == "frontal":
            counts = (np.abs(np.rad2deg(scores["yaw"])) < 30) & (scores["occluder"] == 0)
        return float(scores["shape_mm"][counts].sum() / scores["mean_face_mm"][counts].sum())
    if part == "occluded":
        return float(scores[kind][scores["occluder"] > 0].mean())
    if part == "free":
        return float(scores[kind][scores["occluder"] == 0].mean())
    if part:
        return nme_by_yaw(scores[kind], scores["yaw"])[part]
    if name.endswith("_error") and name != "geodesic_error":
        protocol = "sadrnet_fix" if name.startswith("fix.") else "all"
        error = pose_error(scores["aflw_angle_error"], np.zeros_like(scores["aflw_angle_error"]), protocol=protocol)
        angle = name.removeprefix("fix.").removesuffix("_error")
        return getattr(error, "mean" if angle == "pose" else angle)
    if name == "geodesic_error":
        return float(np.rad2deg(scores["geodesic"]).mean())
    return float(scores[name].mean())


def test_estimates_are_the_records_metrics() -> None:
    scores = made_scores("sadrnet") | made_ict_scores("sadrnet")
    made = bootstrap_metrics(metrics(scores), scores, resamples=2)
    values, expected = dict(zip(made.names, made.estimates, strict=True)), metrics(scores) | ict.metrics_of(scores)

    assert {name: values[name] for name in expected} == pytest.approx(
        {name: metric["value"] for name, metric in expected.items()}, abs=1e-12
    )
    assert set(made.names) == METRICS.keys()


def test_resamples_are_of_repeated_people() -> None:
    scores = made_scores("sadrnet")
    made = bootstrap_metrics(metrics(scores), scores, resamples=RESAMPLES)
    generator = np.random.default_rng(int(made.seeds[made.names.index("sparse_2d")]))
    resampled = [listed(scores, generator.integers(PEOPLE, size=PEOPLE)) for _ in range(RESAMPLES)]

    for column, name in enumerate(made.names):
        if name not in CONSTANTS and not name.startswith(("florence", "recognition")):
            slow = [slow_metric(some, name) for some in resampled]
            np.testing.assert_allclose(made.samples[:, column], slow, atol=1e-12, err_msg=name)


def test_people_of_ict_are_resampled_apart() -> None:
    scores = made_scores("sadrnet") | made_ict_scores("sadrnet")
    made = bootstrap_metrics({}, scores, resamples=RESAMPLES)
    column = made.names.index("ict_scan_mm")
    generator = np.random.default_rng(int(made.seeds[column]))
    by_person = scores["ict_scan_mm"].reshape(ICT_PEOPLE, -1).mean(axis=1)  # all have as many photographs
    slow = [by_person[generator.integers(ICT_PEOPLE, size=ICT_PEOPLE)].mean() for _ in range(RESAMPLES)]

    np.testing.assert_allclose(made.samples[:, column], slow, atol=1e-12)
    assert made.seeds[column] not in {made.seeds[made.names.index(name)] for name in ("sparse_2d", "florence")}


def test_methods_share_resamples_and_the_two_data_sets_do_not() -> None:
    first, second = (
        bootstrap_metrics({}, made_scores(method), resamples=RESAMPLES) for method in ("sadrnet", "direct")
    )
    seed = dict(zip(first.names, first.seeds.tolist(), strict=True))
    fewer = bootstrap_metrics({}, made_scores("sadrnet", people=11), resamples=RESAMPLES)

    assert first.seeds.tolist() == second.seeds.tolist()
    assert len({seed[name] for name in ("sparse_2d", "sparse_2d/balanced", "fix.pose_error", "geodesic_error")}) == 1
    assert len({seed[name] for name in ("sparse_2d", "florence")}) == 2
    assert fewer.seeds[0] != first.seeds[0]
    # Nearly the same errors of the same people rise and fall together.
    column = first.names.index("sparse_2d")
    assert np.corrcoef(first.samples[:, column], second.samples[:, column])[0, 1] > 0.9
    assert abs(np.corrcoef(first.samples[:, column], first.samples[:, first.names.index("florence")])[0, 1]) < 0.9


def test_the_size_is_the_same_in_every_resample() -> None:
    scores = made_scores("sadrnet")
    made = bootstrap_metrics(metrics(scores), scores, resamples=RESAMPLES)

    assert CONSTANTS == ("size_mb",)
    assert (made.samples[:, made.names.index("size_mb")] == 59).all()


def test_without_florence_the_rest_is_resampled() -> None:
    scores = {name: array for name, array in made_scores("sadrnet").items() if not name.startswith("florence")}
    made = bootstrap_metrics({}, scores, resamples=RESAMPLES)

    assert "sparse_2d" in made.names
    assert "florence" not in made.names


def test_a_resample_without_a_photograph_of_some_kind_has_no_mean_of_it() -> None:
    scores = made_scores("sadrnet")
    scores["occluder"] = (scores["identity"] == 100).astype(np.int64)  # one person alone wears something
    made = bootstrap_metrics({}, scores, resamples=200)
    lost = np.isnan(made.samples[:, made.names.index("sparse_2d/occluded")])

    assert 0.2 < lost.mean() < 0.5  # (1 - 1/12)^12 = 0.35
    assert not np.isnan(made.samples[:, made.names.index("sparse_2d/free")]).any()


def test_ranges_of_yaw_have_the_names_of_the_metric() -> None:
    assert tuple(YAW_BINS) == YAWS


def test_bad_scores_are_refused() -> None:
    scores = made_scores("sadrnet")
    scores["sparse_2d"][3] = np.nan
    with pytest.raises(BadInput, match="sparse_2d"):
        bootstrap_metrics({}, scores, resamples=RESAMPLES)
    with pytest.raises(BadInput, match="at least two"):
        bootstrap_metrics({}, made_scores("sadrnet", people=1), resamples=RESAMPLES)
