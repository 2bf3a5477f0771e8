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
from facelib.data.licensed.basel_faces import basel_checksum
from facelib.data.licensed.basel_frames import BaselFramesSettings
from facelib.errors import BadInput, MissingPart
from facelib.faces.sensors import StructuredLight
from facelib.papers.datasets import licensed_sets
from facelib.papers.depth_adaptation.methods import GROUP_1, GROUP_2, ICP_TRACKING, ICT_3DHP, SHAPE, DepthReader
from facelib.papers.depth_adaptation.readers import view_of
from facelib.papers.depth_adaptation.run_settings import TIMES, DepthRunSettings, chosen_faces
from facelib.papers.paper import BASELINE

ARCHIVES = {GROUP_1: "biwi", GROUP_2: "biwi", ICT_3DHP: "ict_3dhp"}
SOURCES: dict[str, SynDataSettings] = {
    "syn_data_1": SynData1Settings(),
    "syn_data_2": SynData2Settings(),
    "syn_data_3": SynData3Settings(),
}
POSES = ("biwi", "ict_3dhp")  # what trackers are evaluated on
SOURCE_OF = {"depth_facewarehouse": "syn_data_1", "biwi": "syn_data_2", "ict_3dhp": "syn_data_3"}
TESTED_IN_GROUP_1 = (11, 12)  # sequences, of people who come once
TESTED_SHARE, SPLIT_SEED = 0.3, 4  # of the sequences, by people at random
OWN_SEQUENCES = {"biwi": len(BiwiSettings.people), "ict_3dhp": len(Ict3dhpSettings.people)}


def learnt_people(settings: DepthRunSettings) -> int:
    """People of FaceWarehouse's counterpart whose unlabelled frames are learnt from: the first ones."""
    return max(2, round(DepthFaceWarehouseSettings.identities * settings.frames.share))


def target_of(method: DepthReader, settings: DepthRunSettings) -> str:
    """The data set whose unlabelled frames a method learns from."""
    return "depth_facewarehouse" if method.reads == SHAPE else ARCHIVES[settings.frames.pose_set]


def left_out(pose_set: str, archive: FaceArchive) -> np.ndarray:
    """(N,) bool, which frames of Biwi or ICT-3DHP are not learnt from: those of group 1, or of three in ten sequences.

    The latter are sequences of people drawn at random: who stands in two of them is learnt from in both or tested in
    both. Of the people whom a counterpart shows besides the data set's own nobody learns.

    Raises:
        BadInput: when nothing is left to test, or to learn from.
    """
    sequence, identity = (np.asarray(archive.arrays[name]) for name in ("sequence", "identity"))
    besides = sequence > OWN_SEQUENCES[ARCHIVES[pose_set]]
    if pose_set == GROUP_1:
        tested = np.isin(sequence, TESTED_IN_GROUP_1)
    else:
        people = np.random.default_rng(SPLIT_SEED).permutation(np.unique(identity[~besides]))
        sequences = np.array([len(np.unique(sequence[identity == person])) for person in people])
        chosen = people[sequences.cumsum() <= round(TESTED_SHARE * sequences.sum())]
        tested = np.isin(identity, chosen)
    tested |= besides
    if tested.all() or not tested.any():
        raise BadInput(
            f"{archive.name} has sequences {', '.join(map(str, np.unique(sequence)))}, of which {pose_set} leaves "
            f"{'none to learn from' if tested.any() else 'none to test'}: expected those of group 1, "
            f"{' and '.join(map(str, TESTED_IN_GROUP_1))}, and others, or four of several people at least"
        )
    return tested


def is_tested(method: DepthReader, settings: DepthRunSettings, archive: FaceArchive) -> np.ndarray:
    """(N,) bool, which frames of the data set that a method adapts to are not learnt from.

    Raises:
        BadInput: when nothing is left to test, or to learn from.
    """
    if method.reads != SHAPE:
        return left_out(settings.frames.pose_set, archive)
    people, count = archive.identities, settings.evaluation.people
    if not 0 < count < len(people):
        raise BadInput(
            f"{archive.name} has {len(people)} people, of whom evaluation.people = {count} are tested: expected at "
            "least one, and more to learn from"
        )
    return np.isin(archive.arrays["identity"], people[-count:])


def frames_between(method: DepthReader, settings: DepthRunSettings) -> int:
    """How many frames a method reads for each that counts: a tracker needs those between, which no network reads."""
    return settings.frames.every if method.name == ICP_TRACKING and settings.data != "licensed" else 1


def data_sets(method: DepthReader, settings: DepthRunSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from.

    Raises:
        MissingPart: when the settings ask for licensed data that are not there, were not checked, or that nobody has.
    """
    sources = {} if method.kind == BASELINE else _sources(method, settings)
    targets = _targets(method, settings)
    if settings.data != "licensed":
        return sources | targets
    if settings.frames.labels == "sensed":
        raise MissingPart(
            f"{method.name} learns from people of SynData before the very sensor of {', '.join(targets)}, of whom "
            "there are no frames: use --tier gpu, whose sensor is simulated, or a method without"
        )
    return sources | licensed_sets(targets, settings.network.image_size)


def _targets(method: DepthReader, settings: DepthRunSettings) -> dict[str, GeneratedSettings]:
    """What a method learns from without labels and is evaluated on, or a baseline is evaluated on; embedded."""
    frames = settings.frames
    steps: dict[str, Any] = {"every": frames.every, "between": frames_between(method, settings) > 1}
    sizes: dict[str, Any] = {
        "depth_facewarehouse": DepthFaceWarehouseSettings(
            identities=learnt_people(settings) + settings.evaluation.people
        ),
        "biwi": BiwiSettings(
            frames=round(BiwiSettings.frames * frames.pose_share), others=settings.evaluation.others, **steps
        ),
        "ict_3dhp": Ict3dhpSettings(frames=round(Ict3dhpSettings.frames * frames.pose_share), **steps),
    }
    is_tracker = method.kind == BASELINE and method.reads != SHAPE
    return {name: as_seen(sizes[name], settings) for name in (POSES if is_tracker else (target_of(method, settings),))}


def _sources(method: DepthReader, settings: DepthRunSettings) -> dict[str, GeneratedSettings]:
    """The labelled frames that a method learns from, where they are not the target's own."""
    frames, name = settings.frames, SOURCE_OF[target_of(method, settings)]
    if frames.labels == "target":
        return {}
    share = frames.share if method.reads == SHAPE else frames.pose_share
    source: SynDataSettings = as_seen(_source(SOURCES[name], settings, share), settings)
    if chosen_faces(settings.faces) == "basel":
        return {name: BaselFramesSettings(source, basel_checksum())}
    return {name: source}


def as_seen(sizes: Any, settings: DepthRunSettings) -> Any:
    """A set as networks of these settings see it."""
    scene = replace(sizes.scene, image_size=settings.network.image_size, **view_of(settings)._asdict())
    return replace(sizes, scene=scene)


def _source(printed: SynDataSettings, settings: DepthRunSettings, share: float) -> SynDataSettings:
    """A share of its frames, with those who are held out besides."""
    frames = settings.frames
    part = frames.times / TIMES
    people = max(2, round(printed.identities * frames.people * part))
    each = printed.frames * share * part / people
    everybody = people + frames.held_out
    sensor = StructuredLight() if frames.labels == "sensed" else None
    return replace(
        printed,
        identities=everybody,
        frames=max(everybody, round(each * everybody)),
        scene=replace(printed.scene, sensor=sensor),
    )
