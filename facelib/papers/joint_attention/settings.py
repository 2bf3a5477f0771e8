"""What a run of paper 1 consists of, and its tiers.

The defaults are the paper's own (section V.C: batch 64, SGD, learning rate 0.001, weight decay 5e-4, milestones 8,
12, 14; images of 224 pixels, clouds of 1,024 points, equal loss weights). A tier overrides fields by name.

The paper trains until the validation rate has not grown for 9 epochs, and keeps the best epoch; it states no last one,
and the paper tier has none. All other tiers keep the weights of the last epoch, of every method alike: a dozen
validation people choose between epochs at random, as the rate on them moves by several points from one to the next.

The laptop tier: 150 people in two views of 20 expressions, of whom 80 are learnt from in a fold (3,200 photographs, 50
steps an epoch, 400 a run; 45 and 360 before), and 200 more on whom all folds are evaluated; maps of 6 x 6; 3D branches
that start from the trained PointNet++ of their fold, as from fresh weights their loss stays at 19 to 22, where alone it
falls to 2 to 4; the paper's own rate, 0.001, for every network that starts pretrained. Minutes of one core a run: IR-18
3.1 and JAM + JE 6.9 as measured; the others from the older tier's records, times 1.1 for steps and 1.2 for the map.

    1  pretrain_ir18 15; folds 0 to 2: ir18_pretrained 1, pointnet2 6                            36 minutes
    2  folds 0 to 2 with seeds 0 and 1: ir18 3, jam_images 4, jam 7, jam_je 7                   126
    3  from their variance the number of runs that decides an effect of the printed size (`facelib.report.power`)
    4  folds 0 to 2: ir18_mmd 9, ir18_coral 8, ir18_cmid 9, ir18_rst 11, ir18_ts 4, ir18_rst_ts 6, ir18_imid_cmid 12,
       jam_fresh 7, jam_je_aligned 7, jam_je_light 7, jam_margin_printed 7, ir18_margin_printed 3           270
    5  pretrainings: vgg16 9, resnet18 10, resnet50 20, ghostfacenet 10; folds 0 to 2: vgg16 4, resnet18 3, resnet50 5,
       dream 2, ghostfacenet 4, dream_ts 3, ghostfacenet_ts 4, ir18_frontal 2                                130
    6  folds 0 and 1: crosspoint 55, crosspoint_adaface 35, dgcnn 25, pointcnn 16                             262
    7  fold 0: ir18_scratch 6, pointnet2_view 5                                                                11
    8  seed 1 of what step 3 asks for, the methods of the nearest claims first                           up to 270

835 minutes up to step 7, seven hours of two cores, and nine with step 8. Seeds after the first are made by `facelib run
joint_attention METHOD --fold F --seed 1 --tier laptop`, the others by `facelib reproduce --paper joint_attention --tier
laptop --folds 3 --methods ...`. VGG-16 and PointCNN that learn nothing in this schedule are "no skill" in the claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from facelib.papers.joint_attention.methods import Recogniser
from facelib.papers.paper import BASELINE
from facelib.runs.settings import TrainingSettings

NO_LAST_EPOCH = 100_000  # early stopping ends the training


@dataclass(frozen=True)
class FaceScapeSize:
    """How much of FaceScape (or of its embedded counterpart) a run uses.

    Args:
        identities: people in all three folds together.
        pool: further people on whom every fold is evaluated besides its own third; nobody learns from them. The paper
            has none.
        views: views of each of the 20 expressions.
        fixed_albedo: give all embedded faces one skin, so that only shape tells them apart.
    """

    identities: int = 140
    pool: int = 0
    views: int = 50
    fixed_albedo: bool = False


@dataclass(frozen=True)
class WebFacesSize:
    """How many people and photographs the backbone is pretrained on."""

    identities: int = 1000
    images: int = 40


@dataclass(frozen=True)
class ArlVtfSize:
    """How much of ARL-VTF (or of its embedded counterpart) models are evaluated on, and `ir18_frontal` learns from.

    Args:
        identities: people to evaluate on; each has 6 gallery images and 5 probes a condition.
        training_identities, training_images: further people, and frontal images of each.
    """

    identities: int = 100
    training_identities: int = 235
    training_images: int = 40


@dataclass(frozen=True)
class CloudSettings:
    """The cloud that belongs to a photograph.

    Section V.C brings all meshes to one frontal pose, and then says that the 3D view point was projected again with the
    photograph's camera. We leave clouds frontal, since they are to be the source that pose does not touch; the method
    `pointnet2_view` shows what turning them costs.

    Args:
        points: of a cloud, at most the 1,024 that are stored.
        pose: "aligned", or "view": turned as the head is on the photograph.
    """

    points: int = 1024
    pose: Literal["aligned", "view"] = "aligned"


@dataclass(frozen=True)
class NetworkSettings:
    """Size of the networks.

    Args:
        image_size: pixels.
        width: factor on the channels of every backbone.
        stages: stages of IR-18 before joint attention or the residual transform; its map has image_size / 2^stages
            positions a side, twice as many with all four stages and a final stride of 1.
        final_stride: of IR-18's fourth stage, 2 as published.
        embedding: dimension.
        dropout: before the embedding layer.
        reduction: of the channels of Q and K.
        gamma_start: gamma at the start; at 0 the network starts as the pretrained one.
        cloud_start: the 3D branch of joint attention starts "fresh", as the paper says nothing else, or "trained", as
            the PointNet++ of the same fold that has learnt alone.
        dream_activation: of DREAM's block, "prelu" as in its paper or "relu" as in its code.
        points_1, samples_1, samples_2: centres and neighbours of PointNet++'s set abstractions.
        points_2: centres of the second one where no map fixes them.
        neighbours: of DGCNN.
    """

    image_size: int = 224
    width: float = 1.0
    stages: int = 4
    final_stride: int = 2
    embedding: int = 512
    dropout: float = 0.4
    reduction: int = 8
    gamma_start: float = 0.0
    cloud_start: Literal["fresh", "trained"] = "fresh"
    dream_activation: Literal["prelu", "relu"] = "prelu"
    points_1: int = 512
    samples_1: int = 32
    points_2: int = 128
    samples_2: int = 64
    neighbours: int = 20


@dataclass(frozen=True)
class LossSettings:
    """AdaFace (section IV.D), joint entropy (section IV.E), and what other methods add.

    Args:
        margin, h, t_alpha, scale: AdaFace's m, h, t_alpha and s.
        rule: "official" or "printed" (eq. 5).
        joint_entropy: weight of the joint entropy, in nats.
        pairs: "all" (as printed) or "aligned".
        entropy_over: each "sample", as N is the number of elements of a map, or the whole "batch".
        bins: of the attention histogram.
        adaptation: weight of each term that another method adds; the paper weighs all terms equally.
        temperature: of the teacher's answers.
    """

    margin: float = 0.5
    h: float = 0.0
    t_alpha: float = 0.01
    scale: float = 64.0
    rule: str = "official"
    joint_entropy: float = 1.0
    pairs: str = "all"
    entropy_over: Literal["sample", "batch"] = "sample"
    bins: int = 32
    adaptation: float = 1.0
    temperature: float = 4.0


@dataclass(frozen=True)
class RecognitionSettings:
    """All settings of a run of paper 1.

    Args:
        data: "embedded" or "licensed".
        facescape, web, arl_vtf: sizes of the data sets.
        clouds: of the photographs.
        network, loss: of the model and of what it minimises.
        pretraining, training: of the two stages.
        scratch: of networks that start with fresh weights, those of clouds above all; at a reduced size they need more
            steps than a pretrained one. The paper trains all alike.
    """

    data: str = "embedded"
    facescape: FaceScapeSize = field(default_factory=FaceScapeSize)
    web: WebFacesSize = field(default_factory=WebFacesSize)
    arl_vtf: ArlVtfSize = field(default_factory=ArlVtfSize)
    clouds: CloudSettings = field(default_factory=CloudSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    pretraining: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=24, min_epochs=24, milestones=(12, 18, 22), learning_rate=0.1, batch_size=256, keep="last"
        )
    )
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(epochs=NO_LAST_EPOCH))
    scratch: TrainingSettings = field(default_factory=lambda: TrainingSettings(epochs=NO_LAST_EPOCH))


LAST_EPOCH: dict[str, Any] = {"training.keep": "last", "scratch.keep": "last"}

TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        **LAST_EPOCH,
        "facescape.identities": 21,
        "facescape.pool": 3,
        "facescape.views": 3,
        "web.identities": 40,
        "web.images": 24,
        "arl_vtf.identities": 12,
        "arl_vtf.training_identities": 24,
        "arl_vtf.training_images": 24,
        "clouds.points": 128,
        "network.image_size": 32,
        "network.width": 0.125,
        "network.embedding": 64,
        "network.points_1": 64,
        "network.samples_1": 8,
        "network.points_2": 16,
        "network.samples_2": 8,
        "network.stages": 3,
        "network.neighbours": 6,
        "pretraining.epochs": 2,
        "pretraining.min_epochs": 2,
        "pretraining.milestones": (1,),
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 0.05,
        "training.epochs": 2,
        "training.min_epochs": 2,
        "training.milestones": (1,),
        "training.learning_rate": 0.01,
        "scratch.epochs": 2,
        "scratch.min_epochs": 2,
        "scratch.milestones": (1,),
        "scratch.learning_rate": 0.05,
    },
    "laptop": {
        **LAST_EPOCH,
        "facescape.identities": 150,
        "facescape.pool": 200,
        "facescape.views": 2,
        "web.identities": 400,
        "web.images": 30,
        "arl_vtf.training_identities": 60,
        "arl_vtf.training_images": 40,
        "clouds.points": 512,
        "network.image_size": 48,
        "network.width": 0.25,
        "network.embedding": 256,
        "network.points_1": 128,
        "network.samples_1": 32,
        "network.points_2": 32,
        "network.samples_2": 32,
        "network.neighbours": 8,
        "network.final_stride": 1,
        "network.cloud_start": "trained",
        "pretraining.epochs": 10,
        "pretraining.min_epochs": 10,
        "pretraining.milestones": (6, 8, 9),
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 0.05,
        "training.epochs": 8,
        "training.min_epochs": 8,
        "training.milestones": (5, 7),
        "training.learning_rate": 0.001,
        "scratch.epochs": 14,
        "scratch.min_epochs": 14,
        "scratch.milestones": (9, 12),
        "scratch.learning_rate": 0.004,
    },
    "gpu": {
        **LAST_EPOCH,
        "training.epochs": 15,
        "scratch.epochs": 15,
        "facescape.identities": 140,
        "facescape.pool": 200,
        "facescape.views": 50,
        "network.image_size": 112,
        "web.identities": 2000,
        "training.precision": "bf16-mixed",
        "scratch.precision": "bf16-mixed",
        "pretraining.precision": "bf16-mixed",
        "pretraining.learning_rate": 0.1,
        "training.threads": 8,
        "scratch.threads": 8,
        "pretraining.threads": 8,
    },
    "paper": {"data": "licensed", "training.threads": 8, "scratch.threads": 8, "pretraining.threads": 8},
}


def relevant(method: Recogniser, settings: RecognitionSettings) -> RecognitionSettings:
    """The settings with all that a method's run does not see at its default, so that it outlives a change of these."""
    if method.kind == BASELINE:  # evaluated as it is
        return RecognitionSettings(
            data=settings.data,
            facescape=settings.facescape,
            web=settings.web,
            arl_vtf=settings.arl_vtf,
            network=settings.network,
        )
    if not method.is_pretraining:
        return settings
    return RecognitionSettings(
        data=settings.data,
        web=settings.web,
        network=settings.network,
        loss=settings.loss,
        pretraining=settings.pretraining,
    )
