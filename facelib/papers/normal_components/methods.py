"""The methods of paper 2: the baseline, its own rows, rows of ours that say what each part is worth, and pretrainings.

A row with three networks, one a component, trains them together. They share nothing and their losses are summed, so it
is the same as three trainings. Rows of ours have one network that sees all components, as the colours of a picture.

How faithful the reconstructed faces are is varied by what reconstructs them, from networks to the true coefficients of
the face model, and by noise that is added to the true ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facelib.papers.paper import BASELINE, PRETRAINING, Method
from facelib.storage import digest_of
from facelib.weights import checksums, shipped_names

AXES, JOINED, RELIEF, PHOTOGRAPH = ("x", "y", "z"), ("xyz",), ("relief",), ("photograph",)  # what networks see
BRANCHES, ONE_NETWORK = "branches", "one network"  # kinds, besides those of every paper
RECOGNISER, EXPNET, DIFFUSION = "recogniser", "expnet", "diffusion"  # pretrainings
OF_OTHER_PAPERS = ("face_encoder", "shape_reader", "sadrnet", "msma")  # reconstructors: shipped models
TRUTH = "truth"
SHAPE_READER = "face shape"  # what the card of a shipped ExpNet calls it
Loss = Literal["cross_entropy", "lmcl"]


@dataclass(frozen=True)
class NormalRecogniser(Method):
    """One system.

    Args:
        views: what its networks see, one each (`facelib.papers.normal_components.networks.VIEWS`); none of a
            reconstructor.
        reconstructor: of the faces that it learns from; empty where it learns from none.
        loss: that it is trained by.
        disturbance: standard deviation of the noise on true identity coefficients, in theirs.
        pretrained: whether its networks start in the recogniser of photographs.
    """

    views: tuple[str, ...] = AXES
    reconstructor: str = ""
    loss: Loss = "lmcl"
    disturbance: float = 0.0
    pretrained: bool = True

    @property
    def input(self) -> str:
        return "scans"

    @property
    def stage(self) -> str:
        return "reading" if self.reads else super().stage

    @property
    def reads(self) -> bool:
        """Whether it is a reconstructor."""
        return self.is_pretraining and not self.views

    @property
    def definition(self) -> str:
        """As `Method.definition`, and the checksum of the shipped model that it learns from."""
        shipped = [self.reconstructor] if self.reconstructor in OF_OTHER_PAPERS else []
        return digest_of([super().definition, checksums(shipped)]) if shipped else super().definition

    def describe(self) -> dict[str, str]:
        return {
            "sees": ", ".join(self.views),
            "faces from": self.reconstructor + (f", off by {self.disturbance:g}" if self.disturbance else ""),
            "loss": "" if self.kind == BASELINE or self.reads else self.loss.replace("_", " "),
            "starts": "in the recogniser of photographs" if RECOGNISER in self.needs else "fresh",
        }


ADDED = (("fidelity", None), ("additions", None), ("ict", None))  # tables of ours


def _branches(
    name: str, label: str, reconstructor: str, loss: Loss, rows: tuple[tuple[str, str | None], ...]
) -> NormalRecogniser:
    needs = (RECOGNISER, reconstructor)
    return NormalRecogniser(
        name, label, BRANCHES, "sections 2.2 to 2.4", (*rows, *ADDED), needs, reconstructor=reconstructor, loss=loss
    )


def _one(
    name: str,
    label: str,
    reconstructor: str,
    *,
    views: tuple[str, ...] = JOINED,
    disturbance: float = 0.0,
    pretrained: bool = True,
) -> NormalRecogniser:
    needs = ((RECOGNISER,) if pretrained else ()) + ((reconstructor,) if reconstructor in (EXPNET, DIFFUSION) else ())
    return NormalRecogniser(
        name, label, ONE_NETWORK, "ours", ADDED, needs, views=views, reconstructor=reconstructor,
        disturbance=disturbance, pretrained=pretrained,
    )  # fmt: skip


METHODS: dict[str, NormalRecogniser] = {
    method.name: method
    for method in (
        NormalRecogniser("baseline", "Recogniser of photographs, not fine-tuned", BASELINE, "section 3.2",
                         (("1", "Baseline"), ("2", "Baseline"), ("3", "Baseline"), *ADDED), (RECOGNISER,)),
        _branches("expnet_cross_entropy", "ExpNet, cross-entropy", EXPNET, "cross_entropy",
                  (("1", "Ours"), ("2", "Ours"), ("3", "Ours"))),
        _branches("diffusion_cross_entropy", "Diffusion (as TEx-Face), cross-entropy", DIFFUSION, "cross_entropy",
                  (("1", None), ("2", None), ("3", None))),
        _branches("expnet_lmcl", "ExpNet, LMCL", EXPNET, "lmcl",
                  (*((table, "Ours (ExpNet)") for table in "4567"), ("8", "Ours"))),
        _branches("diffusion_lmcl", "Diffusion (as TEx-Face), LMCL", DIFFUSION, "lmcl",
                  (*((table, "Ours (TEx-Face)") for table in "4567"), ("8", None))),
        _one("expnet_joined", "ExpNet, one network", EXPNET),
        _one("diffusion_joined", "Diffusion, one network", DIFFUSION),
        _one("face_encoder", "Coefficients of paper 3, one network", "face_encoder"),
        _one("shape_reader", "Shape reader (paper 3), one network", "shape_reader"),
        _one("sadrnet", "SADRNet (paper 3), one network", "sadrnet"),
        *((_one("msma", "MSMA (paper 5), one network", "msma"),) if "msma" in shipped_names() else ()),
        _one(TRUTH, "True shapes, one network", TRUTH),
        *(_one(f"disturbed_{percent}", f"True shapes off by {percent / 100:g} sd, one network", TRUTH,
               disturbance=percent / 100) for percent in (25, 50, 100, 200)),
        _one("from_scratch", "ExpNet, one network, not pretrained", EXPNET, pretrained=False),
        _one("depth", "ExpNet, depth instead of normals", EXPNET, views=RELIEF),
        NormalRecogniser(RECOGNISER, "Recogniser of photographs", PRETRAINING, "section 2.1", views=PHOTOGRAPH,
                         loss="cross_entropy"),
        NormalRecogniser(EXPNET, "ExpNet", PRETRAINING, "section 2.2", views=()),
        NormalRecogniser(DIFFUSION, "Diffusion of coefficients (as TEx-Face)", PRETRAINING, "section 3.2", views=()),
    )
}  # fmt: skip
