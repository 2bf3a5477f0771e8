"""The methods of paper 5: MSMA, its ablations, the base method, and rows of ours that say what is possible.

Rows beside which the paper prints no number are ours: the mean face, whose size in mm counts; direct fitting, which is
what the losses tell where no network has to guess; the same network taught with 3D labels; and the networks of paper 3,
as they come with the package. Leaving out one loss after the other takes a third of the schedule.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from facelib.papers.paper import BASELINE, PRETRAINING, Method
from facelib.storage import digest_of
from facelib.weights import checksums

SUPERVISED, SHORT = "supervised", "short"  # kinds, besides "network": taught with labels; a third of the schedule
READER = "landmark_reader"  # in whose ResNet the networks start
MEAN_FACE, DIRECT_FIT = "mean_face", "direct_fit"
OF_PAPER_3 = ("sadrnet", "face_encoder")  # shipped models, whose methods have the same names here
RECOGNISER = "ir18"  # Gamma of eq. 16: the shipped recogniser of paper 1
PARTS = {"network.fusion": "MSF", "network.attention": "MLKA", "network.multi_attribute": "attribute heads"}
MILLIONS = "millions of parameters at full size"
PARAMETERS = {  # where each attribute has a map of its own (True), and where all have one
    True: {"ResNet": 23.5, "MSF": 49.1, "MLKA": 18.8, "heads": 0.4},
    False: {"ResNet": 23.5, "MSF": 36.6, "MLKA": 14.2, "heads": 0.5},
}


class FaceReader(Method):
    """One system; its kind is "network", "supervised", "short", "pretraining", or "baseline", which is not trained."""

    @property
    def stage(self) -> str:
        return "short_training" if self.kind == SHORT else super().stage

    @cached_property
    def shipped(self) -> tuple[str, ...]:
        """The shipped models that its run uses."""
        if self.name in OF_PAPER_3:
            return (self.name,)
        return () if self.is_pretraining or self.kind == SUPERVISED or self.name == MEAN_FACE else (RECOGNISER,)

    @property
    def definition(self) -> str:
        """As `Method.definition`, and the checksums of the shipped models."""
        return digest_of([super().definition, checksums(self.shipped)]) if self.shipped else super().definition

    def describe(self) -> dict[str, str]:
        if self.kind == BASELINE:
            losses = "eq. 14, each photograph" * (self.name == DIRECT_FIT)
            return {"parts": "", MILLIONS: "", "learns from": "", "losses": losses}
        if self.is_pretraining:
            return {"parts": "ResNet", "learns from": "detected landmarks", "losses": "landmarks"}
        parts = ["ResNet", *(words for name, words in PARTS.items() if self.changes.get(name, True))]
        counts = PARAMETERS[self.changes.get("network.multi_attribute", True)]
        weak = self.kind != SUPERVISED
        return {
            "parts": ", ".join(parts),
            MILLIONS: ", ".join(f"{part} {count}" for part, count in counts.items() if part in (*parts, "heads")),
            "learns from": "detected landmarks, skin" if weak else "3D labels",
            "losses": self._losses if weak else "distances in mm",
        }

    @property
    def _losses(self) -> str:
        words = [_in_words(name, value) for name, value in self.changes.items() if name.startswith("loss.")]
        return ", ".join(("eq. 14", *words))


def _in_words(name: str, value: float | str) -> str:
    """A changed setting of the losses."""
    term = name.removeprefix("loss.")
    if isinstance(value, str):
        return f"landmarks weighted as {value}"
    return f"{term} {value:g}" if value else f"without {term}"


def _network(
    name: str, label: str, source: str, rows: tuple[tuple[str, str | None], ...] = (), kind: str = "network",
    **changes: Any,
) -> FaceReader:  # fmt: skip
    """A network; settings with _ for the dot."""
    dotted = {key.replace("_", ".", 1): value for key, value in changes.items()}
    return FaceReader(name, label, kind, source, (*rows, *OURS), needs=(READER,), changes=dotted)


def _short(name: str, label: str, source: str = "section 4", **changes: Any) -> FaceReader:
    dotted = {key.replace("_", ".", 1): value for key, value in changes.items()}
    return FaceReader(name, label, SHORT, source, (("losses", None),), needs=(READER,), changes=dotted)


TABLES_1_AND_2: tuple[tuple[str, str | None], ...] = (("1", None), ("2", None))
OURS = (("cases", None), ("alignment", None))  # tables of ours, in which every method stands

METHODS: dict[str, FaceReader] = {
    method.name: method
    for method in (
        _network("msma", "MSMA", "section 3, figure 1",
                 (("1", "Ours (MSMA)"), ("2", "Ours (MSMA)"))),
        _network("base", "Base method (Deng et al.)", "section 5.4, figure 8",
                 (("1", "Yu et al. (PyTorch)"), ("2", "Yu et al. (PyTorch)")),
                 network_fusion=False, network_attention=False, network_multi_attribute=False),
        _network("no_fusion", "MSMA without MSF", "section 5.5", TABLES_1_AND_2, network_fusion=False),
        _network("no_attention", "MSMA without MLKA", "section 3.3", TABLES_1_AND_2, network_attention=False),
        _network("one_feature", "MSMA, one feature for all attributes", "section 5.5", TABLES_1_AND_2,
                 network_multi_attribute=False),
        _network("supervised", "MSMA with 3D labels (upper bound)", "ours", TABLES_1_AND_2, kind=SUPERVISED),
        FaceReader(DIRECT_FIT, "Direct fitting", BASELINE, "ours", (*TABLES_1_AND_2, *OURS)),
        FaceReader("sadrnet", "SADRNet (paper 3)", BASELINE, "paper 3", (*TABLES_1_AND_2, *OURS)),
        FaceReader("face_encoder", "Coefficients (paper 3, as 3DDFA)", BASELINE, "paper 3", (*TABLES_1_AND_2, *OURS)),
        FaceReader(MEAN_FACE, "Mean face, in mm", BASELINE, "ours", (*TABLES_1_AND_2, *OURS)),
        FaceReader(READER, "Landmark reader (start of the ResNets)", PRETRAINING, "section 5.2"),
        _short("short", "All losses, a third of the schedule"),
        _short("no_photometric", "without the photometric loss", "eq. 15", loss_photometric=0.0),
        _short("no_perceptual", "without the perceptual loss", "eq. 16", loss_perceptual=0.0),
        _short("no_landmarks", "without landmarks", "eq. 17", loss_landmarks=0.0),
        _short("no_prior", "without the prior of coefficients", "eq. 18", loss_coefficients=0.0),
        _short("no_reflectance", "without the reflectance loss", "eq. 19", loss_reflectance=0.0),
        _short("white_light", "with the base method's loss of light", "Deng et al.", loss_light=10.0),
        _short("published_landmarks", "landmarks weighted as published", "Deng et al.", loss_weighting="published"),
        _short("printed_weights", "all weights as printed", "sections 4.3 and 4.4",
               loss_landmarks=1.6e-3, loss_coefficients=3e-4, loss_albedo=1.7e-2, loss_reflectance=5.0),
    )
}  # fmt: skip
