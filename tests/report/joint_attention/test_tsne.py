"""t-SNE shows the same people of every method, and separation is counted pair by pair."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_records import PEOPLE, PROBES, make_record, use_made_runs

from facelib.errors import BadInput
from facelib.report.joint_attention.tsne import POSES, PROBES_SHOWN, draw_tsne, tsne_data
from facelib.report.tsne import separation


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def test_tsne_shows_the_same_people_frontal_and_in_profile() -> None:
    chosen = {"CrossPoint": make_record("crosspoint"), "JAM + JE": make_record("jam_je", skill=3.0)}
    points, numbers = tsne_data(chosen, identities=3)

    for _, part in points.groupby("method"):
        assert sorted(part["identity"].unique()) == [10, 11, 12]
        # Frontal is below 30 degrees, so two bins.
        assert part["pose"].value_counts().to_dict() == {"frontal": 3 * 2 * PROBES, "profile": 3 * PROBES}
    assert 2 * PROBES <= PROBES_SHOWN
    assert np.isfinite(points[["x", "y"]]).all(axis=None)
    pd.testing.assert_frame_equal(points, tsne_data(chosen, identities=3)[0])
    assert set(numbers["people"]) == {PEOPLE}
    better = numbers.set_index("method")
    assert better.loc["JAM + JE", "silhouette"] > better.loc["CrossPoint", "silhouette"]
    figure = draw_tsne(points, numbers)
    assert f"{better.loc['JAM + JE', 'own']:.2f}" in figure.axes[1].get_xlabel()


def test_separation_equals_counting_pairs() -> None:
    generator = np.random.default_rng(0)
    identity, pose = np.repeat([3, 5, 9], 8), np.tile(["frontal"] * 5 + ["profile"] * 3, 3)
    embeddings = generator.normal(size=(24, 4))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    own, others, silhouettes = [], [], []
    for i in range(24):
        for j in range(24):
            if pose[i] == "frontal" and pose[j] == "profile":
                (own if identity[i] == identity[j] else others).append(embeddings[i] @ embeddings[j])
        away = {who: np.mean([1 - embeddings[i] @ embeddings[j] for j in np.flatnonzero(identity == who) if j != i])
                for who in (3, 5, 9)}  # fmt: skip
        inside, nearest = away.pop(identity[i]), min(away.values())
        silhouettes.append((nearest - inside) / max(nearest, inside))

    numbers = separation(embeddings, identity, pose, POSES)

    assert numbers["own"] == pytest.approx(np.mean(own))
    assert numbers["others"] == pytest.approx(np.mean(others))
    assert numbers["silhouette"] == pytest.approx(np.mean(silhouettes))


def test_tsne_needs_two_people_and_the_same_ones() -> None:
    with pytest.raises(BadInput, match=f"1 people to show, of {PEOPLE} with both.*expected at least two"):
        tsne_data({"JAM": make_record("jam")}, identities=1)
    with pytest.raises(BadInput, match="JAM was evaluated on other people than the methods before it"):
        tsne_data({"IR-18": make_record("ir18", 0), "JAM": make_record("jam", 1)})
