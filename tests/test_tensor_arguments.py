"""Public functions of tensors refuse what they cannot use by name, and do not mind how a tensor lies in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry import (
    alignment,
    camera,
    chamfer,
    cropping,
    cylindrical_uv,
    depth,
    differentiable_rendering,
    icp,
    lighting,
    nearest_on_surface,
    neighbours,
    normal_components,
    normals,
    point_clouds,
    procrustes,
    range_images,
    rasterizer,
    rotations,
    supersampling,
    visibility,
)
from facelib.losses import (
    asymmetric,
    coefficients,
    contrastive,
    distillation,
    joint_entropy,
    margins,
    moment_matching,
    photometric,
    position_maps,
)

BATCH, POINTS = 2, 12
GENERATOR = torch.Generator().manual_seed(0)
CLOUD = torch.randn(BATCH, POINTS, 3, generator=GENERATOR)
ONE = CLOUD[0]
TRIANGLES = torch.tensor([[0, 1, 2], [2, 1, 3], [4, 5, 6]])
MAPS = torch.randn(BATCH, 3, 8, 8, generator=GENERATOR)
TURN = rotations.euler_to_matrix(*torch.rand(3, BATCH, generator=GENERATOR).unbind(0))
VIEW = camera.PerspectiveCamera(10.0, 4.0, 4.0)
WIDE = camera.WeakPerspectiveCamera(1.0, 4.0, 4.0)
SCREEN = CLOUD + 4.0
FRAGMENTS = rasterizer.rasterize(SCREEN, TRIANGLES, 8, 8, perspective=False)
FEATURES, OTHERS = torch.randn(2, 4, 6, generator=GENERATOR)
UNIT = torch.nn.functional.normalize(FEATURES, dim=1)
DOTS = torch.randn(BATCH, 68, 2, generator=GENERATOR)
LABELS = torch.tensor([0, 1, 2, 0])
IDENTITY = alignment.Similarity(torch.ones(BATCH), torch.eye(3).expand(BATCH, 3, 3), torch.zeros(BATCH, 3))

# What each function is given, its tensors first; the rest is right whatever becomes of these.
Case = tuple[Callable[..., Any], dict[str, torch.Tensor], dict[str, Any]]
CASES: list[Case] = [
    (alignment.similarity_transform, {"source": CLOUD, "target": CLOUD}, {}),
    (
        alignment.self_alignment,
        {"shape_landmarks": CLOUD, "pose_landmarks": CLOUD, "visibility": torch.ones(BATCH, POINTS)},
        {},
    ),
    (IDENTITY.apply, {"points": CLOUD}, {}),
    (VIEW.project, {"points": SCREEN}, {}),
    (VIEW.unproject, {"screen": SCREEN}, {}),
    (WIDE.project, {"points": SCREEN}, {}),
    (WIDE.unproject, {"screen": SCREEN}, {}),
    (camera.face_to_camera, {"points": CLOUD, "rotation": TURN, "translation": torch.zeros(BATCH, 3)}, {}),
    (chamfer.chamfer, {"first": CLOUD, "second": CLOUD}, {}),
    (cropping.crop_around, {"vertices": ONE, "triangles": TRIANGLES, "centre": ONE[0]}, {"radius": 9.0}),
    (cropping.within_radius, {"points": ONE, "centre": ONE[0]}, {"radius": 9.0}),
    (cylindrical_uv.cylindrical_layout, {"vertices": ONE, "triangles": TRIANGLES}, {"size": 8}),
    (depth.depth_to_positions, {"depth": MAPS[:, 0]}, {"camera": VIEW}),
    (depth.positions_to_depth, {"positions": MAPS}, {}),
    (depth.camera_to_face_axes, {"positions": MAPS}, {}),
    (depth.crop_depth, {"depth": MAPS[:, 0]}, {"camera": VIEW, "top": 1, "left": 1, "height": 4, "width": 4}),
    (
        differentiable_rendering.render,
        {
            "points": CLOUD,
            "triangles": TRIANGLES,
            "albedo": CLOUD.abs(),
            "normals": CLOUD,
            "light": torch.ones(BATCH, 9, 3),
            "background": MAPS.abs(),
        },
        {"camera": WIDE},
    ),
    (icp.icp, {"source": ONE, "target": ONE}, {}),
    (lighting.sh_basis, {"normals": CLOUD}, {}),
    (lighting.shade, {"albedo": CLOUD, "normals": CLOUD, "coefficients": torch.ones(BATCH, 9, 3)}, {}),
    (
        lighting.ambient_and_directional,
        {"ambient": ONE, "direction": ONE, "colour": ONE},
        {"intensity": 1.0},
    ),
    (lighting.coefficients_from_gamma, {"gamma": torch.zeros(BATCH, 27)}, {}),
    (
        nearest_on_surface.nearest_on_surface,
        {"queries": CLOUD, "vertices": CLOUD, "triangles": TRIANGLES},
        {},
    ),
    (neighbours.nearest, {"queries": CLOUD, "points": CLOUD}, {}),
    (neighbours.knn, {"queries": CLOUD, "points": CLOUD}, {"k": 2}),
    (normal_components.normal_components, {"positions": MAPS}, {"window": 3}),
    (normals.triangle_normals, {"vertices": CLOUD, "triangles": TRIANGLES}, {}),
    (normals.vertex_normals, {"vertices": CLOUD, "triangles": TRIANGLES}, {}),
    (point_clouds.farthest_point_sampling, {"points": CLOUD}, {"count": 3}),
    (point_clouds.ball_query, {"centres": CLOUD, "points": CLOUD}, {"radius": 1.0, "count": 2}),
    (point_clouds.normalise_to_unit_sphere, {"points": CLOUD}, {}),
    (
        point_clouds.sample_surface,
        {"vertices": CLOUD, "triangles": TRIANGLES},
        {"count": 3, "generator": torch.Generator()},
    ),
    (procrustes.nearest_rotation, {"matrix": TURN}, {}),
    (
        range_images.range_image_of_mesh,
        {"vertices": CLOUD, "triangles": TRIANGLES, "centre": CLOUD[:, :3].mean(dim=1)},
        {"height": 40, "width": 40, "cell": 0.1},
    ),
    (
        range_images.range_image_of_points,
        {"points": CLOUD, "centre": CLOUD[:, 0]},
        {"height": 40, "width": 40, "cell": 0.1},
    ),
    (range_images.fill_small_holes, {"positions": MAPS}, {}),
    (
        rasterizer.rasterize,
        {"screen": SCREEN, "triangles": TRIANGLES},
        {"height": 8, "width": 8, "perspective": False},
    ),
    (rasterizer.interpolate, {"attributes": CLOUD, "triangles": TRIANGLES}, {"fragments": FRAGMENTS}),
    (
        supersampling.average_samples,
        {"attributes": CLOUD, "triangles": TRIANGLES},
        {"fragments": FRAGMENTS, "samples": 2},
    ),
    (rotations.matrix_to_euler, {"rotation": TURN}, {}),
    (rotations.matrix_to_quaternion, {"rotation": TURN}, {}),
    (rotations.quaternion_to_matrix, {"quaternion": FEATURES[:, :4]}, {}),
    (rotations.normalise_quaternion, {"quaternion": FEATURES[:, :4]}, {}),
    (rotations.angle_from_frontal, {"rotation": TURN}, {}),
    (rotations.geodesic_distance, {"first": TURN, "second": TURN}, {}),
    (rotations.euler_to_matrix, {"yaw": ONE, "pitch": ONE, "roll": ONE}, {}),
    (visibility.facing_visibility, {"normals": CLOUD}, {}),
    (visibility.visible_in_depth, {"screen": SCREEN, "depth": MAPS[:, 0]}, {}),
    (asymmetric.asymmetric_loss, {"predicted": FEATURES, "true": OTHERS}, {}),
    (contrastive.nt_xent, {"first": FEATURES, "second": OTHERS}, {}),
    (contrastive.cross_modal, {"first": FEATURES, "second": OTHERS, "image": FEATURES}, {}),
    (distillation.distillation, {"student": FEATURES, "teacher": OTHERS}, {}),
    (joint_entropy.joint_entropy, {"attention_2d": FEATURES, "attention_3d": OTHERS}, {}),
    (
        margins.adaface_logits,
        {"cosine": UNIT, "norms": torch.ones(4, 1), "labels": LABELS},
        {"mean": 1.0, "std": 1.0},
    ),
    (moment_matching.mmd, {"first": FEATURES, "second": OTHERS}, {}),
    (moment_matching.coral, {"first": FEATURES, "second": OTHERS}, {}),
    (position_maps.weighted_distance, {"predicted": MAPS, "true": MAPS, "weights": torch.ones(8, 8)}, {}),
    (position_maps.edge_length_loss, {"predicted": CLOUD, "true": CLOUD, "edges": TRIANGLES[:, :2]}, {}),
    (position_maps.normal_loss, {"predicted": CLOUD, "true": CLOUD, "triangles": TRIANGLES}, {}),
    (
        photometric.photometric_loss,
        {"rendered": MAPS, "photograph": MAPS.sigmoid(), "weights": MAPS[:, 0].sigmoid()},
        {},
    ),
    (photometric.perceptual_loss, {"rendered": FEATURES, "photograph": OTHERS}, {}),
    (photometric.reflectance_loss, {"albedo": CLOUD, "region": torch.ones(POINTS)}, {}),
    (
        coefficients.landmark_loss,
        {"projected": DOTS, "detected": DOTS.flip(0), "weights": coefficients.landmark_weights("printed")},
        {},
    ),
    (
        coefficients.coefficient_loss,
        {"identity": FEATURES, "expression": OTHERS, "albedo": OTHERS},
        {"weights": (1.0, 0.8, 0.017)},
    ),
    (coefficients.monochrome_loss, {"light": torch.randn(2, 27, generator=GENERATOR)}, {}),
    (position_maps.attention_loss, {"attention": MAPS[:, 0].sigmoid(), "target": MAPS[:, 1].sigmoid()}, {}),
]
ARGUMENTS = [(case, name) for case in CASES for name in case[1]]


NAMES = [f"{case[0].__qualname__}-{name}" for case, name in ARGUMENTS]


@pytest.mark.parametrize(("case", "name"), ARGUMENTS, ids=NAMES)
def test_what_is_no_tensor_is_named(case: Case, name: str) -> None:
    function, tensors, others = case
    function(**tensors, **others)
    for wrong in (None, tensors[name].tolist(), tensors[name].numpy()):
        with pytest.raises(BadInput, match=rf"{name} is of type {type(wrong).__name__}: expected a tensor"):
            function(**(tensors | {name: wrong}), **others)


def called(case: Case, name: str, value: torch.Tensor) -> list[torch.Tensor]:
    """All tensors that a function gives when this argument is another."""
    function, tensors, others = case
    for other in others.values():
        if isinstance(other, torch.Generator):
            other.manual_seed(0)
    return list(tensors_in(function(**(tensors | {name: value}), **others)))


def tensors_in(result: Any) -> Iterator[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        yield result.detach()
    elif isinstance(result, tuple | list):
        for part in result:
            yield from tensors_in(part)
    elif hasattr(result, "__dict__"):
        yield from tensors_in(list(vars(result).values()))


@pytest.mark.parametrize(("case", "name"), ARGUMENTS, ids=NAMES)
def test_integers_are_refused_or_mean_the_same_numbers(case: Case, name: str) -> None:
    whole = (3 * case[1][name]).round() if case[1][name].is_floating_point() else case[1][name]
    for kind in (torch.int32, torch.int64):
        with contextlib.suppress(BadInput):
            for found, expected in zip(called(case, name, whole.to(kind)), called(case, name, whole), strict=True):
                torch.testing.assert_close(found, expected, check_dtype=False, equal_nan=True)


@pytest.mark.parametrize(("case", "name"), ARGUMENTS, ids=NAMES)
def test_the_layout_in_memory_and_gradients_change_nothing(case: Case, name: str) -> None:
    value = case[1][name]
    expected = called(case, name, value)
    others = [value.transpose(0, -1).contiguous().transpose(0, -1)]
    if value.is_floating_point():
        others.append(value.clone().requires_grad_())
    for other in others:
        for found, known in zip(called(case, name, other), expected, strict=True):
            torch.testing.assert_close(found, known, rtol=1e-4, atol=1e-5, equal_nan=True)
