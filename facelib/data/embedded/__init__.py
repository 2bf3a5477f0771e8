"""Generated counterparts of the papers' data sets, from the embedded faces.

generation         what they share: the cache, fingerprints, seeds, photographing heads
facescape          identities x expressions x views around the head, with a cloud of each identity and expression
                   (paper 1)
arl_vtf            gallery, frontal and pose probes of other people before another camera (paper 1)
web_faces          many people in uncontrolled photographs, for the pretraining (papers 1 and 2)
posed_photographs  what those of paper 3 share: photographs with skin, camera, shape and what is worn
aflw_300wlp        the counterparts of 300W-LP and AFLW2000-3D: uncontrolled photographs in all poses (paper 3)
people_stream      new people in every batch, for as long as a training asks; landmarked_stream: without their truth,
                   labelled_stream: with some of it (paper 5)
scans              what a scanner sees of heads
florence           twenty poses of each person and a scan (paper 3); florence_clips: three conditions (paper 5)
facewarehouse      nine people in twenty expressions, each with a scan (paper 5)
celeba_cases       the same people plain, with covered eyes, in uneven or little light, and smiling (paper 5)
face_scans         range scans of four scanners and their protocols (paper 2); shown_faces: what people show to them
depth_sets         what the depth frames of paper 4 share; head_motion: where heads turn
syn_data           SynData1 to 3: clean frames with labels; depth_targets: FaceWarehouse, Biwi and ICT-3DHP by a
                   structured-light sensor; ict_depth: imported heads before it
portraits          a few people for a check, kept nowhere
"""

from __future__ import annotations

from facelib.data.embedded.aflw_300wlp import Aflw2000Settings, W300LpSettings, open_aflw2000, open_w300lp
from facelib.data.embedded.arl_vtf import ArlVtfSettings, open_arl_vtf
from facelib.data.embedded.celeba_cases import CelebaCasesSettings, open_celeba_cases
from facelib.data.embedded.depth_targets import (
    BiwiSettings,
    DepthFaceWarehouseSettings,
    Ict3dhpSettings,
    open_depth_facewarehouse,
    open_depth_sequences,
)
from facelib.data.embedded.face_scans import (
    BosphorusSettings,
    Bu3dfeSettings,
    Bu4dfeSettings,
    FrgcSettings,
    open_bu3dfe,
    open_bu4dfe,
    open_free_scans,
)
from facelib.data.embedded.facescape import FaceScapeSettings, open_facescape
from facelib.data.embedded.facewarehouse import FaceWarehouseSettings, open_facewarehouse
from facelib.data.embedded.florence import FlorenceSettings, open_florence
from facelib.data.embedded.florence_clips import FlorenceClipsSettings, open_florence_clips
from facelib.data.embedded.generation import GeneratedSettings, batches_folder, fingerprint_of, keep_freed_memory
from facelib.data.embedded.labelled_stream import LabelledFaces, LabelledStream, labelled_faces_of
from facelib.data.embedded.landmarked_stream import LandmarkedStream, detected_faces, landmarked_faces_of
from facelib.data.embedded.people_stream import PeopleStream, PeopleStreamSettings, open_people_stream
from facelib.data.embedded.syn_data import SynData1Settings, SynData2Settings, SynData3Settings, open_syn_data
from facelib.data.embedded.web_faces import WebFacesSettings, open_web_faces

__all__ = [
    "Aflw2000Settings",
    "ArlVtfSettings",
    "BiwiSettings",
    "BosphorusSettings",
    "Bu3dfeSettings",
    "Bu4dfeSettings",
    "CelebaCasesSettings",
    "DepthFaceWarehouseSettings",
    "FaceScapeSettings",
    "FaceWarehouseSettings",
    "FlorenceClipsSettings",
    "FlorenceSettings",
    "FrgcSettings",
    "GeneratedSettings",
    "Ict3dhpSettings",
    "LabelledFaces",
    "LabelledStream",
    "LandmarkedStream",
    "PeopleStream",
    "PeopleStreamSettings",
    "SynData1Settings",
    "SynData2Settings",
    "SynData3Settings",
    "W300LpSettings",
    "WebFacesSettings",
    "batches_folder",
    "detected_faces",
    "fingerprint_of",
    "keep_freed_memory",
    "labelled_faces_of",
    "landmarked_faces_of",
    "open_aflw2000",
    "open_arl_vtf",
    "open_bu3dfe",
    "open_bu4dfe",
    "open_celeba_cases",
    "open_depth_facewarehouse",
    "open_depth_sequences",
    "open_facescape",
    "open_facewarehouse",
    "open_florence",
    "open_florence_clips",
    "open_free_scans",
    "open_people_stream",
    "open_syn_data",
    "open_w300lp",
    "open_web_faces",
]
