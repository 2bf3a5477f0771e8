"""The data sets of paper 4 at the sizes of a tier, and which of their frames are learnt from and tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    BiwiSettings,
    DepthFaceWarehouseSettings,
    GeneratedSettings,
    Ict3dhpSettings,
    SynData1Settings,
    SynData2Settings,
    SynData3Settings,
)
from facelib.data.embedded.syn_data import SynDataSettings
from facelib.faces.sensors import StructuredLight
from facelib.papers.datasets import require_embedded
from facelib.papers.depth_adaptation.methods import GROUP_1, GROUP_2, ICT_3DHP, SHAPE, DepthReader
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings, FrameCounts
from facelib.papers.paper import BASELINE

ARCHIVES = {GROUP_1: "biwi", GROUP_2: "biwi", ICT_3DHP: "ict_3dhp"}
SOURCES: dict[str, SynDataSettings] = {
    "syn_data_1": SynData1Settings(),
    "syn_data_2": SynData2Settings(),
    "syn_data_3": SynData3Settings(),
}
SOURCE_OF = {"depth_facewarehouse": "syn_data_1", "biwi": "syn_data_2", "ict_3dhp": "syn_data_3"}
TIMES = 3  # of the printed counts
TESTED_IN_GROUP_1 = (11, 12)  # sequences, of people who come once
TESTED_SHARE, SPLIT_SEED = 0.3, 4  # of the sequences, at random


def learnt_people(settings: DepthRunSettings) -> int:
    """People of FaceWarehouse's counterpart whose unlabelled frames are learnt from: the first ones."""
    return max(2, round(DepthFaceWarehouseSettings.identities * settings.frames.share))


def target_of(method: DepthReader, settings: DepthRunSettings) -> str:
    """The data set whose unlabelled frames a method learns from."""
    return "depth_facewarehouse" if method.reads == SHAPE else ARCHIVES[settings.frames.pose_set]


def sequences_left_out(pose_set: str) -> tuple[int, ...]:
    """Sequences of Biwi or ICT-3DHP that are not learnt from: those of group 1, or three in ten at random."""
    if pose_set == GROUP_1:
        return TESTED_IN_GROUP_1
    sequences = np.arange(1, len((BiwiSettings if pose_set == GROUP_2 else Ict3dhpSettings).people) + 1)
    chosen = np.random.default_rng(SPLIT_SEED).permutation(sequences)[: round(TESTED_SHARE * len(sequences))]
    return tuple(sorted(chosen.tolist()))


def is_tested(method: DepthReader, settings: DepthRunSettings, archive: FaceArchive) -> np.ndarray:
    """(N,) bool, which frames of the data set that a method adapts to are not learnt from."""
    if method.reads == SHAPE:
        return np.asarray(archive.arrays["identity"]) >= learnt_people(settings)
    return np.isin(archive.arrays["sequence"], sequences_left_out(settings.frames.pose_set))


def data_sets(method: DepthReader, settings: DepthRunSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    frames, sizes = settings.frames, {}
    targets: dict[str, Any] = {
        "depth_facewarehouse": DepthFaceWarehouseSettings(
            identities=learnt_people(settings) + settings.evaluation.people
        ),
        "biwi": BiwiSettings(frames=round(BiwiSettings.frames * frames.share), every=frames.every),
        "ict_3dhp": Ict3dhpSettings(frames=round(Ict3dhpSettings.frames * frames.share), every=frames.every),
    }
    target = target_of(method, settings)
    if method.kind == BASELINE:
        names = ["depth_facewarehouse"] if method.reads == SHAPE else ["biwi", "ict_3dhp"]
        sizes = {name: targets[name] for name in names}
    else:
        if frames.labels != "target":
            sizes[SOURCE_OF[target]] = _source(SOURCES[SOURCE_OF[target]], frames)
        sizes[target] = targets[target]
    require_embedded(settings.data, tuple(sizes))
    pixels = settings.network.image_size
    return {name: replace(each, scene=replace(each.scene, image_size=pixels)) for name, each in sizes.items()}


def _source(printed: SynDataSettings, frames: FrameCounts) -> SynDataSettings:
    """Of the size that is asked for, with those who are held out besides."""
    part = frames.times / TIMES
    people = max(2, round(printed.identities * frames.people * part))
    each = printed.frames * frames.share * part / people
    everybody = people + frames.held_out
    sensor = StructuredLight() if frames.labels == "sensed" else None
    return replace(
        printed,
        identities=everybody,
        frames=max(everybody, round(each * everybody)),
        scene=replace(printed.scene, sensor=sensor),
    )
