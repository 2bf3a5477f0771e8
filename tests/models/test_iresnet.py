"""IResNet: a block against loops in NumPy, the names of public files, and how deep a file says it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.errors import BadInput
from facelib.models.iresnet import BLOCKS, IResBlock, IResNet, depth_of

EPSILON = 1e-5  # of a batch norm


def normed(x: np.ndarray, state: dict[str, np.ndarray], name: str) -> np.ndarray:
    scale = state[f"{name}.weight"] / np.sqrt(state[f"{name}.running_var"] + EPSILON)
    return (x - state[f"{name}.running_mean"][:, None, None]) * scale[:, None, None] + state[f"{name}.bias"][
        :, None, None
    ]


def convolved(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """One output pixel after the other."""
    reach = weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    side = -(-x.shape[-1] // stride)
    found = np.zeros((len(weight), side, side))
    for row in range(side):
        for column in range(side):
            top, left = stride * row, stride * column
            seen = padded[:, top : top + weight.shape[-1], left : left + weight.shape[-1]]
            found[:, row, column] = [(kernel * seen).sum() for kernel in weight]
    return found


def with_chance(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Every parameter and buffer drawn, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.double().state_dict().items():
        if value.is_floating_point():
            drawn = torch.rand(value.shape, generator=generator, dtype=torch.float64)
            value.copy_(drawn + 0.5 if name.endswith("running_var") else drawn - 0.4)
    return module.eval()


@pytest.mark.parametrize(("inputs", "channels", "stride"), [(3, 4, 2), (4, 4, 1), (4, 4, 2)])
def test_a_block_by_hand(inputs: int, channels: int, stride: int) -> None:
    block = with_chance(IResBlock(inputs, channels, stride))
    state = {name: value.numpy() for name, value in block.state_dict().items()}
    x = torch.randn(inputs, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64).numpy()

    inner = normed(convolved(normed(x, state, "bn1"), state["conv1.weight"], 1), state, "bn2")
    inner = np.where(inner > 0, inner, inner * state["prelu.weight"][:, None, None])
    expected = normed(convolved(inner, state["conv2.weight"], stride), state, "bn3")
    projected = inputs != channels or stride != 1
    assert ("downsample.0.weight" in state) == projected
    expected = expected + (
        normed(convolved(x, state["downsample.0.weight"], stride), state, "downsample.1") if projected else x
    )

    np.testing.assert_allclose(block(torch.from_numpy(x)[None])[0].detach().numpy(), expected, atol=1e-10)


def names_of(depth: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a public file, written out."""

    def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
        vectors = ("weight", "bias", "running_mean", "running_var")
        return {f"{name}.{each}": (channels,) for each in vectors} | {f"{name}.num_batches_tracked": ()}

    found = {"conv1.weight": (64, 3, 3, 3), "prelu.weight": (64,), **norm("bn1", 64)}
    inputs = 64
    for stage, (channels, blocks) in enumerate(zip((64, 128, 256, 512), BLOCKS[depth], strict=True), 1):
        for number in range(blocks):
            block = f"layer{stage}.{number}"
            found |= norm(f"{block}.bn1", inputs) | {f"{block}.conv1.weight": (channels, inputs, 3, 3)}
            found |= norm(f"{block}.bn2", channels) | {f"{block}.prelu.weight": (channels,)}
            found |= {f"{block}.conv2.weight": (channels, channels, 3, 3)} | norm(f"{block}.bn3", channels)
            if number == 0:
                found |= {f"{block}.downsample.0.weight": (channels, inputs, 1, 1)}
                found |= norm(f"{block}.downsample.1", channels)
            inputs = channels
    return found | norm("bn2", 512) | {"fc.weight": (512, 512 * 7 * 7), "fc.bias": (512,)} | norm("features", 512)


@pytest.mark.parametrize("depth", BLOCKS)
def test_names_and_shapes_are_those_of_public_files(depth: int) -> None:
    with torch.device("meta"):
        state = IResNet(depth).state_dict()

    assert {name: tuple(value.shape) for name, value in state.items()} == names_of(depth)
    assert depth_of(names_of(depth)) == depth


def test_a_face_becomes_512_numbers_and_its_size_counts() -> None:
    network = IResNet(18).eval()
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        found = network(images)
        stem = network.prelu(network.bn1(network.conv1((images - 0.5) / 0.5)))
        last = network.bn2(network.layer4(network.layer3(network.layer2(network.layer1(stem)))))

    assert found.shape == (2, 512)
    assert last.shape == (2, 512, 7, 7)
    torch.testing.assert_close(found, network.features(network.fc(last.flatten(1))))
    with pytest.raises(BadInput, match=r"images has shape \(2, 3, 112, 100\)"):
        network(images[..., :100])


def test_another_depth_is_refused() -> None:
    with pytest.raises(BadInput, match="depth 20: expected one of 18, 34, 50, 100"):
        IResNet(20)
    with pytest.raises(BadInput, match=r"have 0 0 0 0 blocks: expected .* 100 \(3 13 30 3\)"):
        depth_of(["conv1.weight", "body.0.bn1.weight"])
