"""Runs of paper 1 at smoke size on folders in the real formats of VGGFace2, FaceScape and ARL-VTF.

The folders are written from embedded faces, so the numbers say nothing of people; that the runs go through the same
task and evaluation, and that their records name the licensed data, is what is held here.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_licensed import SIDE, check, save, use_written, write_vggface2

from facelib.conventions import NOSE_TIP
from facelib.data.archive import FaceArchive
from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.licensed.archives import DATA_VARIABLE
from facelib.data.licensed.arl_vtf import CONDITIONS
from facelib.errors import MissingPart
from facelib.geometry.rotations import euler_to_matrix
from facelib.papers import load_paper
from facelib.papers.run import open_archives, train
from facelib.papers.status import status_of
from facelib.runs.folders import Run
from facelib.runs.records import read_record

LICENSED = {"data": "licensed"}
FOCAL, AWAY = 311.0, 700.0  # pixels, mm


def embedded() -> dict[str, FaceArchive]:
    """What runs at smoke size see."""
    paper = load_paper("joint_attention")
    settings = paper.settings("smoke")
    return open_archives(paper, paper.method("pretrain_ir18"), settings) | open_archives(
        paper, paper.method("ir18"), settings
    )


def write_arl_vtf(folder: Path, archive: FaceArchive) -> None:
    names = {int(role): name for name, role in CONDITIONS.items()}
    low, high = SIDE / 2 * (1 - 1 / CROP), SIDE / 2 * (1 + 1 / CROP)
    points = " ".join(f"{x} {y}" for x, y in [(low, low), (high, high)] * 34)
    lines = ["path,subject,condition,yaw,keypoints"]
    arrays = archive.arrays
    for row, (image, person, role) in enumerate(
        zip(arrays["images"], arrays["identity"].tolist(), arrays["role"].tolist(), strict=True)
    ):
        save(folder / f"{person}/{row}.png", image)
        yaw = np.rad2deg(arrays["pose"][row, 0])
        lines.append(f'{person}/{row}.png,s{person},{names[role]},{yaw:.3f},"{points}"')
    (folder / "arl_vtf.csv").write_text("\n".join(lines))


def write_facescape(folder: Path, archive: FaceArchive) -> None:
    """The models are the embedded clouds, whose first point is the tip of the nose."""
    arrays, frames = archive.arrays, {}
    kept: dict[tuple[int, int], dict[str, object]] = {}
    for row, image in enumerate(arrays["images"]):
        person, expression = int(arrays["identity"][row]) + 1, int(arrays["expression"][row]) + 1
        shown = f"{expression}_shown"
        views = kept.setdefault((person, expression), {})
        view = len(views) // 6
        head = euler_to_matrix(*torch.tensor(arrays["pose"][row]).double().unbind()).numpy()
        turn = np.diag((1.0, -1.0, -1.0)) @ head
        views |= {
            f"{view}_K": [[FOCAL, 0, SIDE / 2], [0, FOCAL, SIDE / 2], [0, 0, 1]],
            f"{view}_Rt": np.column_stack((turn, (0, 0, AWAY))).tolist(),
            f"{view}_distortion": [0.0] * 5,
            f"{view}_width": SIDE,
            f"{view}_height": SIDE,
            f"{view}_valid": True,
        }
        save(folder / f"fsmview_trainset/{person}/{shown}/{view}.jpg", image)
        if view == 0:
            frames.setdefault(str(person), {})[str(expression)] = [1.0, np.eye(4)[:3].tolist()]
            model = folder / f"facescape_trainset/{person}/models_reg/{shown}.obj"
            model.parent.mkdir(parents=True, exist_ok=True)
            cloud = arrays["clouds"][arrays["cloud"][row]]
            model.write_text("".join(f"v {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in cloud.tolist()))
    for (person, expression), views in kept.items():
        (folder / f"fsmview_trainset/{person}/{expression}_shown/params.json").write_text(json.dumps(views))
    (folder / "Rt_scale_dict.json").write_text(json.dumps(frames))
    marked = np.arange(1, 69)
    marked[NOSE_TIP] = 0
    np.savez(folder / "landmark_indices.npz", v10=marked)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of licensed data."""
    sets = embedded()
    written = {
        "vggface2": (write_vggface2, sets["web_faces"]),
        "facescape": (write_facescape, sets["facescape"]),
        "arl_vtf": (write_arl_vtf, sets["arl_vtf"]),
    }
    return use_written(monkeypatch, tmp_path, written)


@pytest.mark.slow
def test_pretraining_and_joint_attention_on_written_folders(data: Path) -> None:
    pretraining = Run("joint_attention", "pretrain_ir18", changes=LICENSED)
    with pytest.raises(MissingPart, match="was not yet checked as VGGFace2: run `facelib data check vggface2"):
        train(pretraining, say=lambda _: None)
    for name in ("vggface2", "facescape", "arl_vtf"):
        check(name, data / name)

    train(pretraining, say=lambda _: None)
    joint = Run("joint_attention", "jam_je", changes=LICENSED)
    train(joint, say=lambda _: None)

    for run, source in ((pretraining, "vggface2"), (joint, "facescape")):
        record = read_record(run.record)
        assert record.data["source"] == source
        assert record.parameters["data"] == "licensed"
        assert status_of(run).is_current
    metrics = read_record(joint.record).metrics
    assert {"tar_at_far_1pct/90+", "auc", "arl_vtf.tar_at_far_1pct/pose"} <= set(metrics)
    assert all(0 <= metrics[name]["value"] <= 1 for name in ("auc", "rank1", "arl_vtf.rank1"))


def test_a_folder_that_is_not_there_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run("joint_attention", "pretrain_ir18", changes=LICENSED)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    with pytest.raises(MissingPart, match=f"{DATA_VARIABLE} is not set: .*VGGFace2 as vggface2"):
        train(run, say=lambda _: None)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingPart, match=r"no folder .*vggface2: expected VGGFace2 there"):
        train(run, say=lambda _: None)
