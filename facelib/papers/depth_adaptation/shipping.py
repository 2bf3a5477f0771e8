"""For maintainers: a run's network as a file that comes with the package, with its card and with what halving costs."""

from __future__ import annotations

import torch

from facelib.data.depth_faces import DepthFrames
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.depth_scene import DepthSceneSettings, clean_frames
from facelib.faces.population import sample_people
from facelib.geometry.depth_view import DepthView
from facelib.geometry.rotations import geodesic_distance, quaternion_to_matrix
from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.methods import POSE, SHAPE
from facelib.papers.depth_adaptation.metrics import METRICS
from facelib.papers.depth_adaptation.readers import read_poses, shape_reader, view_of
from facelib.papers.depth_adaptation.trained import MODELS, TrainedReader
from facelib.papers.shipping import Change, card_of, change_of
from facelib.runs.records import read_record

HEADS, SEED = 8, 9  # on which both precisions are compared
DISTANCE, YAW = 900.0, 10.0  # mm before the camera, and degrees to one side and the other
SUMMARIES = {SHAPE: "reads the shape of a head off a depth frame", POSE: "reads the pose of a head off a depth frame"}
NOT_FOR = (
    "recognising people, measuring them, or deciding anything about them. It has learnt from rendered depth of adults "
    "only, and of a simulated sensor: frames of other sensors, of glasses and of hands before faces are read as "
    "something else"
)


def ship(run: str, name: str) -> Change:
    """Write a run's network to the weights that come with the package, under a name.

    Args:
        run: its folder or record.json.
        name: small letters, digits and underscores; "dashapenet" and "dapose" are what `facelib.reconstruct_depth`
            takes by default.

    Returns:
        What half precision changes, which the card says too.

    Raises:
        MissingPart, CorruptFile, BadInput: as `load_trained`.
        BadInput: a baseline's run; weights that are not finite, that half precision cannot hold, or that take more than
            three files of 8 MB.
    """
    kind = kind_of(run)
    record, _ = MODELS[kind].find_run(run, PAPER.smallest_tier)
    trained = MODELS[kind].of_run(run, record.tier)
    change = change_by_halving(trained)
    summary = f"{trained.method.label}: {SUMMARIES[kind]}"
    card = card_of(record, MODELS[kind].kind, summary, NOT_FOR, METRICS, change)
    MODELS[kind].write(name, trained, card)
    return change


def kind_of(run: str) -> str:
    """SHAPE or POSE, what the network of a run reads.

    Raises:
        MissingPart, CorruptFile: as `read_record`.
        BadInput: for a run of another paper or of a baseline.
    """
    record = read_record(MODELS[SHAPE].record_of(run, PAPER.smallest_tier))
    method = PAPER.methods.get(record.method)
    if record.paper != PAPER.name or method is None or method.kind not in MODELS:
        raise BadInput(
            f"{record.method} of {record.paper} has no network that reads depth: expected a run such as dapose's"
        )
    return method.kind


@torch.no_grad()
def change_by_halving(trained: TrainedReader) -> Change:
    """Compare a network with itself after a round trip of its weights through half precision; raises as `ship`."""
    halves, settings = MODELS[trained.method.kind].halved(trained), trained.settings
    frames = rendered(settings.network.image_size, view_of(settings))
    if trained.method.kind == SHAPE:
        ours, theirs = (shape_reader(trained.method, settings, each.network)(frames) for each in (trained, halves))
        apart, unit = (ours - theirs).norm(dim=2), "mm"
    else:
        ours, theirs = (
            quaternion_to_matrix(read_poses(each.network, frames, settings).quaternion) for each in (trained, halves)
        )
        apart, unit = geodesic_distance(ours, theirs).rad2deg(), "degrees"
    return change_of(apart, unit, HEADS)


def rendered(size: int, view: DepthView) -> DepthFrames:
    """Clean frames of `HEADS` people, nearly frontal."""
    model, generator = load_face_model("coarse"), torch.Generator().manual_seed(SEED)
    heads = model.vertices(sample_people(model, HEADS, SEED, fixed_albedo=True).identity)
    pose, place = torch.zeros(HEADS, 3), torch.zeros(HEADS, 3)
    pose[:, 0] = torch.linspace(-YAW, YAW, HEADS).deg2rad()
    place[:, 2] = DISTANCE
    scene = DepthSceneSettings(image_size=size, **view._asdict())
    frames = clean_frames(model, heads, pose, place, scene, generator)
    return DepthFrames.seen_by(frames.depth, frames.camera)
