"""For maintainers: a run's three networks, or its ExpNet, as a model that comes with the package, with its card."""

from __future__ import annotations

from pathlib import Path

import torch

from facelib.conventions import NOSE_TIP
from facelib.data.embedded.portraits import portraits
from facelib.data.reconstructed_faces import vertices_of
from facelib.data.scan_preparation import prepare_faces
from facelib.errors import BadInput
from facelib.faces.population import sample_people
from facelib.models.sphereface import Sphere20
from facelib.papers.component_networks import AXES, KIND, ComponentNetworks, write_networks
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.methods import BRANCHES, EXPNET, SHAPE_READER, NormalRecogniser
from facelib.papers.normal_components.metrics import METRICS
from facelib.papers.normal_components.networks import Recogniser, face_model
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.normal_components.trained import MODELS
from facelib.papers.run import network_from
from facelib.papers.shipping import Change, card_of, change_of, told_of
from facelib.papers.trained import Trained
from facelib.runs.folders import RECORD_FILE, WEIGHTS_FILE
from facelib.runs.records import Record, read_record
from facelib.runs.settings import override
from facelib.weights import rounded

NOT_FOR_SHAPES = (
    "recognising people, measuring them, or deciding anything about them. It has learnt from rendered faces of adults "
    "only, and reads a shape; where the face lies, another network says"
)
FACES, FACES_SEED = 8, 6  # on which both precisions are compared
NOT_FOR = (
    "deciding anything about people. It has learnt from rendered faces of adults only, and was judged on scans of "
    "embedded faces: how well it tells real people apart is not known"
)


def ship(run: str, name: str) -> Change:
    """Write the three networks of a run, or ExpNet, to the weights that come with the package, under a name.

    Args:
        run: its folder.
        name: small letters, digits and underscores; "normal_components" is what `facelib identify` takes by default,
            and "expnet" what `facelib reconstruct --model expnet` asks for.

    Returns:
        What half precision changes, which the card says too: embeddings in degrees, vertices in mm.

    Raises:
        MissingPart, CorruptFile: when its record or weights are missing or damaged.
        BadInput: for any other run, weights that are not finite, that half precision cannot hold, or that take more
            than three files of 8 MB.
    """
    folder = Path(run)
    record = read_record(folder / RECORD_FILE)
    method = PAPER.method(record.method)
    if method.name == EXPNET:
        read = MODELS.of_run(run, record.tier)
        change, summary = change_of_shapes(read), f"{method.label}: reads the shape of a face off a photograph"
        MODELS.write(name, read, card_of(record, SHAPE_READER, summary, NOT_FOR_SHAPES, METRICS, change))
        return change
    if method.kind != BRANCHES:
        raise BadInput(
            f"{record.run} has no fine-tuned network for each of {', '.join(AXES)}, and is not ExpNet: expected a run "
            f"such as expnet_lmcl's or {EXPNET}'s"
        )
    trained = networks_of(record, folder / WEIGHTS_FILE)
    change = change_of_embeddings(trained)
    summary = f"{method.label}: tells scans of faces apart by their normal components"
    write_networks(name, trained, card_of(record, KIND, summary, NOT_FOR, METRICS, change))
    return change


def networks_of(record: Record, weights: Path) -> ComponentNetworks:
    """The three networks of a run; raises as `load_weights`."""
    settings = override(PAPER.settings(record.tier), record.parameters)
    network = network_from(PAPER, record.method, settings, weights)
    assert isinstance(network, Recogniser)
    views = {axis: view for axis, view in network.views.items() if isinstance(view, Sphere20)}
    return ComponentNetworks(views, settings.preparation, told_of(record))


@torch.no_grad()
def change_of_embeddings(trained: ComponentNetworks) -> Change:
    """Compare networks with themselves after a round trip of their weights through half precision; raises as `ship`."""
    halves = {axis: Sphere20(trained.settings).eval() for axis in trained.networks}
    for axis, network in halves.items():
        network.load_state_dict(rounded(trained.networks[axis].state_dict()))
    other = ComponentNetworks(halves, trained.preparation, trained.origin)
    model = face_model()
    faces = model.vertices(sample_people(model, FACES, FACES_SEED).identity)
    _, normals = prepare_faces(faces, model.triangles, int(model.landmarks[NOSE_TIP]), trained.preparation)
    ours, theirs = (torch.stack(list(each.features(normals).values())).double() for each in (trained, other))
    angles = 2 * ((ours - theirs).norm(dim=-1) / 2).clamp(max=1).asin().rad2deg()
    return change_of(angles, "degrees", FACES)


@torch.no_grad()
def change_of_shapes(trained: Trained[NormalRecogniser, RecognitionSettings]) -> Change:
    """The same of ExpNet, by the vertices that it reads off photographs."""
    images = portraits(face_model(), FACES, trained.settings.preparation.size).image
    ours, theirs = (vertices_of(face_model(), each.network(images)) for each in (trained, MODELS.halved(trained)))
    apart = (ours - theirs).norm(dim=2)
    return change_of(apart, "mm", FACES)
