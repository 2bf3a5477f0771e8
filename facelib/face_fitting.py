"""`facelib.fit`: an image in, coefficients of a face model out, as a face in its place."""

from __future__ import annotations

from facelib.data.face_finding import check_face, find_face
from facelib.data.given_images import as_photograph
from facelib.data.photographs import FaceBox
from facelib.papers.msma.fitted_face import FittedFace
from facelib.papers.msma.photograph_fit import REFINEMENT, fit_photograph
from facelib.papers.msma.trained import load_trained
from facelib.progress import progress_bar
from facelib.reconstruction import Corners, as_box


def fit(
    image: object,
    box: Corners | FaceBox | None = None,
    model: str | None = None,
    *,
    refine: bool = True,
    tier: str | None = None,
) -> FittedFace:
    """The face model's coefficients that look like a photograph: shape, expression, albedo, pose and light.

    Args:
        image, box: as `facelib.reconstruct` takes them.
        model: a shipped model's name, a run's folder, or a method of paper 5; by default the shipped model "msma".
        refine: whether direct fitting to landmarks and colours goes on from what the network reads.
        tier: of the method's run, as of `facelib reconstruct`.

    Returns:
        The face: coefficients, vertices (V, 3) in mm, triangles (T, 3), landmarks (68, 2) in pixels, angles in
        degrees, a finer surface with colours, and to_trimesh().

    Raises:
        BadInput, CorruptFile, MissingPart: as `facelib.reconstruct`.
        DegenerateInput: when what is found is no face before the camera.

    Example:
        facelib.fit("me.jpg").to_trimesh().export("me.glb")
    """
    given = None if box is None else as_box(box)
    trained, photograph = load_trained(model, tier), as_photograph(image)
    place = find_face(photograph) if given is None else given
    steps = REFINEMENT.landmark_steps + REFINEMENT.steps
    with progress_bar("refining", steps, "steps", show=refine) as bar:
        face = fit_photograph(trained, photograph, place, refine=refine, on_step=bar.advance)
    if given is not None:
        check_face(photograph, given)
    return face
