"""The methods of paper 1: each is a row of tables I to III, or a pretraining that rows start from.

A row beside which the paper prints no number is an addition of ours. What fine-tuning is worth: IR-18 as pretrained,
and without pretraining. What joint attention is made of: attention on images alone, a 3D branch that starts afresh.
What the joint entropy is: its aligned form, a tenth of its weight. AdaFace's margin as printed in eq. 5, for IR-18 and
for JAM. Clouds turned as the heads are. CrossPoint with AdaFace and a pretrained network, which its printed row has
not. And IR-18 trained on the target's frontal photographs, which stands for Poster et al. in table III.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from facelib.papers.paper import BASELINE, PRETRAINING, Method

PAPER_PACKAGE = "facelib.papers.joint_attention"

# Where the code of each part lies. Parts are loaded by these names, so that a run depends on the code of its own parts
# only: a change of VGG-16 leaves the runs of IR-18 as they are.
PART_MODULES: dict[str, str] = {
    "ir18": "facelib.models.irnet",
    "vgg16": "facelib.models.vgg",
    "resnet18": "facelib.models.resnet",
    "resnet50": "facelib.models.resnet",
    "ghostfacenet": "facelib.models.ghostfacenet",
    "dream": "facelib.models.dream",
    "dgcnn": "facelib.models.dgcnn",
    "pointcnn": "facelib.models.pointcnn",
    "pointnet2": "facelib.models.pointnet2",
    "mmd": f"{PAPER_PACKAGE}.adaptation.moments",
    "coral": f"{PAPER_PACKAGE}.adaptation.moments",
    "imid": f"{PAPER_PACKAGE}.adaptation.correspondence",
    "cmid": f"{PAPER_PACKAGE}.adaptation.correspondence",
    "crosspoint": f"{PAPER_PACKAGE}.adaptation.crosspoint",
    "resnet50_features": "facelib.models.crosspoint",
    "dgcnn_features": "facelib.models.crosspoint",
    "ts": f"{PAPER_PACKAGE}.adaptation.teaching",
    "rst": f"{PAPER_PACKAGE}.adaptation.residual_transform",
    "jam": f"{PAPER_PACKAGE}.joint_task",
    "je": "facelib.losses.joint_entropy",
}
BELOW = {"dream": ("resnet18",)}  # backbones that stand on another one

DataSet = Literal["web_faces", "facescape", "arl_vtf"]
PrintedRows = tuple[tuple[str, str | None], ...]  # (table, label)


@dataclass(frozen=True, kw_only=True)
class Recogniser(Method):
    """One system; its kind is "pretraining", "image" (evaluated on images by a network of images), "cloud" (clouds
    against clouds), "joint" (joint attention, evaluated on images) or "baseline" (evaluated as pretrained).

    Args:
        backbone: of the network that is evaluated.
        adaptation: what is added to identification: "ts", "mmd", "coral", "imid", "cmid", "rst", "jam", "je"; or
            "crosspoint".
        clouds: backbone of the clouds that training sees beside the images, if any.
        learns_from: the data set of its training.
        identifies: whether identification is part of the loss; CrossPoint learns from correspondence alone.
    """

    backbone: str
    adaptation: tuple[str, ...] = ()
    clouds: str | None = None
    learns_from: DataSet = "facescape"
    identifies: bool = True

    @property
    def input(self) -> str:
        return "clouds" if self.kind == "cloud" else "images"

    @property
    def code_modules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(PART_MODULES[part] for part in self.parts))

    def describe(self) -> dict[str, str]:
        return {
            "evaluated on": self.input,
            "backbone": self.backbone,
            "clouds from": self.clouds or "",
            "terms": ", ".join(self.adaptation),
        }

    @property
    def parts(self) -> tuple[str, ...]:
        """Names in PART_MODULES of all that this method consists of."""
        backbones = (self.backbone, *BELOW.get(self.backbone, ()), *((self.clouds,) if self.clouds else ()))
        return (*backbones, *self.adaptation)

    @property
    def stage(self) -> Literal["pretraining", "training", "scratch"]:
        """The settings that its training follows."""
        if self.is_pretraining:
            return "pretraining"
        return "training" if self.pretraining else "scratch"

    @property
    def pretraining(self) -> str | None:
        """The pretraining that it starts from."""
        return next((name for name in self.needs if name.startswith("pretrain_")), None)

    @property
    def cloud_recogniser(self) -> str | None:
        """The method whose trained network teaches this one, or is where its 3D branch starts."""
        return next((name for name in self.needs if not name.startswith("pretrain_")), None)

    def needed(self, settings: Any) -> tuple[str, ...]:
        if self.kind == "joint" and settings.network.cloud_start == "fresh":
            return tuple(name for name in self.needs if name != self.cloud_recogniser)
        return self.needs


def _pretraining(backbone: str, label: str) -> Recogniser:
    name, label = f"pretrain_{backbone}", f"{label}, pretrained"
    return Recogniser(name, label, PRETRAINING, "section IV.B", backbone=backbone, learns_from="web_faces")


def _images(name: str, label: str, backbone: str, rows: PrintedRows, **options: Any) -> Recogniser:
    """A network of images alone."""
    needs = (f"pretrain_{'resnet18' if backbone == 'dream' else backbone}",)
    defaults = {"source": "table II, section V.F", "needs": needs}
    return Recogniser(name, label, "image", backbone=backbone, printed_rows=rows, **defaults | options)


def _clouds(backbone: str, label: str, name: str = "", rows: PrintedRows | None = None, **options: Any) -> Recogniser:
    """A network of clouds alone."""
    defaults = {"source": "table II, section V.F", "printed_rows": rows or (("2", label),)}
    return Recogniser(name or backbone, label, "cloud", backbone=backbone, **defaults | options)


def _adapted(name: str, label: str, *adaptation: str, backbone: str = "ir18", **options: Any) -> Recogniser:
    """A network of images that learns beside one of clouds; by default its row in table I bears the printed name."""
    names = {"ir18": "IRNet", "ghostfacenet": "GhostFaceNets", "dream": "DREAM"}
    printed = " + ".join([names.get(backbone, backbone), "AdaFace", *(part.upper() for part in adaptation)])
    needs = (f"pretrain_{'resnet18' if backbone == 'dream' else backbone}",)
    defaults = {
        "source": "table I, section V.F",
        "printed_rows": (("1", printed),),
        "needs": (*needs, "pointnet2") if {"ts", "jam"} & set(adaptation) else needs,
        "clouds": "pointnet2",
    }
    kind = "joint" if "jam" in adaptation else "image"
    return Recogniser(name, label, kind, backbone=backbone, adaptation=adaptation, **defaults | options)


def _joint(name: str, label: str, source: str, *adaptation: str, **options: Any) -> Recogniser:
    """Joint attention as a row of ours."""
    rows = (("1", None), ("3", None))
    return _adapted(name, label, "jam", *adaptation, source=source, printed_rows=rows, **options)


METHODS: dict[str, Recogniser] = {
    method.name: method
    for method in (
        _pretraining("ir18", "IR-18"),
        _pretraining("vgg16", "VGG-16"),
        _pretraining("resnet18", "ResNet-18"),
        _pretraining("resnet50", "ResNet-50"),
        _pretraining("ghostfacenet", "GhostFaceNet"),
        # What the claims need first
        _images("ir18", "IR-18", "ir18", (("2", "IRNet-18"), ("3", None))),
        _clouds("pointnet2", "PointNet++"),
        _adapted(
            "jam_je", "JAM + JE", "jam", "je",
            printed_rows=(("1", "Ours + JAM + JE"), ("3", "Ours + JAM + JE")), source="section IV.E, eq. 6",
        ),
        _adapted(
            "jam", "JAM", "jam", printed_rows=(("1", "Ours + JAM"), ("3", "Ours + JAM")), source="section IV.C, eq. 3"
        ),
        _adapted(
            "crosspoint", "CrossPoint", "crosspoint", backbone="resnet50_features", clouds="dgcnn_features", needs=(),
            identifies=False, printed_rows=(("1", "CrossPoint"), ("3", "CrossPoint")), source="section V",
        ),
        _adapted("ir18_ts", "IR-18 + TS", "ts"),
        _adapted(
            "ir18_mmd", "IR-18 + MMD", "mmd",
            printed_rows=(("1", "IRNet + AdaFace + MMD"), ("3", "IRNet + AdaFace + MMD")),
        ),
        _adapted(
            "ir18_coral", "IR-18 + CORAL", "coral",
            printed_rows=(("1", "IRNet + AdaFace + CORAL"), ("3", "IRNet + AdaFace + CORAL")),
        ),
        _adapted("ir18_cmid", "IR-18 + CMID", "cmid"),
        _adapted("ir18_rst", "IR-18 + RST-inspired", "rst"),
        _adapted("ir18_rst_ts", "IR-18 + RST-inspired + TS", "rst", "ts"),
        _adapted(
            "ir18_imid_cmid", "IR-18 + IMID + CMID", "imid", "cmid",
            printed_rows=(("3", "IRNet + AdaFace + IMID + CMID"),), source="table III, section V",
        ),
        _images(
            "ghostfacenet", "GhostFaceNet", "ghostfacenet",
            (("2", "GhostFaceNets"), ("3", "GhostFaceNets + AdaFace")),
        ),
        _adapted("ghostfacenet_ts", "GhostFaceNet + TS", "ts", backbone="ghostfacenet"),
        _images("dream", "DREAM", "dream", (("2", "DREAM"), ("3", "DREAM + AdaFace"))),
        _adapted("dream_ts", "DREAM + TS", "ts", backbone="dream"),
        _images("vgg16", "VGG-16", "vgg16", (("2", "VGGNet-16"),)),
        _images("resnet18", "ResNet-18", "resnet18", (("2", "ResNet-18"),)),
        _images("resnet50", "ResNet-50", "resnet50", (("2", "ResNet-50"),)),
        _clouds("dgcnn", "DGCNN"),
        _clouds("pointcnn", "PointCNN"),
        # Rows of ours
        Recogniser(
            "ir18_pretrained", "IR-18, not fine-tuned", BASELINE, "section IV.B", (("2", None), ("3", None)),
            ("pretrain_ir18",), backbone="ir18",
        ),
        _joint(
            "jam_images", "JAM without clouds", "section IV.C, eq. 3", needs=("pretrain_ir18",), clouds=None,
        ),
        _joint("jam_fresh", "JAM, fresh 3D branch", "section IV.B", changes={"network.cloud_start": "fresh"}),
        _joint("jam_margin_printed", "JAM, margin of eq. 5", "eq. 5", changes={"loss.rule": "printed"}),
        _joint(
            "jam_je_aligned", "JAM + JE, aligned pairs", "section IV.E", "je", changes={"loss.pairs": "aligned"}
        ),
        _joint("jam_je_light", "JAM + JE, weight 0.1", "section IV.E", "je", changes={"loss.joint_entropy": 0.1}),
        _adapted(
            "crosspoint_adaface", "CrossPoint + AdaFace", "imid", "cmid", backbone="resnet50", clouds="dgcnn",
            printed_rows=(("1", None), ("3", None)), source="section V",
        ),
        _images(
            "ir18_margin_printed", "IR-18, margin of eq. 5", "ir18", (("2", None),),
            source="eq. 5", changes={"loss.rule": "printed"},
        ),
        _clouds(
            "pointnet2", "PointNet++, clouds turned", "pointnet2_view", (("2", None),),
            source="section V.C", changes={"clouds.pose": "view"},
        ),
        _images("ir18_scratch", "IR-18, not pretrained", "ir18", (("2", None),), source="section IV.B", needs=()),
        _images(
            "ir18_frontal", "IR-18, target's frontal images", "ir18", (("3", None),),
            source="table III, section V.D", learns_from="arl_vtf",
        ),
    )
}  # fmt: skip
