"""The data sets of paper 2 at the sizes of a tier."""

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
from facelib.data.occlusion import OcclusionSettings
from facelib.data.photograph_style import PLAIN
from facelib.papers.datasets import require_embedded
from facelib.papers.normal_components.methods import NormalRecogniser
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.paper import BASELINE

OTHERS_SEED = 36  # of people whom nobody else sees


def data_sets(method: NormalRecogniser, settings: RecognitionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from; a baseline learns from none.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    sizes: dict[str, Any] = {"people_stream": stream_settings(settings)} if method.reads else {}
    if method.kind != BASELINE:
        if not method.reads:
            sizes["web_faces"] = web_settings(settings)
        sizes["web_faces_of_others"] = others_settings(settings)
    if not method.is_pretraining:
        sizes |= _scans(settings)
    require_embedded(settings.data, tuple(sizes))
    return sizes


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
