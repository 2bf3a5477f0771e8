from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made_input import BAD_IMAGES, images, parameters
from torch import nn

from facelib.errors import BadInput
from facelib.models.coefficient_diffusion import CoefficientDiffusion, Denoiser
from facelib.models.diffusion import cosine_schedule, ddim
from facelib.models.expnet import ShapeCoefficients
from facelib.models.reconstructor_settings import DiffusionSettings, PooledResNetSettings

ENCODER = PooledResNetSettings(depth=18, image_size=32, small_stem=True, width=0.0625)
SMALL = DiffusionSettings(ENCODER, channels=16, heads=2, depth=2, group=4)
FACES = ShapeCoefficients(*torch.randn(3, 9, generator=torch.Generator().manual_seed(8)).split((5, 4), dim=1))


def small(settings: DiffusionSettings = SMALL) -> CoefficientDiffusion:
    torch.manual_seed(0)
    return CoefficientDiffusion(settings, 5, 4)


def awake(settings: DiffusionSettings = SMALL) -> CoefficientDiffusion:
    """Whose last layer does not say zero."""
    network = small(settings).eval()
    nn.init.normal_(network.denoiser.write[1].weight)
    return network


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def joined(faces: ShapeCoefficients) -> torch.Tensor:
    return torch.cat(faces, dim=1)


def test_a_fresh_network_loses_the_mean_magnitude_of_velocities() -> None:
    """It says zero; a velocity of unit numbers is a unit number, of mean magnitude sqrt(2 / pi)."""
    network = small()
    many = ShapeCoefficients(torch.randn(600, 5, generator=seeded()), torch.randn(600, 4, generator=seeded(4)))
    pictures = images().repeat(200, 1, 1, 1)
    with torch.no_grad():
        assert network(many, pictures, seeded()).item() == pytest.approx((2 / torch.pi) ** 0.5, rel=0.03)


def test_loss_by_hand() -> None:
    """With the numbers that the generator draws, one face at a time."""
    network = awake(replace(SMALL, drop=0.5))
    generator = seeded(7)
    times = torch.randint(1, 1001, (3,), generator=generator)
    noise = torch.randn(3, 9, generator=generator)
    hidden = torch.rand(3, 1, generator=generator) < 0.5
    assert 0 < hidden.sum() < 3
    conditions = network.condition(images())
    errors = []
    for face in range(3):
        alpha, sigma = (each.float() for each in cosine_schedule(times[face]))
        clean = joined(FACES)[face]
        condition = network.unseen if hidden[face] else conditions[face]
        noised = alpha * clean + sigma * noise[face]
        found = network.denoiser(noised[None], times[face : face + 1], condition[None])[0]
        errors.append((found - (alpha * noise[face] - sigma * clean)).abs().mean())

    torch.testing.assert_close(network(FACES, images(), seeded(7)), torch.stack(errors).mean())


@pytest.mark.parametrize(("drop", "expected"), [(0.0, {"unseen"}), (1.0, {"encoder", "project"})])
def test_dropped_photographs_are_not_learnt_from_and_all_else_is(drop: float, expected: set[str]) -> None:
    network = awake(replace(SMALL, drop=drop)).train()
    network(FACES, images(), seeded()).backward()
    silent = {
        name.split(".")[0] for name, each in network.named_parameters() if each.grad is None or not each.grad.any()
    }

    assert silent == expected


