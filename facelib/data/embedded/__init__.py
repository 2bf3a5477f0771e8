"""Generated counterparts of the papers' data sets, from the embedded faces.

generation    what they share: the cache, fingerprints, seeds, photographing heads
facescape     identities x expressions x views around the head, with a cloud of each identity and expression (paper 1)
arl_vtf       gallery, frontal and pose probes of other people before another camera (paper 1)
web_faces     many people in uncontrolled photographs, for the pretraining (papers 1 and 2)
"""

from __future__ import annotations

from facelib.data.embedded.arl_vtf import ArlVtfSettings, open_arl_vtf
from facelib.data.embedded.facescape import NOSE_TIP, FaceScapeSettings, open_facescape
from facelib.data.embedded.generation import fingerprint_of, keep_freed_memory
from facelib.data.embedded.web_faces import WebFacesSettings, open_web_faces

__all__ = [
    "NOSE_TIP",
    "ArlVtfSettings",
    "FaceScapeSettings",
    "WebFacesSettings",
    "fingerprint_of",
    "keep_freed_memory",
    "open_arl_vtf",
    "open_facescape",
    "open_web_faces",
]
