"""Every data set that runs read, by name: which licensed one it is or stands for, what describes it, what opens it.

A paper names its data sets and gives their settings (`Paper.data_sets`); all else about them is here. A new data set is
a generator or reader in `facelib.data` and an entry of this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    Aflw2000Settings,
    ArlVtfSettings,
    BiwiSettings,
    BosphorusSettings,
    Bu3dfeSettings,
    Bu4dfeSettings,
    CelebaCasesSettings,
    DepthFaceWarehouseSettings,
    FaceScapeSettings,
    FaceWarehouseSettings,
    FlorenceClipsSettings,
    FlorenceSettings,
    FrgcSettings,
    GeneratedSettings,
    Ict3dhpSettings,
    PeopleStreamSettings,
    SynData1Settings,
    SynData2Settings,
    SynData3Settings,
    W300LpSettings,
    WebFacesSettings,
    fingerprint_of,
    open_aflw2000,
    open_arl_vtf,
    open_bu3dfe,
    open_bu4dfe,
    open_celeba_cases,
    open_depth_facewarehouse,
    open_depth_sequences,
    open_facescape,
    open_facewarehouse,
    open_florence,
    open_florence_clips,
    open_free_scans,
    open_people_stream,
    open_w300lp,
    open_web_faces,
)
from facelib.data.licensed import READERS
from facelib.data.licensed.archives import (
    LicensedSettings,
    PreparedSettings,
    data_root,
    licensed_settings,
    open_licensed,
)
from facelib.data.licensed.basel_frames import open_source_frames
from facelib.data.licensed.reader import Reader
from facelib.errors import MissingPart, unknown_name
from facelib.progress import progress_bar
from facelib.storage import digest_of


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Args:
        title: of its progress bar and in pictures.
        licensed: the licensed data set that it stands for.
        content: one line.
        settings: the class that describes a size of it.
        open: from the cache, or generated; told the number of images after each part.
        reader: of the licensed data set, where there is one.
    """

    title: str
    licensed: str
    content: str
    settings: type[GeneratedSettings]
    open: Callable[[Any, Callable[[int], None]], FaceArchive]
    reader: Reader | None = None


DATA_SETS: dict[str, DataSet] = {
    "web_faces": DataSet(
        "web faces",
        "VGGFace2, CASIA-WebFace",
        "many identities in uncontrolled pose, light, expression, blur and background",
        WebFacesSettings,
        open_web_faces,
        READERS["vggface2"],
    ),
    "web_faces_of_others": DataSet(
        "web faces of other people",
        "VGGFace2",
        "people whom no training sees, in such photographs: how well faces are reconstructed from them",
        WebFacesSettings,
        open_web_faces,
    ),
    "facescape": DataSet(
        "FaceScape counterpart",
        "FaceScape",
        "identities x 20 expressions x views to 105 degrees, background removed, aligned clouds of 1,024 points",
        FaceScapeSettings,
        open_facescape,
        READERS["facescape"],
    ),
    "arl_vtf": DataSet(
        "ARL-VTF counterpart",
        "ARL-VTF",
        "other identities, another camera and light, uniform background: gallery, frontal and pose probes",
        ArlVtfSettings,
        open_arl_vtf,
        READERS["arl_vtf"],
    ),
    "300w_lp": DataSet(
        "300W-LP counterpart",
        "300W-LP",
        "many identities turned evenly to all sides up to 105 degrees, with shape, pose and skin of each photograph",
        W300LpSettings,
        open_w300lp,
        READERS["300w_lp"],
    ),
    "people_stream": DataSet(
        "skins of the stream of people",
        "300W-LP",
        "people who are drawn anew in every batch, turned evenly to all sides; stored are the skins that they wear",
        PeopleStreamSettings,
        open_people_stream,
    ),
    "aflw2000": DataSet(
        "AFLW2000-3D counterpart",
        "AFLW2000-3D",
        "other identities, the paper's distribution of yaw, some with glasses, sunglasses or a mask",
        Aflw2000Settings,
        open_aflw2000,
        READERS["aflw2000"],
    ),
    "same_people": DataSet(
        "people in three photographs",
        "AFLW2000-3D",
        "other identities again, each in three poses up to 60 degrees, three lights and three expressions",
        Aflw2000Settings,
        open_aflw2000,
    ),
    "florence": DataSet(
        "Florence counterpart",
        "MICC Florence",
        "neutral faces in 20 poses each, and a scan of 19,000 points of each",
        FlorenceSettings,
        open_florence,
        READERS["florence"],
    ),
    "florence_clips": DataSet(
        "Florence counterpart, clips",
        "MICC Florence, clips",
        "frames of clips in three conditions of increasing difficulty, and a scan of 19,000 points of each person",
        FlorenceClipsSettings,
        open_florence_clips,
        READERS["florence_clips"],
    ),
    "facewarehouse": DataSet(
        "FaceWarehouse counterpart",
        "FaceWarehouse",
        "other identities, nearly frontal in 20 expressions, and a scan of 5,000 points of each photograph",
        FaceWarehouseSettings,
        open_facewarehouse,
        READERS["facewarehouse"],
    ),
    "celeba_cases": DataSet(
        "CelebA counterpart, cases",
        "CelebA",
        "other identities, each plain, with covered eyes, in uneven and in little light, and smiling; scans as above",
        CelebaCasesSettings,
        open_celeba_cases,
        READERS["celeba"],
    ),
    "bu3dfe": DataSet(
        "BU-3DFE counterpart",
        "BU-3DFE",
        "stereo scans of other identities, neutral and six emotions at four levels",
        Bu3dfeSettings,
        open_bu3dfe,
        READERS["bu_3dfe"],
    ),
    "frgc": DataSet(
        "FRGC v2 counterpart",
        "FRGC v2",
        "laser scans of other identities, mostly neutral, with spikes, and holes at brows and hair",
        FrgcSettings,
        open_free_scans,
        READERS["frgc_v2"],
    ),
    "bosphorus": DataSet(
        "Bosphorus counterpart",
        "Bosphorus",
        "structured-light scans of other identities, the first neutral and the others with an expression each",
        BosphorusSettings,
        open_free_scans,
        READERS["bosphorus"],
    ),
    "bu4dfe": DataSet(
        "BU-4DFE counterpart",
        "BU-4DFE",
        "passive stereo scans of other identities, six emotions as sequences of five frames",
        Bu4dfeSettings,
        open_bu4dfe,
        READERS["bu_4dfe"],
    ),
    "syn_data_1": DataSet(
        "SynData1",
        "SynData1 (Basel Face Model)",
        "clean depth frames of bare faces with shape and pose: 450 people in 20 expressions, near frontal",
        SynData1Settings,
        open_source_frames,
    ),
    "syn_data_2": DataSet(
        "SynData2",
        "SynData2 (Basel Face Model)",
        "clean depth frames of bare faces with shape and pose: 165 people in 3 expressions, in the poses of Biwi",
        SynData2Settings,
        open_source_frames,
    ),
    "syn_data_3": DataSet(
        "SynData3",
        "SynData3 (Basel Face Model)",
        "clean depth frames of bare faces with shape and pose: 143 people in 3 expressions, in the poses of ICT-3DHP",
        SynData3Settings,
        open_source_frames,
    ),
    "depth_facewarehouse": DataSet(
        "FaceWarehouse counterpart, depth",
        "FaceWarehouse depth",
        "structured-light frames of other identities with hair, body and room, near frontal in 20 expressions",
        DepthFaceWarehouseSettings,
        open_depth_facewarehouse,
        READERS["facewarehouse_depth"],
    ),
    "biwi": DataSet(
        "Biwi counterpart",
        "Biwi Kinect head pose",
        "structured-light frames of 24 sequences of 20 other people who turn their heads to all sides",
        BiwiSettings,
        open_depth_sequences,
        READERS["biwi"],
    ),
    "ict_3dhp": DataSet(
        "ICT-3DHP counterpart",
        "ICT-3DHP",
        "structured-light frames of ten sequences of other people, by another camera",
        Ict3dhpSettings,
        open_depth_sequences,
        READERS["ict_3dhp"],
    ),
}


