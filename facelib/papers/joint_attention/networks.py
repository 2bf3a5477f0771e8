"""The networks of paper 1's methods, built by name at the size that the settings give."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import nn

from facelib.errors import unknown_name
from facelib.papers.joint_attention.methods import PART_MODULES, Recogniser
from facelib.papers.joint_attention.settings import NetworkSettings, RecognitionSettings

SMALL_IMAGES = 112  # pixels; up to here ResNets begin with a 3x3 convolution, as larger stems leave nothing of a face
SMALLEST_POINTCNN = 48  # points that its widest neighbourhood takes


def build_network(method: Recogniser, settings: RecognitionSettings) -> nn.Module:
    """The network of a method with fresh weights: of images, of clouds, or joint.

    Args:
        method: which one.
        settings: its size.
    """
    size = settings.network
    if method.kind == "joint":
        return part_module("jam").build_network(size, with_clouds=method.clouds is not None)
    if method.kind == "cloud":
        return build_cloud_network(method.backbone, settings)
    if "rst" in method.adaptation:
        return part_module("rst").build_network(size)
    return build_image_network(method.backbone, size)


def build_image_network(backbone: str, size: NetworkSettings) -> nn.Module:
    """A recogniser of images; DREAM stands on a ResNet-18 (section V.F does not name its backbone).

    Raises:
        UnknownName: on an unknown backbone.
    """
    if backbone not in IMAGE_NETWORKS:
        raise unknown_name("image backbone", backbone, IMAGE_NETWORKS)
    return IMAGE_NETWORKS[backbone](part_module(backbone), size)


def build_cloud_network(backbone: str, settings: RecognitionSettings) -> nn.Module:
    """A recogniser of clouds.

    Raises:
        UnknownName: on an unknown backbone.
    """
    if backbone not in CLOUD_NETWORKS:
        raise unknown_name("cloud backbone", backbone, CLOUD_NETWORKS)
    return CLOUD_NETWORKS[backbone](part_module(backbone), CloudSize(settings.network, settings.clouds.points))


def part_module(part: str) -> Any:
    """The module that holds a part's code, imported when it is first needed.

    Raises:
        UnknownName: on an unknown part.
    """
    if part not in PART_MODULES:
        raise unknown_name("part", part, PART_MODULES)
    return importlib.import_module(PART_MODULES[part])


@dataclass(frozen=True)
class CloudSize:
    """Size of a network of clouds of so many points."""

    network: NetworkSettings
    points: int


def _ir18(module: ModuleType, size: NetworkSettings) -> nn.Module:
    settings = module.IRNetSettings(size.image_size, size.width, size.embedding, size.dropout, size.final_stride)
    return module.IRNet18(settings)


def _vgg16(module: ModuleType, size: NetworkSettings) -> nn.Module:
    return module.VGG16(module.VGG16Settings(size.image_size, size.width, size.embedding, size.dropout))


def _resnet(depth: int) -> Callable[[ModuleType, NetworkSettings], nn.Module]:
    def build(module: ModuleType, size: NetworkSettings) -> nn.Module:
        small = size.image_size <= SMALL_IMAGES
        return module.ResNet(
            module.ResNetSettings(depth, size.image_size, small, size.width, size.embedding, size.dropout)
        )

    return build


def _ghostfacenet(module: ModuleType, size: NetworkSettings) -> nn.Module:
    full = module.GhostFaceNetSettings().width  # its published width is 1.3, not 1
    stride = 1 if size.image_size <= SMALL_IMAGES else 2
    return module.GhostFaceNet(module.GhostFaceNetSettings(size.image_size, stride, full * size.width, size.embedding))


def _dream(module: ModuleType, size: NetworkSettings) -> nn.Module:
    return module.DreamRecogniser(build_image_network("resnet18", size), size.embedding, size.dream_activation)


def _resnet50_features(module: ModuleType, size: NetworkSettings) -> nn.Module:
    small = size.image_size <= SMALL_IMAGES
    return module.ImageFeatures(module.PooledResNetSettings(50, size.image_size, small, size.width))


def _pointnet2(module: ModuleType, size: CloudSize) -> nn.Module:
    network = size.network
    settings = module.PointNet2Settings(
        points_1=network.points_1,
        samples_1=network.samples_1,
        points_2=network.points_2,
        samples_2=network.samples_2,
        width=network.width,
    )
    return module.PointNet2Embedding(settings, network.embedding)


def _dgcnn(module: ModuleType, size: CloudSize) -> nn.Module:
    network = size.network
    return module.DGCNN(module.DGCNNSettings(network.neighbours, network.width, network.embedding))


def _dgcnn_features(module: ModuleType, size: CloudSize) -> nn.Module:
    return module.CloudFeatures(module.DGCNNSettings(size.network.neighbours, size.network.width))


def _pointcnn(module: ModuleType, size: CloudSize) -> nn.Module:
    second, third = (max(SMALLEST_POINTCNN, size.points * share // 8) for share in (3, 1))  # 384 and 128 of 1,024
    network = size.network
    return module.PointCNN(module.PointCNNSettings(second, third, network.width, network.embedding, network.dropout))


IMAGE_NETWORKS: dict[str, Callable[[ModuleType, NetworkSettings], nn.Module]] = {
    "ir18": _ir18,
    "vgg16": _vgg16,
    "resnet18": _resnet(18),
    "resnet50": _resnet(50),
    "ghostfacenet": _ghostfacenet,
    "dream": _dream,
    "resnet50_features": _resnet50_features,
}
CLOUD_NETWORKS: dict[str, Callable[[ModuleType, CloudSize], nn.Module]] = {
    "pointnet2": _pointnet2,
    "dgcnn": _dgcnn,
    "dgcnn_features": _dgcnn_features,
    "pointcnn": _pointcnn,
}
