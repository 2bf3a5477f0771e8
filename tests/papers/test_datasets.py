"""The registry of data sets: each is opened by its name, counted as it grows, and known by one fingerprint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from tiny_runs import use_private_cache

from facelib.data.embedded import GeneratedSettings, fingerprint_of
from facelib.errors import UnknownName
from facelib.faces.morphable_model import MorphableModel
from facelib.papers import PAPERS, load_paper
from facelib.papers.datasets import (
    DATA_SETS,
    combined_fingerprint,
    data_fingerprint,
    data_set,
    open_data_set,
)

SMALL: dict[str, dict[str, Any]] = {
    "web_faces": {"identities": 2, "images": 3},
    "web_faces_of_others": {"identities": 2, "images": 2},
    "facescape": {"identities": 2, "views": 1},
    "arl_vtf": {"identities": 2, "gallery": 1, "probes": 1, "training_identities": 1, "training_images": 2},
    "300w_lp": {"identities": 2, "images": 3},
    "people_stream": {"skins": 2},
    "aflw2000": {"identities": 2, "images": 3},
    "same_people": {"identities": 3, "images": 2},
    "florence": {"identities": 2, "points": 10, "pitches": (0.0,), "yaws": (0.0, 40.0)},
    "florence_clips": {"identities": 2, "points": 10, "frames": 1},
    "facewarehouse": {"identities": 2, "points": 10},
    "celeba_cases": {"identities": 2, "points": 10},
    "bu3dfe": {"identities": 2, "levels": 1, "size": 32},
    "frgc": {"identities": 2, "scans": 5, "expressive": 2, "size": 32},
    "bosphorus": {"identities": 2, "scans": 5, "expressive": 3, "size": 32},
    "bu4dfe": {"identities": 2, "frames": 1, "size": 32},
    "syn_data_1": {"identities": 2, "frames": 5},
    "syn_data_2": {"identities": 2, "frames": 3},
    "syn_data_3": {"identities": 2, "frames": 3},
    "depth_facewarehouse": {"identities": 1},
    "biwi": {"frames": 25},
    "ict_3dhp": {"frames": 11},
}
# Twenty expressions, three conditions, five cases, six emotions; of each person of ARL-VTF one image in the gallery and
# one probe of each kind.
COUNTS = {
    **{
        "web_faces": 6,
        "web_faces_of_others": 4,
        "facescape": 40,
        "arl_vtf": 2 * 3 + 2,
        "300w_lp": 6,
        "people_stream": 2,
    },
    **{"aflw2000": 6, "same_people": 6, "florence": 4, "florence_clips": 6, "facewarehouse": 40, "celeba_cases": 10},
    **{"bu3dfe": 2 * 7, "frgc": 5, "bosphorus": 5, "bu4dfe": 2 * 6},
    **{"syn_data_1": 5, "syn_data_2": 3, "syn_data_3": 3, "depth_facewarehouse": 20, "biwi": 25, "ict_3dhp": 11},
}
OTHER_SIZES = {"same_people": "aflw2000", "web_faces_of_others": "web_faces"}  # the same photographs of other people
# Unless a paper gives one; the same people.
SAME_SEED = {"same_people": "aflw2000", "web_faces_of_others": "web_faces", "florence_clips": "florence"}


def small(name: str) -> GeneratedSettings:
    usual: Any = DATA_SETS[name].settings()
    scene = {"scene": dataclasses.replace(usual.scene, image_size=16)} if hasattr(usual, "scene") else {}
    return dataclasses.replace(usual, **SMALL[name], **scene)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_is_opened_by_its_name_and_has_the_size_that_its_settings_say(name: str) -> None:
    told: list[int] = []
    archive = DATA_SETS[name].open(small(name), told.append)

    assert archive.name == small(name).archive == f"embedded_{OTHER_SIZES.get(name, name)}"
    assert len(archive) == small(name).image_count == sum(told) == COUNTS[name]
    assert archive.fingerprint == fingerprint_of(small(name)) == open_data_set(name, small(name)).fingerprint


def test_each_stands_for_licensed_data_and_has_settings_of_its_own() -> None:
    assert all(entry.licensed and entry.content and entry.title for entry in DATA_SETS.values())
    assert len({entry.settings for entry in DATA_SETS.values()}) == len(DATA_SETS) - len(OTHER_SIZES)
    assert all(DATA_SETS[name].settings is DATA_SETS[kind].settings for name, kind in OTHER_SIZES.items())
    seeds = {name: DATA_SETS[name].settings().seed for name in DATA_SETS if name not in SAME_SEED}  # type: ignore[attr-defined]
    assert len(set(seeds.values())) == len(seeds)  # everywhere are other people
    licensed = {name: entry.licensed for name, entry in DATA_SETS.items()}
    assert [licensed[name] for name in ("facescape", "arl_vtf", "300w_lp", "aflw2000", "florence")] == [
        "FaceScape", "ARL-VTF", "300W-LP", "AFLW2000-3D", "MICC Florence",
    ]  # fmt: skip


@pytest.mark.parametrize("paper", PAPERS)
def test_papers_read_data_sets_of_the_registry_in_its_settings(paper: str) -> None:
    loaded = load_paper(paper)
    for name in loaded.methods:
        settings = loaded.run_settings(name, "smoke")
        for data, sizes in loaded.steps.data_sets(loaded.methods[name], settings).items():
            assert type(sizes) is DATA_SETS[data].settings


def test_one_fingerprint_of_all_data_of_a_run() -> None:
    web, florence = small("web_faces"), small("florence")
    both = data_fingerprint({"web_faces": web, "florence": florence})

    assert data_fingerprint({"web_faces": web}) == fingerprint_of(web)
    assert data_fingerprint({"florence": florence, "web_faces": web}) == both
    assert combined_fingerprint({"web_faces": fingerprint_of(web), "florence": fingerprint_of(florence)}) == both
    assert data_fingerprint({"web_faces": dataclasses.replace(web, seed=9), "florence": florence}) != both  # type: ignore[type-var]


def test_an_unknown_data_set_is_named() -> None:
    with pytest.raises(UnknownName, match=r"unknown data set 'florense'.*did you mean 'florence'"):
        data_set("florense")


def test_readers_are_those_of_the_licensed_data_sets() -> None:
    found = {name: entry.reader for name, entry in DATA_SETS.items() if entry.reader}

    assert len(found) == 16
    assert all(reader.title in DATA_SETS[name].licensed for name, reader in found.items())