def data_set(name: str) -> DataSet:
    """An entry of the table.

    Raises:
        UnknownName: when there is no such data set.
    """
    if name not in DATA_SETS:
        raise unknown_name("data set", name, DATA_SETS)
    return DATA_SETS[name]


def open_data_set(name: str, settings: GeneratedSettings) -> FaceArchive:
    """A data set of this size from the cache, generated or read where it is missing, with a progress bar."""
    if isinstance(settings, PreparedSettings):
        with progress_bar(settings.title, settings.image_count, "samples") as bar:
            return settings.open_archive(bar.advance)
    entry = data_set(name)
    if isinstance(settings, LicensedSettings):
        reader = READERS[settings.reader]
        with progress_bar(reader.title, settings.image_count, "samples") as bar:
            return open_licensed(reader, data_root(reader), settings.image_size, on_images=bar.advance)
    with progress_bar(entry.title, settings.image_count, "images") as bar:
        return entry.open(settings, bar.advance)


def data_fingerprint(sets: Mapping[str, GeneratedSettings]) -> str:
    """One fingerprint of all data that a run reads, as they would be generated today; a single set keeps its own."""
    found = {
        name: settings.fingerprint
        if isinstance(settings, LicensedSettings | PreparedSettings)
        else fingerprint_of(settings)
        for name, settings in sets.items()
    }
    return combined_fingerprint(found)


def combined_fingerprint(fingerprints: Mapping[str, str]) -> str:
    """One fingerprint of several data sets; a single one keeps its own."""
    return next(iter(fingerprints.values())) if len(fingerprints) == 1 else digest_of(dict(fingerprints))


def licensed_sets(names: Iterable[str], image_size: int) -> dict[str, GeneratedSettings]:
    """The licensed data sets in the user's folder, in the place of their embedded counterparts.

    All that a folder holds is read: sizes of settings count for embedded data alone.

    Args:
        names: of data sets.
        image_size: pixels a side.

    Raises:
        MissingPart: one has no reader, is not there, or was not checked.
    """
    found: dict[str, GeneratedSettings] = {}
    for name in names:
        reader = data_set(name).reader
        if reader is None:
            raise MissingPart(
                f"no run reads {data_set(name).licensed} for {name} yet: use --tier gpu, or a method without"
            )
        found[name] = licensed_settings(reader, image_size)
    return found
