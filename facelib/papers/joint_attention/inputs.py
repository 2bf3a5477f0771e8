"""What a network is given of a photograph: its image, the image and the yaw of the head, or its cloud."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.clouds import CloudSource
from facelib.errors import BadInput
from facelib.papers.joint_attention.methods import Recogniser
from facelib.papers.joint_attention.settings import CloudSettings

Inputs = Callable[[np.ndarray], tuple[torch.Tensor, ...]]


def inputs_of(method: Recogniser, archive: FaceArchive, clouds: CloudSettings) -> Inputs:
    """Rows of a data set -> the arguments of the network that is evaluated.

    Args:
        method: whose network.
        archive: the data set.
        clouds: how clouds are made, for methods that are evaluated on them.

    Raises:
        BadInput: when the data set lacks what the method needs.
    """
    if method.kind == "cloud":
        if "clouds" not in archive.arrays:
            raise BadInput(
                f"method {method.name} compares point clouds, and data set {archive.name} has none: choose a method "
                "that needs images only"
            )
        source = CloudSource(archive, clouds.points, clouds.pose)
        return lambda rows: (source.batch(rows),)

    def images(rows: np.ndarray) -> torch.Tensor:
        # channels last: a tenth to a fifth faster on a CPU, more on a GPU
        return archive.samples(rows).images.contiguous(memory_format=torch.channels_last)

    if method.backbone == "dream":
        return lambda rows: (images(rows), torch.from_numpy(archive.arrays["pose"][rows][:, 0]))
    return lambda rows: (images(rows),)
