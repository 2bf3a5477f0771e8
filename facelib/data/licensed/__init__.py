"""Readers of data sets that their owners license or that cannot be passed on: from a user's folder to archives.

reader           what a reader is, and the index of a folder that was checked
folders, lists   files that are never taken from outside the folder; lines of lists, with errors that name them
mat_files        arrays of numbers in MATLAB files, and nothing else
crops            faces in their photographs, as networks see them
checking         reading all of a folder once; archives: what the papers' tasks open
faces_300w_lp    300W-LP and AFLW2000-3D; basel_2009: the face model that their shapes need
facescape        photographs from many views, with pose and landmarks; lens: straightens them
lfw, celeba, vggface2, arl_vtf
image_folder     photographs without anything beside them: MoFA-Test
basel_h5, flame  other face models in our class, through linear_models; pickled_arrays: without unpickling
basel_faces      the Basel model that a user has; basel_frames: depth frames of its faces (paper 4)
scan_samples     scans as the embedded ones are stored; landmark_files: what is marked on them
bu_3dfe, bu_4dfe, frgc, bosphorus
florence, facewarehouse: photographs with scans; florence_clips: frames of the former's videos
facewarehouse_depth: depth frames with scans
arcface          a user's recognition network, for the perceptual loss of paper 5
depth_samples    depth frames as the embedded ones are stored; depth_files: what sensors write
biwi, ict_3dhp
"""

from __future__ import annotations

from facelib.data.licensed import (
    arl_vtf,
    biwi,
    bosphorus,
    bu_3dfe,
    bu_4dfe,
    celeba,
    faces_300w_lp,
    facescape,
    facewarehouse,
    facewarehouse_depth,
    florence,
    florence_clips,
    frgc,
    ict_3dhp,
    image_folder,
    lfw,
    vggface2,
)
from facelib.data.licensed.reader import Reader
from facelib.errors import unknown_name

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        faces_300w_lp.READER_300W_LP,
        faces_300w_lp.READER_AFLW2000,
        lfw.READER,
        celeba.READER,
        vggface2.READER,
        arl_vtf.READER,
        facescape.READER,
        image_folder.READER,
        bu_3dfe.READER,
        frgc.READER,
        bosphorus.READER,
        bu_4dfe.READER,
        florence.READER,
        florence_clips.READER,
        facewarehouse.READER,
        facewarehouse_depth.READER,
        biwi.READER,
        ict_3dhp.READER,
    )
}


def reader_of(name: str) -> Reader:
    """The reader of a data set.

    Raises:
        UnknownName: there is none.
    """
    if name not in READERS:
        raise unknown_name("licensed data set", name, READERS)
    return READERS[name]
