"""For maintainers: a run's network as a file that comes with the package, with its card and with what halving costs."""

from __future__ import annotations

import torch

from facelib.data.embedded.portraits import portraits
from facelib.data.landmarked_faces import LandmarkedFaces, aligned
from facelib.geometry.alignment import lengths
from facelib.papers.msma import PAPER
from facelib.papers.msma.metrics import METRICS
from facelib.papers.msma.networks import face_model, face_renderer, standard_landmarks
from facelib.papers.msma.trained import KIND, MODELS, TrainedReader
from facelib.papers.shipping import Change, card_of, change_of

RENDERED = 8  # faces on which both precisions are compared
LARGEST_YAW = 40.0  # degrees, of these faces
NOT_FOR = (
    "recognising people, measuring them, or deciding anything about them. It has learnt from rendered faces of adults "
    "only: skins, hair, beards, wrinkles and light that these do not show are read as something else"
)


def ship(run: str, name: str) -> Change:
    """Write a run's network to the weights that come with the package, under a name.

    Args:
        run: its folder or record.json.
        name: small letters, digits and underscores; "msma" is what `facelib.fit` takes by default.

    Returns:
        What half precision changes, which the card says too.

    Raises:
        MissingPart, CorruptFile, BadInput: as `load_trained`.
        BadInput: weights that are not finite, that half precision cannot hold, or that take more than three files of
            8 MB.
    """
    record, _ = MODELS.find_run(run, PAPER.smallest_tier)
    trained = MODELS.of_run(run, record.tier)
    change = change_by_halving(trained)
    summary = f"{trained.method.label}: fits a face model to a photograph"
    MODELS.write(name, trained, card_of(record, KIND, summary, NOT_FOR, METRICS, change))
    return change


@torch.no_grad()
def change_by_halving(trained: TrainedReader) -> Change:
    """Compare a network with itself after a round trip of its weights through half precision; raises as `ship`."""
    size = trained.settings.network.image_size
    shown = portraits(face_model(), RENDERED, size, yaw=LARGEST_YAW)
    faces = LandmarkedFaces(shown.image, shown.landmarks, shown.skin.float())
    images, renderer = aligned(faces, standard_landmarks(size)).images, face_renderer(size)
    found, halved = (
        renderer.in_camera(renderer.shape_of(read), read)
        for read in (each.network(images) for each in (trained, MODELS.halved(trained)))
    )
    apart = lengths(found - halved, dim=2)
    return change_of(apart, "mm", RENDERED)
