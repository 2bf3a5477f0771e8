"""What a run of paper 4 consists of, and its tiers; the defaults are the paper's own (supplement, section 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from facelib.data.licensed.basel_faces import has_basel
from facelib.errors import BadInput
from facelib.models.depth_settings import DepthNetworkSettings
from facelib.papers.depth_adaptation.methods import ICP_FACE, MODEL_FIT, POSE, SHAPE, DepthReader
from facelib.papers.depth_adaptation.settings import AdaptationSettings, PoseSettings
from facelib.papers.paper import BASELINE
from facelib.runs.settings import TrainingSettings

TIMES = 3  # source frames to a target frame, in print


@dataclass(frozen=True)
class FrameCounts:
    """How many frames there are to learn from.

    Args:
        share: of the printed counts of frames that shapes are learnt from (table 2), and people of FaceWarehouse.
        pose_share: of those that poses are learnt from; of every set the same.
        people: share of the printed people in source frames.
        times: source frames to a target frame.
        held_out: people in source frames besides, by whom training is watched; at most a quarter of all.
        every: of 30 frames a second of a sequence, which are there.
        labels: of which frames labels are known: "rendered" ones, as the paper has them; for upper bounds those of
            the same people before the sensor, "sensed"; or the set's own, "target".
        pose_set: whose poses are learnt, and tested: "group_1", "group_2" or "ict_3dhp".

    Raises:
        BadInput: for a share that is not positive, or less than one source frame to a target frame, or more than 3.
    """

    share: float = 1.0
    pose_share: float = 1.0
    people: float = 1.0
    times: int = TIMES
    held_out: int = 30
    every: int = 1
    labels: Literal["rendered", "sensed", "target"] = "rendered"
    pose_set: Literal["group_1", "group_2", "ict_3dhp"] = "group_1"

    def __post_init__(self) -> None:
        shares = (self.share, self.pose_share, self.people)
        if not (min(shares) > 0 and 1 <= self.times <= TIMES and self.held_out >= 1):
            raise BadInput(
                f"share {self.share}, pose_share {self.pose_share}, people {self.people}, times {self.times} and "
                f"held_out {self.held_out}: expected positive shares, 1 to {TIMES} times, and somebody who is held out"
            )


@dataclass(frozen=True)
class EvaluatedFaces:
    """Faces to be evaluated on.

    Args:
        people: of FaceWarehouse, of whom nothing is learnt, in twenty expressions: of the counterpart besides those who
            are learnt from, of the data set itself its last ones.
        others: people besides those of Biwi, in a sequence each in its counterpart, of whom nothing is learnt: print
            tests two people, over whom no interval says anything.
        ict: heads of ICT-FaceKit, each in two frames near frontal and two in the poses of Biwi.
    """

    people: int = 50
    others: int = 20
    ict: int = 100


@dataclass(frozen=True)
class CloudFitSettings:
    """How a face model is fitted to a cloud without learning.

    Args:
        identities: components of the shape.
        rounds: of closest points and coefficients.
        residual_mm: root mean square that the fit leaves rather than take a coefficient of one standard deviation. Far
            below the sensor's noise, of which little is left over so many points: on twelve frames of three people who
            are not tested 0.5 mm errs by 0.040 cm^2 (eq. 8), 0.1 by 0.026, 0.05 by 0.024, 0.02 by 0.029; the mean face
            by 0.049.
        reach_mm: farther pairs are not of the face.
    """

    identities: int = 60
    rounds: int = 8
    residual_mm: float = 0.05
    reach_mm: float = 10.0


def _shape_training() -> TrainingSettings:
    """Rates 5e-4, 1e-4 and 4.5e-5 (printed: 5e-5), ten epochs each; beta1, not printed, of "Generate To Adapt"."""
    return TrainingSettings(
        optimizer="adam",
        epochs=30,
        min_epochs=30,
        batch_size=16,
        learning_rate=5e-4,
        beta1=0.8,
        weight_decay=0.0,
        milestones=(10, 10, 20),
        decay=0.447,
        keep="last",
    )


def _pose_training() -> TrainingSettings:
    """Its epochs are those of both stages: see `relevant`."""
    return replace(_shape_training(), epochs=150, min_epochs=150, learning_rate=1e-4, beta1=0.9, milestones=())


@dataclass(frozen=True)
class DepthRunSettings:
    """All settings of a run of paper 4.

    Args:
        data: "embedded" or "licensed".
        faces: whose shapes source frames show, and networks and baselines tell: "ours", "basel", those of the user's
            Basel Face Model, or "available", "basel" where the user has it and else "ours"; records say which it was.
        frames: to learn from.
        network: sizes.
        adaptation, pose: what DASHapeNet and DAPoseNet learn of target frames.
        fitting: of baselines.
        evaluation: faces to be evaluated on.
        training, pose_training: of DASHapeNet and of DAPoseNet.
    """

    data: str = "embedded"
    faces: Literal["ours", "basel", "available"] = "ours"
    frames: FrameCounts = field(default_factory=FrameCounts)
    network: DepthNetworkSettings = field(default_factory=DepthNetworkSettings)
    adaptation: AdaptationSettings = field(default_factory=AdaptationSettings)
    pose: PoseSettings = field(default_factory=PoseSettings)
    fitting: CloudFitSettings = field(default_factory=CloudFitSettings)
    evaluation: EvaluatedFaces = field(default_factory=EvaluatedFaces)
    training: TrainingSettings = field(default_factory=_shape_training)
    pose_training: TrainingSettings = field(default_factory=_pose_training)


# Below the paper's own tier gradients are remembered less than half as long. At 32 pixels and a batch of 16 D then
# judges 95 percent rightly (the mean of rendered and drawn images) over the first 40 steps, and 92, 81 and 89 percent
# over the next ones; the images of G differ by 0.25 down to 0.13 of what rendered ones do. With a fifth of D's learning
# rate it is 95, 98, 80 and 63 percent, but these images differ by 0.08 alone, less than counts as collapsed.
STEADY: dict[str, Any] = {"training.beta1": 0.5}
SMALL: dict[str, Any] = {"network.halvings": 4, "network.embedding": 256, "network.noise": 64, "network.hidden": (128,)}

TIERS: dict[str, dict[str, Any]] = {
    "smoke": {
        **STEADY,
        **SMALL,
        # Eight steps: at the rate of all D is never wrong from the fifth on, as G has hardly drawn anything yet. At a
        # tenth of it D judges 70 to 80 percent rightly there.
        "adaptation.discriminator_rate": 5e-5,
        "frames.share": 0.004,
        "frames.pose_share": 0.004,
        "frames.people": 0.04,
        "frames.held_out": 2,
        "frames.every": 3,
        "network.image_size": 32,
        "network.width": 0.125,
        "fitting.rounds": 2,
        "evaluation.people": 2,
        "evaluation.others": 2,
        "evaluation.ict": 2,
        "training.epochs": 2,
        "training.min_epochs": 2,
        "training.batch_size": 8,
        "training.milestones": (),
        "pose.source_epochs": 1,
        "pose.target_epochs": 1,
        "pose_training.batch_size": 8,
    },
    "laptop": {
        **STEADY,
        **SMALL,
        # A tenth of all frames, and of shapes 0.3: with a tenth (900 source frames) networks were no better than the
        # mean face on the target, and a ridge regression on source frames was still getting better (held-out people off
        # by 3.73, 3.55 and 3.29 mm after 225, 450 and 900 frames, the mean face by 4.47). The printed people stay, as
        # shapes are learnt of people.
        "frames.share": 0.3,
        "frames.pose_share": 0.1,
        "frames.every": 10,
        "network.image_size": 80,
        "network.width": 0.25,
        "evaluation.people": 30,
        "evaluation.ict": 50,
        "pose.source_epochs": 30,
        "pose.target_epochs": 15,
        "pose_training.learning_rate": 5e-4,
        "pose_training.milestones": (20, 30),
        "pose_training.decay": 0.2,
    },
    "gpu": {**STEADY, "training.threads": 8, "pose_training.threads": 8},
    # Of the 150 people of FaceWarehouse print learns from all and tests 30 samples of them; the last ones are kept here
    # to test people of whom nothing is learnt.
    "paper": {
        "data": "licensed",
        "faces": "available",
        "evaluation.people": 30,
        "training.threads": 8,
        "pose_training.threads": 8,
    },
}


def relevant(method: DepthReader, settings: DepthRunSettings) -> DepthRunSettings:
    """The settings with the defaults where a method's run does not depend on them; DAPoseNet's epochs are its stages'.

    Whoever learns from fewer labelled frames does so in more epochs, so that rows of a table take as many steps.
    Heads of ICT-FaceKit are evaluated afterwards, by no run. What faces are available is said by name.
    """
    usual, frames, pose = DepthRunSettings(), settings.frames, settings.pose
    if frames.labels == "target":
        pose = replace(pose, source_epochs=TIMES * pose.source_epochs)
    stages = pose.source_epochs + pose.target_epochs
    settings = replace(
        settings,
        pose=pose,
        training=_longer(settings.training, TIMES / frames.times),
        pose_training=replace(settings.pose_training, epochs=stages, min_epochs=stages),
    )
    unseen = {SHAPE: {"pose", "pose_training"}, POSE: {"adaptation", "training"}}[method.reads]
    if method.name not in (MODEL_FIT, ICP_FACE):
        unseen |= {"fitting"}
    evaluation = EvaluatedFaces(others=settings.evaluation.others)
    if method.reads == SHAPE:
        evaluation = EvaluatedFaces(people=settings.evaluation.people)
        standard = usual.frames
        frames = replace(frames, every=standard.every, pose_share=standard.pose_share, pose_set=standard.pose_set)
    else:
        frames = replace(frames, share=usual.frames.share)
    network = settings.network
    if method.kind == BASELINE:
        unseen |= {"adaptation", "pose", "training", "pose_training"}
        frames = FrameCounts(frames.share, frames.pose_share, every=frames.every)
        network = DepthNetworkSettings(
            image_size=network.image_size, reach_mm=network.reach_mm, before_mm=network.before_mm
        )
    others = {name: getattr(usual, name) for name in unseen}
    settings = replace(settings, frames=frames, network=network, evaluation=evaluation, **others)
    return replace(settings, faces=chosen_faces(settings.faces))


def _longer(training: TrainingSettings, factor: float) -> TrainingSettings:
    """The schedule stretched."""
    epochs, shortest, *milestones = (
        round(factor * epoch) for epoch in (training.epochs, training.min_epochs, *training.milestones)
    )
    return replace(training, epochs=epochs, min_epochs=shortest, milestones=tuple(milestones))


def chosen_faces(faces: str) -> Literal["ours", "basel"]:
    """Whose faces "available" means today."""
    if faces == "available":
        return "basel" if has_basel() else "ours"
    return "basel" if faces == "basel" else "ours"
