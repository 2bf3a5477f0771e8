"""What a run of paper 3 consists of, and its tiers.

The defaults are the paper's own (section III.E: 256 pixels, Adam, learning rate growing from 1e-5 to 1e-4 over 4
epochs, then times 0.85 an epoch, batch 16, 25 epochs). A tier overrides fields by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from facelib.errors import BadInput
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.runs.settings import TrainingSettings

# A record from elsewhere may ask for any network; one beyond these would take all memory before anything else failed.
SMALLEST_IMAGE, LARGEST_IMAGE, WIDEST = 32, 1024, 2.0
EMBEDDED, LICENSED = "embedded", "licensed"


@dataclass(frozen=True)
class TrainingFaces:
    """How much of 300W-LP a run learns from, where the data are licensed.

    Args:
        identities: people, the first ones.
        images: of each at most, the first ones.
        validation: people held out, by whom training is watched.
    """

    identities: int = 2500
    images: int = 50
    validation: int = 100


@dataclass(frozen=True)
class StreamedFaces:
    """The stream of people that runs learn from where the data are embedded: everybody is photographed once.

    Args:
        skins: that the people wear.
        batches: an epoch.
        held_out: photographs of other people, by whom training is watched.
        processes: that make batches ahead; 0 for none besides the training's own.
        kept: whether the batches of networks are kept in the cache, where runs on the same ones find them; at 64 pixels
            they take 17 kB a photograph.
        without: what is left out of the photographs' look, keys of `papers.sadrnet.left_out.LEFT_OUT`.
    """

    skins: int = 600
    batches: int = 200
    held_out: int = 400
    processes: int = 1
    kept: bool = False
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationFaces:
    """How much of the counterparts of AFLW2000-3D and Florence a run is evaluated on; of licensed folders it is all.

    Args:
        identities, images: people of AFLW2000-3D and images of each; the data set has 2,000 images.
        florence, points: people of Florence, each in 20 poses, and points of each one's scan in the counterpart.
        recognition: people in three photographs each, who are recognised by their shapes.
        ict: people of the imported ICT-FaceKit, 2 photographs of each, by whom trained runs are judged afterwards.
    """

    identities: int = 500
    images: int = 4
    florence: int = 53
    points: int = 19000
    recognition: int = 100
    ict: int = 100


@dataclass(frozen=True)
class NetworkSettings:
    """The network, and which framework of figure 9 it is.

    Args:
        image_size: pixels a side of images, and texels of maps.
        width: factor on all channels.
        trunk: blocks of the encoder, of `facelib.models.trunks`; the paper's are "printed".
        attention: whether it has the attention branch ("AT" in table IV).
        geometry: "self_aligned" ("SA"), "regressed_pose" or "direct".
        shape: "deformation" ("DF"), "scratch" or "coefficients".
        shared_layers: of the decoder's ten, the first ones, that the position map and the shape share; all in print.
        unposes: whether the shape is read off the image as it lies on the mean face; ours.
    """

    image_size: int = 256
    width: float = 1.0
    trunk: Literal["printed", "printed_4", "plain"] = "printed"
    attention: bool = True
    geometry: Literal["self_aligned", "regressed_pose", "direct"] = "self_aligned"
    shape: Literal["deformation", "scratch", "coefficients"] = "deformation"
    shared_layers: int = 10
    unposes: bool = False

    def __post_init__(self) -> None:
        if not SMALLEST_IMAGE <= self.image_size <= LARGEST_IMAGE:
            raise BadInput(
                f"network.image_size is {self.image_size}: expected {SMALLEST_IMAGE} to {LARGEST_IMAGE} pixels; memory "
                "grows with its square, and the paper's is 256"
            )
        if not 0 < self.width <= WIDEST:
            raise BadInput(f"network.width is {self.width}: expected a factor above 0, up to {WIDEST:g}")


@dataclass(frozen=True)
class LossSettings:
    """Weights of the losses (eq. 24), and of the regions of the face (section III.D).

    Args:
        normalisation: what a loss of 1 means before it is weighted, of `papers.sadrnet.objective`: as we read the
            "printed" text, or as in the "published" code.
        geometry, deformation, pose_dependent, attention, edge, normal: beta_G, beta_D, beta_P, beta_A, beta_E, beta_V.
        regions: landmarks; eyes, nose and mouth; cheek, chin and forehead; neck.
    """

    normalisation: Literal["printed", "published"] = "published"
    geometry: float = 0.1
    deformation: float = 0.5
    pose_dependent: float = 1.0
    attention: float = 0.05
    edge: float = 1.0
    normal: float = 0.1
    regions: tuple[float, float, float, float] = (16.0, 12.0, 3.0, 0.0)


@dataclass(frozen=True)
class ScheduleSettings:
    """In which order losses come in; the paper has all of them from the first step, which are the defaults.

    Args:
        deformation: epochs in which the shape is learnt, and of the face in the image nothing.
        joint: epochs after these in which the position map is learnt too: the losses on the mesh are left out, and the
            aligned face teaches the position map alone.
    """

    deformation: int = 0
    joint: int = 0

    def __post_init__(self) -> None:
        for name in ("deformation", "joint"):
            if getattr(self, name) < 0:
                raise BadInput(f"schedule.{name} is {getattr(self, name)}: expected 0 epochs or more")


@dataclass(frozen=True)
class EncoderLossSettings:
    """Weights of what the face encoder learns; all are ours.

    Args:
        landmarks: mean distance, in sides of the image.
        visible: cross-entropy of each landmark's being seen.
        pose: mean distance of the mean face's landmarks in the pose that is read, in sides of the image.
        shape: mean square, in mm^2, of the distances between the faces that read and true coefficients make, but for
            a similarity.
    """

    landmarks: float = 20.0
    visible: float = 0.1
    pose: float = 5.0
    shape: float = 0.3


@dataclass(frozen=True)
class EncoderSettings:
    """The face encoder, in which the networks start; all of it is ours.

    Args:
        identities: components of the face model that it reads, the first ones.
        batches, reader_batches: of the stream, an epoch of the encoder and of the shape reader.
        loss: weights of its terms.
        shipped: whether encoder and shape reader are taken from the package where what it brings was trained with the
            same settings as these; it spares hours.
    """

    identities: int = 60
    batches: int = 200
    reader_batches: int = 100
    loss: EncoderLossSettings = field(default_factory=EncoderLossSettings)
    shipped: bool = False


@dataclass(frozen=True)
class PhotographAugmentation:
    """What training does to photographs of 300W-LP (section III.E); those of the stream are never seen again.

    Args:
        rotation: largest turn in the image plane, degrees.
        shift: largest shift, a share of the image's size.
        scale, colour: least and largest factor on the size, and on each colour channel.
        occlusion: share of the images with synthetic occluders.
    """

    rotation: float = 90.0
    shift: float = 0.1
    scale: tuple[float, float] = (0.9, 1.1)
    colour: tuple[float, float] = (0.6, 1.4)
    occlusion: float = 0.5


def _printed_training() -> TrainingSettings:
    return TrainingSettings(
        optimizer="adam",
        epochs=25,
        min_epochs=25,
        batch_size=16,
        learning_rate=1e-4,
        weight_decay=0.0,
        warmup_epochs=4,
        warmup_start=0.1,
        milestones=tuple(range(4, 25)),
        decay=0.85,
        keep="last",
    )


@dataclass(frozen=True)
class ReconstructionSettings:
    """All settings of a run of paper 3.

    Args:
        data: `EMBEDDED` or `LICENSED`.
        faces, stream: to learn from, where the data are licensed and where they are embedded.
        evaluation: faces to be evaluated on.
        network, loss, schedule: of the model and of what it minimises when.
        augmentation: of the photographs it learns from.
        warm_start: whether encoders start in the face encoder; the paper's start at random.
        encoder: what the face encoder reads, and off whom.
        pretraining, training, long_training: of the face encoder, of the networks, and of the one that learns from more
            photographs.
    """

    data: str = EMBEDDED
    faces: TrainingFaces = field(default_factory=TrainingFaces)
    stream: StreamedFaces = field(default_factory=StreamedFaces)
    evaluation: EvaluationFaces = field(default_factory=EvaluationFaces)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    augmentation: PhotographAugmentation = field(default_factory=PhotographAugmentation)
    warm_start: bool = False
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    pretraining: TrainingSettings = field(default_factory=_printed_training)
    training: TrainingSettings = field(default_factory=_printed_training)
    long_training: TrainingSettings = field(default_factory=_printed_training)


STAGES = ("training", "long_training")  # of networks
SECOND_LOOK = ("network.landmark_head.", "network.unposed.", "network.unposed_code.")
STARTED = ("network.low.", "network.high.", "network.hidden.", *SECOND_LOOK)  # in pretrained networks
NORMED = tuple(part for part in STARTED if part != "network.landmark_head.")  # of these


def _networks(**settings: Any) -> dict[str, Any]:
    """Settings of the training of all networks, by dotted name."""
    return {f"{stage}.{name}": value for stage in STAGES for name, value in settings.items()}


def _epochs(stage: str, epochs: int, *milestones: int) -> dict[str, Any]:
    return {f"{stage}.epochs": epochs, f"{stage}.min_epochs": epochs, f"{stage}.milestones": milestones}


# A fiftieth of the paper's steps teaches a decoder what to draw, but an encoder hardly where a face looks. So below the
# paper's own tier encoders start in the face encoder, which learns this, and who is who, at a quarter of the cost. And
# two things differ from print there, without either of which the deformation is still silent after 9,000 photographs
# (64 pixels): it weighs eight times as much, and has a decoder of its own. Rows "as printed" undo one of them each, the
# first one together with the weight of attention, which is below.
# At the laptop tier the encoder then learns slowly: at a third of the rate, what it knew of shapes is lost while the
# decoder learns to ask for it. The error over the mean face's, 0.84 as the encoder read the shape, was 0.94 after 9,000
# photographs; at a 33rd, from an encoder at 0.83, it was 0.90 with four shared layers and 0.85 with none.
# The attention branch learns from 60,000 photographs what is skin, but not what hides it, unless its loss weighs twenty
# times as much as in print: at that, what the decoders want of the branch is three times as strong.
# Statistics of 24 photographs move what a trained encoder reads from step to step: landmarks are off by 5.4 to 6.9
# percent with the same weights. A network that decodes codes, with no attention to rescale its features, has no need to
# collect new ones: with those of the encoder P is off by 4.9 percent after 12,000 photographs, where it was by 6.2.
TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        "evaluation.identities": 40,
        "evaluation.images": 2,
        "evaluation.florence": 2,
        "evaluation.points": 1500,
        "evaluation.recognition": 10,
        "evaluation.ict": 4,
        "network.image_size": 64,
        "network.width": 0.125,
        "network.trunk": "plain",
        "network.shared_layers": 0,
        "warm_start": True,
        "stream.skins": 40,
        "stream.batches": 6,
        "stream.held_out": 20,
        "stream.processes": 0,
        "stream.kept": True,
        "encoder.identities": 20,
        "encoder.batches": 6,
        "encoder.reader_batches": 6,
        "pretraining.epochs": 3,
        "pretraining.min_epochs": 3,
        "pretraining.batch_size": 32,
        "pretraining.learning_rate": 2e-3,
        "pretraining.warmup_epochs": 1,
        "pretraining.milestones": (2,),
        "loss.deformation": 4.0,
        "schedule.deformation": 1,
        **_networks(learning_rate=2e-3, warmup_epochs=1),
        **_epochs("training", 3, 2),
        **_epochs("long_training", 3, 2),
    },
    "laptop": {
        "evaluation.images": 2,
        "evaluation.florence": 10,
        "evaluation.ict": 400,
        "network.image_size": 64,
        "network.width": 0.25,
        "network.trunk": "plain",
        "network.shared_layers": 0,
        "stream.batches": 250,
        "stream.kept": True,
        "loss.deformation": 4.0,
        "loss.attention": 1.0,
        "schedule.joint": 8,
        "warm_start": True,
        "encoder.shipped": True,
        "pretraining.epochs": 80,
        "pretraining.min_epochs": 80,
        "pretraining.batch_size": 48,
        "pretraining.learning_rate": 2e-3,
        "pretraining.warmup_epochs": 1,
        "pretraining.milestones": (36, 48, 57, 64, 70, 75),
        "pretraining.decay": 0.5,
        **_networks(batch_size=24, learning_rate=2e-3, warmup_epochs=1, decay=0.5),
        **_networks(slow_parts=STARTED, slow_factor=0.03, settled_parts=NORMED),
        **_epochs("training", 10, 4, 6, 7, 8, 9),
        **_epochs("long_training", 25, 10, 14, 17, 19, 21, 23),
    },
    "gpu": {
        "network.shared_layers": 0,
        "warm_start": True,
        "loss.deformation": 4.0,
        "loss.attention": 1.0,
        "schedule.joint": 20,
        "pretraining.precision": "bf16-mixed",
        "pretraining.batch_size": 64,
        "pretraining.learning_rate": 4e-4,
        "pretraining.threads": 8,
        **_networks(precision="bf16-mixed", learning_rate=4e-4, batch_size=64, threads=8),
        **_networks(slow_parts=STARTED, slow_factor=0.1, settled_parts=NORMED),
        **_epochs("long_training", 40, *range(4, 40)),
    },
    "paper": {
        "data": LICENSED,
        "faces.identities": 4000,  # all: 300W-LP shows 3,837
        "pretraining.threads": 8,
        **_networks(threads=8),
        **_epochs("long_training", 60, *range(4, 60)),
    },
}


def _as_licensed(settings: ReconstructionSettings) -> ReconstructionSettings:
    """Without the sizes that count where faces are embedded: all that folders hold is read."""
    usual = ReconstructionSettings()
    encoder = {name: getattr(usual.encoder, name) for name in ("batches", "reader_batches")}
    return replace(settings, evaluation=usual.evaluation, encoder=replace(settings.encoder, **encoder))


def relevant(method: Reconstructor, settings: ReconstructionSettings) -> ReconstructionSettings:
    """The settings with the defaults where a method's run does not depend on them."""
    usual = ReconstructionSettings()
    embedded = settings.data == EMBEDDED
    read = settings if embedded else _as_licensed(settings)
    seen = replace(
        read,
        evaluation=replace(read.evaluation, ict=usual.evaluation.ict),
        **{name: getattr(usual, name) for name in (("faces", "augmentation") if embedded else ("stream",))},
    )
    if not method.is_pretraining:
        there = {
            "network.hidden.": settings.network.geometry == "regressed_pose" or settings.network.unposes,
            **dict.fromkeys(SECOND_LOOK, settings.network.unposes),
        }
        if not settings.network.attention:
            seen = replace(seen, loss=replace(seen.loss, attention=usual.loss.attention))
        trained: TrainingSettings = getattr(settings, method.stage)
        slow = tuple(part for part in trained.slow_parts if there.get(part, True))
        settled = trained.settled_parts if settings.network.unposes and not settings.network.attention else ()
        trained = replace(trained, slow_parts=slow, settled_parts=settled)
        stages = {stage: getattr(usual, stage) for stage in STAGES} | {method.stage: trained}
        return replace(seen, **stages)
    asked = settings.network
    network = NetworkSettings(asked.image_size, asked.width, asked.trunk, unposes=asked.unposes)
    stream = replace(seen.stream, batches=usual.stream.batches, kept=usual.stream.kept)
    unseen = {name: getattr(usual, name) for name in ("loss", "schedule", "warm_start", *STAGES)}
    return replace(seen, network=network, stream=stream, **unseen)
