"""SADRNet: a face as it lies in the image and a face without pose, joined by aligning their landmarks (paper 3).

One class builds the network of figure 2 and the frameworks of its ablation (figure 9): whether an attention branch
weighs the features, where the geometry comes from, and where the shape.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import nn

from facelib.conventions import LANDMARK_COUNT
from facelib.errors import BadInput, check_shape, unknown_name
from facelib.geometry.alignment import Similarity, self_alignment
from facelib.geometry.visibility import facing_visibility
from facelib.models.blocks import check_training_batch, check_width, take_fastest_layout
from facelib.models.face_encoder import HIDDEN, POSE_NUMBERS, FaceCode, landmarks_of, pose_of, standardised
from facelib.models.face_template import FaceTemplate
from facelib.models.map_layers import (
    DECODER_CHANNELS,
    AttentionBranch,
    check_halvings,
    decoder,
    initialise,
    map_head,
    open_head,
    start_smooth,
)
from facelib.models.trunks import PRINTED, Trunk
from facelib.models.unposed import CodeMap, UnposedEncoder

Geometry = Literal["self_aligned", "regressed_pose", "direct"]
Shape = Literal["deformation", "scratch", "coefficients"]

# What an output of 1 means; the paper does not say.
DEFORMATION_MM, SHAPE_MM = 10.0, 100.0
CORRECTION = 0.1  # of positions that correct a first pose, sides of the image


class FaceMaps(NamedTuple):
    """What is read off images of H x W pixels, as maps of S x S texels.

    Args:
        geometry: G, (B, 3, S, S) column, row and depth in the image's pixels, depth growing away from the viewer.
        pose_dependent: P, the same as regressed; None where the pose is regressed instead.
        shape: S, (B, 3, S, S) mm in the face frame; None where only a position map is regressed.
        attention: A, (B, H/8, W/8) in [0, 1]; None without the branch.
        scale, rotation, translation: f (B,), R (B, 3, 3) and t (B, 3), from the shape to the geometry; None without
            a shape.
        first_landmarks: by which the image was unposed, (B, 68, 3) pixels; None where it was not.
    """

    geometry: torch.Tensor
    pose_dependent: torch.Tensor | None
    shape: torch.Tensor | None
    attention: torch.Tensor | None
    scale: torch.Tensor | None
    rotation: torch.Tensor | None
    translation: torch.Tensor | None
    first_landmarks: torch.Tensor | None = None

    @property
    def pose(self) -> Similarity | None:
        """From the face frame (mm) to the image (pixels)."""
        if self.scale is None or self.rotation is None or self.translation is None:
            return None
        return Similarity(self.scale, self.rotation, self.translation)


class SADRNet(nn.Module):
    """Encoder, attention branch, decoder, map heads and self-alignment (section III, figure 2).

    Args:
        template: the mean face on the maps' layout; images have as many pixels a side as the maps texels.
        width: factor on all channels.
        trunk: of which blocks the encoder is made; see `facelib.models.trunks`.
        attention: whether a branch weighs the features by exp(A) (eq. 9) and the landmarks by A (eq. 10).
        geometry: "self_aligned" (figure 2), "regressed_pose" (figure 9b) or "direct", a position map (figures 9a, 9d).
        shape: "deformation" of the mean face (eq. 3), from "scratch" (figure 9e), or "coefficients" of `bases`, which
            goes with a regressed pose; it is not asked for where the geometry is direct.
        bases: (K, 3, S, S) mm, maps of the bases of a linear face model, for coefficients.
        shared_layers: of the decoder's ten, the first ones, that P and S share. The paper's share all; fine features
            carry the pose, which the shape must not follow, so with fewer the shape is learnt sooner (ours).
        unposes: whether landmarks are regressed first, off a code of the encoder's features, P corrects the mean face
            aligned with them, and S is decoded from that code and one of the image as it lies on the mean face
            (`facelib.models.unposed`); ours, for a self-aligned geometry. Nothing is shared then.

    Raises:
        BadInput: for a size that cannot be halved so often, coefficients without bases or with another geometry, or
            fewer than 0 or more than 10 shared layers, or an image to unpose without a self-aligned geometry.
        UnknownName: for another geometry or shape.
    """

    bases: torch.Tensor

    def __init__(
        self,
        template: FaceTemplate,
        *,
        width: float = 1.0,
        trunk: Trunk = PRINTED,
        attention: bool = True,
        geometry: Geometry = "self_aligned",
        shape: Shape = "deformation",
        bases: torch.Tensor | None = None,
        shared_layers: int = len(DECODER_CHANNELS),
        unposes: bool = False,
    ) -> None:
        super().__init__()
        check_halvings(template.size, trunk.halvings)
        check_shared(shared_layers)
        _check_kinds(template.size, geometry, shape, bases)
        if unposes and geometry != "self_aligned":
            raise BadInput(f"an image is unposed for a self-aligned geometry, not for geometry {geometry!r}")
        check_width(width)
        self.template, self.geometry, self.shape = template, geometry, shape
        self.low, channels = trunk.low(width)
        self.attention = AttentionBranch(channels, width) if attention else None
        self.high, features = trunk.high(channels, width)
        reads_pose = geometry == "regressed_pose"
        self.hidden = FaceCode(features) if unposes or reads_pose else None
        if shape == "coefficients":
            assert bases is not None
            self.register_buffer("bases", bases, persistent=False)
            self.coefficient_head = nn.Linear(HIDDEN, len(bases))
        else:
            self.decoder, channels = decoder(features, width, trunk.halvings, slice(shared_layers))

        def head(channels: int, first: int) -> nn.Sequential:
            """From features, or where the decoder is no longer shared, to a map."""
            own, last = decoder(channels, width, trunk.halvings, slice(first, None))
            return nn.Sequential(*own, *map_head(last, width))

        self.pose_dependent_head = head(features, shared_layers) if geometry != "regressed_pose" else None
        self.unposed = UnposedEncoder(template, width, trunk.halvings) if unposes else None
        self.shape_head = None
        if self.unposed is not None:
            side = template.size >> trunk.halvings
            self.landmark_head = nn.Linear(HIDDEN, 3 * LANDMARK_COUNT)
            self.unposed_code = FaceCode(self.unposed.channels)
            self.position_codes = CodeMap(HIDDEN, features, side)
            self.shape_codes = CodeMap(2 * HIDDEN, self.unposed.channels, side)
            self.shape_head = head(self.unposed.channels, 0)
        elif geometry != "direct" and shape != "coefficients":
            self.shape_head = head(features, shared_layers)
        self.pose_head = nn.Linear(HIDDEN, POSE_NUMBERS) if reads_pose else None
        initialise(self)
        for part in self.modules():
            if isinstance(part, FaceCode | CodeMap):
                part.start()
        start_smooth(self)
        for each in (self.pose_dependent_head, self.shape_head):
            if each is not None:
                open_head(each)
        self.layout = take_fastest_layout(self)

    def forward(self, images: torch.Tensor, *, shape_learns: bool = True) -> FaceMaps:
        """Images (B, 3, S, S), RGB in [0, 1] -> maps; NaN is not looked for.

        Args:
            images: of faces.
            shape_learns: whether the gradient of the geometry G reaches the shape S; if not, it ends in P or the pose.

        Raises:
            BadInput: for an empty batch, another image size, or a batch of one in training mode.
        """
        size = self.template.size
        check_shape("images", images, (None, 3, size, size))
        check_training_batch(self, len(images))
        features, mask = self.encode(images)
        code = features if self.hidden is None else self.hidden(features)
        landmarks = first = None
        if self.unposed is not None:
            landmarks = landmarks_of(self.landmark_head(code).float(), size)
            first = self.first_pose(landmarks.detach())
            features = self.position_codes(code)
        decoded = code if self.shape == "coefficients" else self.decoder(features)
        pose_dependent = None if self.pose_dependent_head is None else self.position_map(decoded, first)  # P
        if self.geometry == "direct":
            assert pose_dependent is not None
            return FaceMaps(pose_dependent, pose_dependent, None, mask, None, None, None)
        if self.unposed is not None:
            second = self.unposed_code(self.unposed(images, first))
            decoded = self.shape_codes(torch.cat((code, second), dim=1))
        shape = self.shape_map(decoded)  # S
        laid = shape if shape_learns else shape.detach()
        pose = self.regressed_pose(code) if pose_dependent is None else self.align(laid, pose_dependent, mask)
        posed = pose.apply(laid.flatten(2).mT).mT.unflatten(2, (size, size))  # G, eq. 2
        return FaceMaps(posed, pose_dependent, shape, mask, pose.scale, pose.rotation, pose.translation, landmarks)

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The features of the smallest size, and A (B, H/8, W/8) by which they are weighed (eq. 9)."""
        low = self.low(standardised(images).contiguous(memory_format=self.layout))  # F_l
        if self.attention is None:
            return self.high(low), None
        attention = self.attention(low)  # A
        return self.high(low * attention.exp()), attention[:, 0]  # of F_a

    def position_map(self, decoded: torch.Tensor, first: Similarity | None = None) -> torch.Tensor:
        """P in pixels; an output of 0 is the middle of the image, 1 is its side.

        Where there is a first pose, 0 is the mean face in it, whence P has a tenth of the way to learn.
        """
        assert self.pose_dependent_head is not None
        output = self.pose_dependent_head(decoded).float()
        if first is not None:
            laid = first.apply(self.template.mean_map.flatten(1).mT.expand(len(output), -1, -1))
            return laid.mT.unflatten(2, output.shape[2:]) + CORRECTION * output * self.template.size
        middle = torch.tensor([0.5, 0.5, 0.0], device=decoded.device).view(3, 1, 1)
        return (output + middle) * self.template.size

    def first_pose(self, landmarks: torch.Tensor) -> Similarity:
        """The mean face aligned with landmarks (B, 68, 3), all of which count."""
        return self_alignment(
            self.template.mean_landmarks.expand_as(landmarks), landmarks, landmarks.new_ones(landmarks.shape[:2])
        )

    def shape_map(self, decoded: torch.Tensor) -> torch.Tensor:
        """S in mm: the mean face with a deformation (eq. 3) or coefficients, or from scratch."""
        if self.shape == "coefficients":
            coefficients = self.coefficient_head(decoded).float()
            return self.template.mean_map + torch.tensordot(coefficients, self.bases, dims=1)
        assert self.shape_head is not None
        output = self.shape_head(decoded).float()
        if self.shape == "scratch":
            return SHAPE_MM * output
        return self.template.mean_map + DEFORMATION_MM * output

    def align(self, shape: torch.Tensor, pose_dependent: torch.Tensor, attention: torch.Tensor | None) -> Similarity:
        """The self-alignment (section III.C) on the 68 landmarks, weighted by their visibility."""
        template = self.template
        target = template.landmarks_of(pose_dependent)  # K_P
        visibility = self.visibility(pose_dependent.detach(), target.detach(), attention)
        return self_alignment(template.landmarks_of(shape), target, visibility)

    def visibility(
        self, pose_dependent: torch.Tensor, landmarks: torch.Tensor, attention: torch.Tensor | None
    ) -> torch.Tensor:
        """Vis of the landmarks, (B, 68), eq. 10; without attention whether they face the viewer."""
        normals = -self.template.landmark_normals(pose_dependent)  # the paper's z runs towards the viewer, ours away
        if attention is None:
            return facing_visibility(normals)
        pixels = self.template.size / attention.shape[-1]  # of the image, a pixel of the attention
        return facing_visibility(normals, landmarks[..., :2] / pixels, attention.float())

    def regressed_pose(self, code: torch.Tensor) -> Similarity:
        """A unit quaternion, a log scale and a shift; zero is a frontal face in the middle."""
        assert self.pose_head is not None
        return pose_of(self.pose_head(code).float(), self.template.size)


def check_shared(layers: int) -> None:
    """Raise BadInput unless the decoder has so many layers to share."""
    if not 0 <= layers <= len(DECODER_CHANNELS):
        raise BadInput(f"{layers} shared layers: expected 0 to {len(DECODER_CHANNELS)}, those of the decoder")


def _check_kinds(size: int, geometry: str, shape: str, bases: torch.Tensor | None) -> None:
    if geometry not in get_args(Geometry):
        raise unknown_name("geometry", geometry, get_args(Geometry))
    if shape not in get_args(Shape):
        raise unknown_name("shape", shape, get_args(Shape))
    if shape == "coefficients":
        if geometry != "regressed_pose":
            raise BadInput(f"coefficients go with a regressed pose, not with geometry {geometry!r}")
        if bases is None:
            raise BadInput("coefficients need the bases of a face model: pass their maps")
        check_shape("bases", bases, (None, 3, size, size))