def test_half_of_the_photographs_are_dropped() -> None:
    network = awake()
    shown = torch.zeros(0, dtype=torch.bool)

    def remember(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal shown
        shown = torch.cat((shown, (inputs[2] != network.unseen).any(dim=1)))

    network.denoiser.register_forward_pre_hook(remember)
    many = ShapeCoefficients(*(each.repeat(100, 1) for each in FACES))
    with torch.no_grad():
        network(many, images().repeat(100, 1, 1, 1), seeded())
    assert shown.float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_guidance_leads_from_without_to_with_the_photograph_and_beyond() -> None:
    network = awake()
    condition = network.condition(images()).detach()
    noise = torch.randn(3, 9, generator=seeded())

    def drawn(guidance: float) -> torch.Tensor:
        return joined(network.sample(condition, 5, guidance, generator=seeded()))

    @torch.no_grad()
    def expected(guidance: float) -> torch.Tensor:
        def velocity(noised: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
            without = network.denoiser(noised, times, network.unseen.expand(3, -1))
            return (1 - guidance) * without + guidance * network.denoiser(noised, times, condition)

        return ddim(velocity, noise, 5)

    for guidance in (0.0, 0.5, 1.0, 3.0):
        torch.testing.assert_close(drawn(guidance), expected(guidance), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(drawn(1.0), drawn(3.0), atol=0.01)


def test_draws_follow_the_generator_alone() -> None:
    network = awake()
    condition = network.condition(images())
    first, again, other = (network.sample(condition, 4, generator=seeded(seed)) for seed in (1, 1, 2))

    assert (first.identity.shape, first.expression.shape) == ((3, 5), (3, 4))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first.identity, other.identity)
    assert not first.identity.requires_grad


def test_several_draws_are_averaged_each_from_its_own_noise() -> None:
    network = awake()
    condition = network.condition(images()).detach()
    noise = torch.randn(6, 9, generator=seeded())
    halves = []
    for part in noise.split(3):
        with torch.no_grad():
            halves.append(ddim(lambda noised, times: network.denoiser(noised, times, condition), part, 5))
    drawn = joined(network.sample(condition, 5, draws=2, generator=seeded()))

    torch.testing.assert_close(drawn, (halves[0] + halves[1]) / 2, rtol=1e-4, atol=1e-4)


def test_a_small_network_learns_a_handful_of_faces_by_heart() -> None:
    network = small(replace(SMALL, encoder=replace(ENCODER, small_stem=False), channels=32, drop=0.2))
    pictures = torch.linspace(0, 1, 3).view(3, 1, 1, 1) * torch.ones(3, 3, 32, 32)
    faces = ShapeCoefficients(*(each.repeat(8, 1) for each in FACES))
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    generator = seeded()
    for _ in range(120):
        optimizer.zero_grad()
        network(faces, pictures.repeat(8, 1, 1, 1), generator).backward()
        optimizer.step()
    network.eval()
    drawn = joined(network.sample(network.condition(pictures), 20, generator=seeded()))

    assert (drawn - joined(FACES)).abs().mean() < 0.3
    assert (drawn - joined(FACES).roll(1, dims=0)).abs().mean() > 0.7  # of each the face of its own photograph


@pytest.mark.parametrize("numbers", [8, 9])
def test_denoiser_gives_a_velocity_for_every_number_and_hears_all(numbers: int) -> None:
    torch.manual_seed(0)
    denoiser = Denoiser(numbers, SMALL).double()
    nn.init.normal_(denoiser.write[1].weight)
    noised = torch.randn(2, numbers, dtype=torch.float64, requires_grad=True)
    condition = torch.randn(2, 16, dtype=torch.float64, requires_grad=True)
    velocity = denoiser(noised, torch.tensor([3, 700]), condition)
    velocity[:, 0].sum().backward()

    assert velocity.shape == (2, numbers)
    assert len(denoiser.position) == -(-numbers // 4)
    assert noised.grad.all()
    assert condition.grad.all()
    assert all(each.grad.any() for each in denoiser.parameters())
    assert not torch.allclose(denoiser(noised, torch.tensor([4, 701]), condition), velocity)


def test_parameters_at_full_size() -> None:
    """A layer of width C has 12 C^2 + 13 C: attention 4 C^2 + 4 C, two linear layers 8 C^2 + 5 C, two norms 4 C."""
    with torch.device("meta"):
        network = CoefficientDiffusion(DiffusionSettings())
    c = 512
    layers = 4 * (12 * c**2 + 13 * c)
    ends = (8 * c + c) + 16 * c + 2 * (c**2 + c) + 2 * c + (c * 8 + 8)

    assert parameters(network.denoiser) == layers + ends == 13_152_776
    assert parameters(network.encoder) == 23_508_032
    assert parameters(network) == 13_152_776 + 23_508_032 + 2048 * c + c + c == 37_710_408


@pytest.mark.parametrize(("pictures", "message"), [*BAD_IMAGES[1:3], (images() * torch.nan, "non-finite")])
def test_refuses_bad_images(pictures: torch.Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        small()(FACES, pictures, seeded())


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        (FACES._replace(identity=torch.zeros(3, 6)), r"identity has shape \(3, 6\)"),
        (FACES._replace(expression=torch.zeros(2, 4)), "expression has shape"),
        (ShapeCoefficients(torch.zeros(0, 5), torch.zeros(0, 4)), "no size zero"),
        (ShapeCoefficients(torch.zeros(2, 5), torch.zeros(2, 4)), r"images has shape \(3, 3, 32, 32\)"),
        (FACES._replace(identity=torch.full((3, 5), torch.nan)), "clean holds 15 non-finite"),
    ],
)
def test_refuses_bad_coefficients(faces: ShapeCoefficients, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        small()(faces, images(), seeded())


@pytest.mark.parametrize(
    ("condition", "options", "message"),
    [
        (torch.zeros(2, 15), {}, "condition has shape"),
        (torch.zeros(0, 16), {}, "no size zero"),
        (torch.full((1, 16), torch.nan), {}, "non-finite"),
        (torch.zeros(2, 16), {"guidance": torch.inf}, "guidance inf"),
        (torch.zeros(2, 16), {"steps": 0}, "steps 0"),
        (torch.zeros(2, 16), {"draws": 0}, "draws 0"),
    ],
)
def test_refuses_what_nothing_can_be_drawn_of(condition, options, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        small().sample(condition, generator=seeded(), **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": 1.5}, "drop 1.5"),
        ({"channels": 18, "heads": 4}, "channels 18, heads 4"),
        ({"depth": 0}, "depth 0"),
        ({"group": 0}, "group 0"),
        ({"encoder": replace(ENCODER, depth=34)}, "depth 34"),
    ],
)
def test_refuses_what_cannot_be_built(change, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        small(replace(SMALL, **change))


def test_refuses_nothing_to_draw() -> None:
    with pytest.raises(BadInput, match="at least one of each"):
        CoefficientDiffusion(SMALL, 0, 4)
