"""The data sets of paper 2 at the sizes of a tier.

Under licence are the photographs that are learnt from and reconstructed, all 9,131 people of VGGFace2, and the scans.
Embedded in every tier are the photographs whose shapes must be known: those that reconstructors learn from, and those
of other people that show how faithful they are. ExpNet's own training set and the Basel coefficients of its photographs
are not to be had, so what it reads are coefficients of our face model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from facelib.data.embedded import (
    BosphorusSettings,
    Bu3dfeSettings,
    Bu4dfeSettings,
    FrgcSettings,
    GeneratedSettings,
    PeopleStreamSettings,
    WebFacesSettings,
)
from facelib.data.licensed.archives import require_counts
from facelib.data.occlusion import OcclusionSettings
from facelib.data.photograph_style import PLAIN
from facelib.errors import MissingPart
from facelib.papers.datasets import DATA_SETS, licensed_sets
from facelib.papers.normal_components.methods import TRUTH, NormalRecogniser
from facelib.papers.normal_components.metrics import TITLES
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.paper import BASELINE

OTHERS_SEED = 36  # of people whom nobody else sees
SCAN_CELLS = 384  # a side of the grids on which licensed scans are seen: below 1 mm each, as scanners sample
COMPLETE = (
    "complete the folder and check it again, or run on what is there with --set evaluation.counts=found, whose rates "
    "cannot be compared with the printed ones"
)


def data_sets(method: NormalRecogniser, settings: RecognitionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from; a baseline learns from none.

    Raises:
        MissingPart: when the settings ask for licensed data that are not there, were not checked, or have other counts
            than are printed; and of the true shapes of licensed photographs, which nobody has.
    """
    sizes: dict[str, Any] = {"people_stream": stream_settings(settings)} if method.reads else {}
    if method.kind != BASELINE:
        if not method.reads:
            sizes["web_faces"] = web_settings(settings)
        sizes["web_faces_of_others"] = others_settings(settings)
    if not method.is_pretraining:
        sizes |= _scans(settings)
    return sizes if settings.data == "embedded" else sizes | _licensed(method, settings, tuple(sizes))


def _licensed(
    method: NormalRecogniser, settings: RecognitionSettings, names: tuple[str, ...]
) -> dict[str, GeneratedSettings]:
    """Those of these data sets that are under licence, as they are in the user's folder."""
    if method.reconstructor == TRUTH:
        raise MissingPart(
            f"{method.name} learns from the true shapes of the faces on photographs, which nobody knows of VGGFace2's: "
            "use --tier gpu, where faces are embedded, or another method"
        )
    scans = [name for name in names if name in TITLES]
    found = licensed_sets([name for name in names if name == "web_faces"], settings.preparation.size)
    found |= licensed_sets(scans, SCAN_CELLS)
    if settings.evaluation.counts == "printed":
        for reader in (DATA_SETS[name].reader for name in scans):
            assert reader is not None
            require_counts(reader, COMPLETE)
    return found


def web_settings(settings: RecognitionSettings) -> WebFacesSettings:
    """The photographs that are learnt from and reconstructed."""
    return _sized(WebFacesSettings(settings.web.identities, settings.web.images), settings)


def others_settings(settings: RecognitionSettings) -> WebFacesSettings:
    """Such photographs of people whom no training sees."""
    return _sized(WebFacesSettings(settings.others.identities, settings.others.images, OTHERS_SEED), settings)


def stream_settings(settings: RecognitionSettings) -> PeopleStreamSettings:
    """People for reconstructors to learn from, on photographs as those that they are to reconstruct.

    Web photographs come without landmarks, so what reads them learns from their own crops, and not from crops by
    landmarks as paper 5's networks do.
    """
    web = web_settings(settings)
    return PeopleStreamSettings(
        skins=settings.taught.skins,
        yaw_spread=web.yaw_spread,
        pitch_spread=web.pitch_spread,
        roll_spread=web.roll_spread,
        worn_share=0.0,
        occlusion=OcclusionSettings(probability=0.0),
        scene=web.scene,
        style=PLAIN,
        dressed=False,
    )


def _sized(web: WebFacesSettings, settings: RecognitionSettings) -> WebFacesSettings:
    return replace(web, scene=replace(web.scene, image_size=settings.preparation.size))


def _scans(settings: RecognitionSettings) -> dict[str, Any]:
    sizes = settings.evaluation
    return {
        "bu3dfe": Bu3dfeSettings(identities=sizes.bu3dfe, levels=sizes.levels),
        "frgc": FrgcSettings(identities=sizes.frgc, scans=sizes.frgc_scans, expressive=sizes.frgc_expressive),
        "bosphorus": BosphorusSettings(
            identities=sizes.bosphorus,
            scans=sizes.bosphorus_scans,
            expressive=sizes.bosphorus_scans - sizes.bosphorus,
        ),
        "bu4dfe": Bu4dfeSettings(identities=sizes.bu4dfe, frames=sizes.frames),
    }
