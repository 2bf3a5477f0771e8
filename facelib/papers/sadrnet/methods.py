"""The methods of paper 3: SADRNet, the frameworks of its ablation (table IV, figure 9), and what stands beside them.

A row beside which the paper prints no number is ours: the mean face laid into the true box, which says what a network
must beat; coefficients of the face model with a regressed pose, which stand for 3DDFA; SADRNet without the losses on
the mesh (figure 11); with the printed weights and all losses from the first step on, where a tier weighs deformation
and attention more and brings losses in one after the other; with the printed decoder, which position map and shape
share to its end, where a tier splits it; with the shape read off the image once it is unposed; and the same with more
photographs than all others, which says what these would be worth, and is the network that ships.
"""

from __future__ import annotations

from typing import Any

from facelib.papers.paper import BASELINE, PRETRAINING, Method

# Kinds, besides those of every paper: with the photographs of a tier, and with more.
NETWORK, LONG = "network", "longer"
BESIDES = {  # settings that rows of ours change, in words
    "loss.edge": "no losses on the mesh",
    "loss.deformation": "weights and order of losses as printed",
    "network.shared_layers": "decoder shared to its end",
    "network.unposes": "shape off the unposed image",
}


class Reconstructor(Method):
    """One system; its kind is "network", "longer", "pretraining", whose weights networks start from, or "baseline",
    which is not trained."""

    @property
    def stage(self) -> str:
        return "long_training" if self.kind == LONG else super().stage

    def needed(self, settings: Any) -> tuple[str, ...]:
        return self.needs if settings.warm_start or self.is_pretraining else ()

    def describe(self) -> dict[str, str]:
        if self.kind == BASELINE:
            return {"attention": "", "geometry": "true box of the landmarks", "shape": "mean face", "besides": ""}
        if self.is_pretraining:
            besides = BESIDES["network.unposes"] if self.changes else ""
            return {"attention": "", "geometry": "68 landmarks and pose", "shape": "coefficients", "besides": besides}
        geometry, shape = self.changes["network.geometry"], self.changes["network.shape"]
        return {
            "attention": "yes" if self.changes["network.attention"] else "",
            "geometry": geometry.replace("_", " ").replace("self aligned", "self-aligned"),
            "shape": "" if geometry == "direct" else shape,
            "besides": self._besides,
        }

    @property
    def _besides(self) -> str:
        words = [words for name, words in BESIDES.items() if name in self.changes]
        return ", ".join(words + ["more photographs"] * (self.kind == LONG))


def _network(
    name: str,
    label: str,
    source: str,
    rows: tuple[tuple[str, str | None], ...],
    attention: bool = True,
    geometry: str = "self_aligned",
    shape: str = "deformation",
    kind: str = NETWORK,
    **changes: Any,
) -> Reconstructor:
    """A network with its framework; further settings with _ for the dot."""
    framework = {"network.attention": attention, "network.geometry": geometry, "network.shape": shape}
    others = {key.replace("_", ".", 1): value for key, value in changes.items()}
    needs = (ENCODER, READER) if "network.unposes" in others else (ENCODER,)
    return Reconstructor(name, label, kind, source, (*rows, *OURS), needs=needs, changes=framework | others)


ENCODER, READER = "face_encoder", "shape_reader"  # in which the networks start
BESIDE_TABLES_1_AND_2 = (("1", None), ("2", None), ("4", None))
OURS = (("shape", None), ("ict", None))  # tables of ours, in which every method stands

METHODS: dict[str, Reconstructor] = {
    method.name: method
    for method in (
        _network(
            "sadrnet", "SADRNet", "section III, figure 2",
            (("1", "SADRNet (ours)"), ("2", "SADRNet (ours)"), ("3", "SADRNet (ours)"), ("3", "SADRNet-fix (ours)"),
             ("4", "f: AT + SA + DF"), ("5", "SADRNet (ours)")),
        ),
        _network(
            "direct", "a: direct position map (as PRN)", "figure 9a",
            (("4", "a: none"), ("1", None), ("2", None), ("5", None)), attention=False, geometry="direct",
        ),
        _network(
            "no_attention", "c: without attention (SADRNet-D)", "figure 9c", (("4", "c: SA + DF"),), attention=False
        ),
        _network(
            "scratch_shape", "e: attention, shape from scratch", "figure 9e", (("4", "e: AT + SA"),), shape="scratch"
        ),
        _network(
            "regressed_pose", "b: deformation, regressed pose", "figure 9b", (("4", "b: DF"),),
            attention=False, geometry="regressed_pose",
        ),
        _network(
            "direct_attention", "d: attention, direct position map", "figure 9d", (("4", "d: AT"),), geometry="direct"
        ),
        _network(
            "coefficients", "Coefficients (as 3DDFA)", "section II.C", BESIDE_TABLES_1_AND_2,
            attention=False, geometry="regressed_pose", shape="coefficients",
        ),
        _network(
            "no_mesh_loss", "SADRNet without mesh loss", "section IV.E, figure 11", (("4", None),),
            loss_edge=0.0, loss_normal=0.0,
        ),
        _network(
            "shared_decoder", "SADRNet, decoder shared as printed", "section III.E",
            (*BESIDE_TABLES_1_AND_2, ("5", None)), network_shared_layers=10,
        ),
        _network(
            "unposed_shape", "SADRNet, shape off the unposed image", "ours",
            (*BESIDE_TABLES_1_AND_2, ("5", None)),
            attention=False, network_unposes=True,
        ),
        _network(
            "unposed_longer", "SADRNet, unposed image, more photographs", "ours",
            (*BESIDE_TABLES_1_AND_2, ("5", None)), kind=LONG,
            attention=False, network_unposes=True,
        ),
        _network(
            "printed_losses", "SADRNet, losses weighted as printed", "section III.D", (("4", None),),
            loss_deformation=0.5, loss_attention=0.05, schedule_deformation=0, schedule_joint=0,
        ),
        Reconstructor(ENCODER, "Face encoder (start of the encoders)", PRETRAINING, "ours", OURS),
        Reconstructor(
            READER, "Shape reader (second look)", PRETRAINING, "ours", OURS, needs=(ENCODER,),
            changes={"network.unposes": True},
        ),
        Reconstructor("mean_face", "Mean face, true box", BASELINE, "ours", (*BESIDE_TABLES_1_AND_2, *OURS)),
    )
}  # fmt: skip
