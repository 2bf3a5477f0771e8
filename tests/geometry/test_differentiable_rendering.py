from __future__ import annotations

import pytest
import torch
import trimesh

from facelib.errors import BadInput
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera
from facelib.geometry.differentiable_rendering import Rendering, render, surface_fragments
from facelib.geometry.lighting import ambient_and_directional
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import interpolate, rasterize

CAMERAS = pytest.mark.parametrize("camera", [PerspectiveCamera(40.0, 4.0, 3.0), WeakPerspectiveCamera(0.4, 4.0, 3.0)])
SIZE = (6, 8)
ONE = torch.tensor([[0, 1, 2]])


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def scene(camera) -> tuple[torch.Tensor, torch.Tensor]:
    """Three triangles that hide one another, in float64; no pixel centre is within 0.02 pixels of an edge."""
    points = (random(1, 9, 3, seed=2513) - 0.5) * torch.tensor([26.0, 20.0, 30.0]) + torch.tensor([0.0, 0.0, 100.0])
    triangles = torch.arange(9).view(3, 3)
    screen = camera.project(points)
    seen = rasterize(screen, triangles, *SIZE, perspective=camera.perspective)
    assert seen.triangle.unique().tolist() == [-1, 0, 1, 2]
    for shift in (torch.tensor([0.02, 0, 0]), torch.tensor([0, 0.02, 0])):
        for moved in (screen + shift, screen - shift):
            again = rasterize(moved, triangles, *SIZE, perspective=camera.perspective)
            assert torch.equal(again.triangle, seen.triangle)
    return points, triangles


def surroundings(vertices: int, height: int, width: int) -> tuple[torch.Tensor, ...]:
    """Albedo, normals, light and background in float64."""
    normals = torch.nn.functional.normalize(random(1, vertices, 3, seed=5) - torch.tensor([0.5, 0.5, 1.5]), dim=-1)
    return random(1, vertices, 3, seed=4), normals, random(1, 9, 3, seed=6), random(1, 3, height, width, seed=7)


