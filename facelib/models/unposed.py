"""The image of a face taken out of its pose: laid on the mean face, where only the person is left to be read.

Ours. Where a face lies and looks moves its pixels by tens, who it is by one or two, and an encoder spends itself on the
first. Once the pose is known, every texel of the mean face knows its place in the image. Features of what lies there
are those of a frontal face in the middle, and differ from person to person as shapes do.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from facelib.geometry.alignment import Similarity
from facelib.models.blocks import scaled
from facelib.models.face_encoder import DARKEST, GRID
from facelib.models.face_template import FaceTemplate

CHANNELS = (128, 256, 512)  # of each resolution at width 1; the last one again for smaller ones
EVERY = 2  # texels of the maps there is one of the unposed image, which has no more detail than the photograph
GRAZING = 0.1  # cosine below which a texel turns away too much to be seen


class CodeMap(nn.Sequential):
    """What codes say of a face (B, N), laid out as features (B, C, side, side) that a decoder of maps starts from.

    A shape is nearly linear in the codes of `facelib.models.face_encoder.FaceCode`, off which its coefficients are
    read, while every place of a map of features must learn anew what the others tell of it.

    Args:
        numbers: N.
        channels: C.
        side: of the features; 4 x 4 places are learnt, and enlarged to it.
    """

    def __init__(self, numbers: int, channels: int, side: int) -> None:
        laid = nn.Linear(numbers, channels * GRID**2)
        enlarged = nn.Upsample((side, side), mode="bilinear", align_corners=False)
        super().__init__(laid, nn.Unflatten(1, (channels, GRID, GRID)), enlarged)

    def start(self) -> None:
        """He's normal weights, where `initialise` leaves linear layers at zero."""
        nn.init.kaiming_normal_(self[0].weight)  # type: ignore[arg-type]


class UnposedEncoder(nn.Module):
    """Convolutions over the image on the mean face, and over how much each texel faces the viewer.

    Args:
        template: the mean face.
        width: factor on all channels.
        halvings: of the maps' side down to that of the features.

    Attributes:
        channels: of the features.
    """

    points: torch.Tensor
    normals: torch.Tensor

    def __init__(self, template: FaceTemplate, width: float, halvings: int) -> None:
        super().__init__()
        self.size = template.size
        self.register_buffer("points", template.mean_map[:, ::EVERY, ::EVERY].flatten(1).mT, persistent=False)
        self.register_buffer("normals", template.normal_map[:, ::EVERY, ::EVERY].flatten(1).mT, persistent=False)
        layers: list[nn.Module] = []
        before = 4
        for number in range(halvings):
            self.channels = scaled(CHANNELS[min(number, len(CHANNELS) - 1)], width)
            convolution = nn.Conv2d(before, self.channels, 3, 1 if number == 0 else 2, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(self.channels), nn.ReLU(inplace=True)]
            before = self.channels
        self.layers = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor, pose: Similarity) -> torch.Tensor:
        """Features (B, C, S / 2^halvings, S / 2^halvings)."""
        return self.layers(self.unposed(images, pose))

    @torch.no_grad()
    def unposed(self, images: torch.Tensor, pose: Similarity) -> torch.Tensor:
        """What of the images lies on the mean face, in light of mean 0 and deviation 1, and the cosine of the view.

        Args:
            images: (B, 3, S, S) RGB in [0, 1].
            pose: from the face frame (mm) to the image (pixels).

        Returns:
            (B, 4, S / 2, S / 2), without gradient; texels that turn away show nothing, 0.
        """
        side = self.size // EVERY
        places = pose.apply(self.points.expand(len(images), -1, -1))[..., :2]
        grid = (2 * places / self.size - 1).unflatten(1, (side, side))
        colours = functional.grid_sample(images, grid.to(images), align_corners=False)
        towards = -pose.rotation[:, 2:] @ self.normals.mT  # depth grows away from the viewer
        facing = towards.unflatten(2, (side, side)).to(images)
        seen = (facing > GRAZING).to(images)
        count = seen.sum(dim=(2, 3), keepdim=True).clamp(min=1)
        mean = (colours * seen).sum(dim=(2, 3), keepdim=True) / count
        spread = ((colours - mean).square() * seen).sum(dim=(2, 3), keepdim=True).div(count).sqrt()
        return torch.cat(((colours - mean) / (spread + DARKEST) * seen, facing), dim=1)