def ball(radius: float = 80.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (1, V, 3) around the origin of the camera frame and triangles."""
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    return torch.tensor(mesh.vertices, dtype=torch.float32)[None], torch.tensor(mesh.faces)


# ---- what is drawn ----


def test_a_white_triangle_in_even_light_by_hand():
    """Every covered pixel has the ambient colour and the triangle's depth, every other one the background's."""
    points = torch.tensor([[[-50.0, -50, 100], [-50, 50, 100], [50, -50, 100]]])  # left and top half of the image
    ambient = torch.tensor([0.2, 0.5, 0.9])
    light = ambient_and_directional(ambient, torch.tensor([0.0, 0.0, 1.0]), 0.0, torch.ones(3))[None]
    normals = torch.tensor([0.0, 0.0, -1.0]).expand(1, 3, 3)
    background = torch.zeros(1, 3, 4, 4)
    camera = PerspectiveCamera(4.0, 2.1, 2.1)
    drawn = render(points, ONE, camera, torch.ones(1, 3, 3), normals, light, background)
    expected = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)
    assert torch.equal(drawn.mask, expected[None])
    torch.testing.assert_close(drawn.image, expected * ambient[:, None, None].expand(1, 3, 4, 4))
    torch.testing.assert_close(drawn.depth, torch.where(expected, 100.0, torch.inf)[None])


def lit_vertex(albedo: torch.Tensor, normal: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """RGB (3,) of a point (3,) with this unit normal (3,) in the light (9, 3) of nine harmonics."""
    x, y, z = normal.tolist()
    harmonics = [
        *(0.282095, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z),
        *(0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y)),
    ]
    return albedo * (torch.tensor(harmonics).double() @ light)


def test_colours_are_interpolated_between_lit_vertices():
    """Vertex by vertex and pixel by pixel."""
    camera = PerspectiveCamera(40.0, 4.0, 3.0)
    points, triangles = scene(camera)
    albedo, normals, light, background = surroundings(9, *SIZE)
    drawn = render(points, triangles, camera, albedo, normals, light, background)
    seen = rasterize(camera.project(points), triangles, *SIZE, perspective=True)
    lit = torch.stack([lit_vertex(*each, light[0]) for each in zip(albedo[0], normals[0], strict=True)])
    for row in range(SIZE[0]):
        for column in range(SIZE[1]):
            t = int(seen.triangle[0, row, column])
            expected = background[0, :, row, column]
            if t >= 0:
                expected = seen.barycentric[0, row, column].double() @ lit[triangles[t]]
            torch.testing.assert_close(drawn.image[0, :, row, column], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("camera", [PerspectiveCamera(180.0, 32.0, 30.0), WeakPerspectiveCamera(0.3, 32.0, 30.0)])
def test_the_recomputed_surface_is_the_one_that_was_rasterized(camera, dtype):
    points, triangles = ball()
    screen = camera.project(points + torch.tensor([0.0, 0.0, 500.0]))
    seen = rasterize(screen, triangles, 60, 64, perspective=camera.perspective)
    again = surface_fragments(screen.to(dtype), triangles, seen, perspective=camera.perspective)
    assert torch.equal(again.triangle, seen.triangle)
    assert again.barycentric.dtype == again.depth.dtype == dtype
    torch.testing.assert_close(again.barycentric, seen.barycentric.to(dtype), rtol=0, atol=2e-4)
    torch.testing.assert_close(again.depth, seen.depth.to(dtype), rtol=1e-5, atol=0)


def test_images_share_what_there_is_one_of():
    camera = PerspectiveCamera(40.0, 4.0, 3.0)
    points, triangles = scene(camera)
    points = torch.cat((points, points + 1))
    shared = surroundings(9, *SIZE)
    together = render(points, triangles, camera, *shared)
    for i in range(2):
        alone = render(points[i : i + 1], triangles, camera, *shared)
        torch.testing.assert_close(together.image[i], alone.image[0])
        assert torch.equal(together.depth[i], alone.depth[0])


# ---- gradients ----


@CAMERAS
def test_gradcheck_inside_triangles(camera):
    points, triangles = scene(camera)
    albedo, normals, light, background = surroundings(9, *SIZE)
    inputs = [value.requires_grad_() for value in (points, albedo, normals, light, background)]

    def draw(*values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = render(values[0], triangles, camera, *values[1:])
        return drawn.image, drawn.depth.where(drawn.mask, 0.0)

    assert torch.autograd.gradcheck(draw, inputs)


@CAMERAS
def test_gradcheck_of_surface_coordinates(camera):
    """From the vertices and their texture coordinates, through barycentrics, to those of the pixels."""
    points, triangles = scene(camera)
    coordinates = random(1, 9, 2, seed=8)

    def draw(points: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
        screen = camera.project(points)
        seen = rasterize(screen, triangles, *SIZE, perspective=camera.perspective)
        seen = surface_fragments(screen, triangles, seen, perspective=camera.perspective)
        return interpolate(coordinates, triangles, seen)

    inputs = [value.requires_grad_() for value in (points, coordinates)]
    assert torch.autograd.gradcheck(draw, inputs)


def test_there_is_no_gradient_at_silhouettes():
    """Moving a triangle of one colour changes the picture, but only at its outline: the gradient is zero."""
    points = torch.tensor([[[-20.0, -15, 100], [-20, 15, 100], [20, 0, 100]]], requires_grad=True)
    light = ambient_and_directional(torch.ones(3), torch.tensor([0.0, 0.0, 1.0]), 0.0, torch.ones(3))[None]
    white, normals, background = (
        torch.ones(1, 3, 3),
        torch.tensor([0.0, 0.0, -1.0]).expand(1, 3, 3),
        torch.zeros(1, 3, 8, 8),
    )

    def draw(points: torch.Tensor) -> Rendering:
        return render(points, ONE, PerspectiveCamera(20.0, 4.0, 4.0), white, normals, light, background)

    total = draw(points).image.sum()
    assert draw(points.detach() + torch.tensor([0, 0, 60.0])).image.sum() < total - 1
    (gradient,) = torch.autograd.grad(total, points)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_gradient_is_nan_on_degenerate_input(dtype):
    """Triangles without area, behind the camera, of NaN, normals that cancel; and a picture that shows nothing."""
    camera = PerspectiveCamera(40.0, 4.0, 3.0)
    points = torch.cat((scene(camera)[0], torch.zeros(1, 3, 3)), dim=1).to(dtype)
    points[0, 10] = torch.nan
    points[0, 11] = torch.tensor([3.0, 3.0, -50.0])
    triangles = torch.cat((torch.arange(9).view(3, 3), torch.tensor([[0, 0, 1], [2, 2, 2], [0, 1, 10], [3, 9, 11]])))
    albedo, normals, light, background = (value.to(dtype) for value in surroundings(12, *SIZE))
    normals[0, :3] = 0
    for z in (0.0, -300.0):
        inputs = [(points + torch.tensor([0, 0, z])).to(dtype), albedo, normals, light]
        inputs = [value.detach().requires_grad_() for value in inputs]
        drawn = render(inputs[0], triangles, camera, *inputs[1:], background)
        assert drawn.mask.any() == (z == 0)
        gradients = torch.autograd.grad(
            drawn.image.sum() + drawn.depth.where(drawn.mask, 0.0).sum(), inputs, materialize_grads=True
        )
        used = torch.ones(12, dtype=torch.bool)
        used[9:] = False
        assert gradients[0][:, used].isfinite().all()
        assert all(gradient.isfinite().all() for gradient in gradients[1:])


def test_light_and_a_small_translation_are_recovered_from_a_picture():
    """Gradient descent on the pixels that both pictures show, from a wrong place and a grey light."""
    shape, triangles = ball()
    albedo = 0.5 + 0.4 * torch.sin(shape / 15)
    camera, background = PerspectiveCamera(180.0, 24.0, 24.0), torch.zeros(1, 3, 48, 48)
    distance = torch.tensor([0.0, 0.0, 700.0])

    def draw(offset: torch.Tensor, light: torch.Tensor) -> Rendering:
        points = shape + offset + distance
        return render(points, triangles, camera, albedo, vertex_normals(points, triangles), light, background)

    true_offset = torch.tensor([4.0, -3.0, 10.0])
    true_light = ambient_and_directional(torch.full((3,), 0.4), torch.tensor([1.0, -1, -2]), 0.6, torch.ones(3))[None]
    with torch.no_grad():
        target = draw(true_offset, true_light)
    offset = torch.zeros(3, requires_grad=True)
    light = ambient_and_directional(torch.full((3,), 0.7), torch.tensor([0.0, 0, -1]), 0.0, torch.ones(3))[None]
    light.requires_grad_()
    optimiser = torch.optim.Adam([{"params": [offset], "lr": 0.5}, {"params": [light], "lr": 0.05}])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 200)
    for _ in range(200):
        drawn = draw(offset, light)
        both = (drawn.mask & target.mask)[:, None]
        loss = ((drawn.image - target.image)[both.expand(-1, 3, -1, -1)] ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    assert loss.item() < 2e-5
    torch.testing.assert_close(offset.detach()[:2], true_offset[:2], rtol=0, atol=0.2)
    torch.testing.assert_close(offset.detach()[2], true_offset[2], rtol=0, atol=2.0)
    normals = vertex_normals(shape, triangles)
    normals = normals[:, normals[0, :, 2] < -0.4]  # those that can be seen well
    torch.testing.assert_close(shaded(normals, light.detach()), shaded(normals, true_light), rtol=0, atol=0.05)


def shaded(normals: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    from facelib.geometry.lighting import shade

    return shade(torch.ones_like(normals), normals, light)


# ---- bad input ----


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": torch.zeros(2, 3)}, "points has shape"),
        ({"albedo": torch.zeros(1, 4, 3)}, "albedo has shape"),
        ({"normals": torch.zeros(1, 3, 2)}, "normals has shape"),
        ({"light": torch.zeros(1, 27)}, "light has shape"),
        ({"background": torch.zeros(1, 3, 0, 4)}, "background has shape"),
        ({"light": torch.zeros(3, 9, 3)}, "light is for 3 images, points for 2"),
        ({"albedo": torch.zeros(1, 3, 3).double()}, "albedo is torch.float64"),
        ({"triangles": ONE + 1}, "expected ids"),
    ],
)
def test_bad_input_is_refused(change, message):
    good = {
        "points": torch.zeros(2, 3, 3),
        "triangles": ONE,
        "camera": PerspectiveCamera(1.0, 0.0, 0.0),
        "albedo": torch.zeros(1, 3, 3),
        "normals": torch.zeros(1, 3, 3),
        "light": torch.zeros(2, 9, 3),
        "background": torch.zeros(1, 3, 4, 4),
    }
    with pytest.raises(BadInput, match=message):
        render(**(good | change))


def test_fragments_of_another_batch_are_refused():
    camera = PerspectiveCamera(40.0, 4.0, 3.0)
    points, triangles = scene(camera)
    screen = camera.project(points)
    seen = rasterize(screen, triangles, *SIZE, perspective=True)
    with pytest.raises(BadInput, match="screen has shape"):
        surface_fragments(screen.expand(2, -1, -1), triangles, seen, perspective=True)
    with pytest.raises(BadInput, match="there are 2"):
        surface_fragments(screen, triangles[:2], seen, perspective=True)
