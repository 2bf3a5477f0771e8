"""2D-3D joint attention mapping (paper 1, section IV.C, eq. 3) and the network around it (figure 2).

    J_d = A_d V_d(z_d) + z_d,    A_d = gamma softmax{Q(z_d) K^T(z_d)}        d in {2D, 3D}

The brace of eq. 3 takes gamma into A_d, so attention can be negative, as figure 5 shows it. Q and K are shared by both
modalities, V is not. Images go through a truncated IR-18, clouds through PointNet++ and a
block that shapes its points into a map of the same size; both maps through joint attention, a shared compression and
a linear layer to an embedding. Inference needs images only.

The paper leaves open, and we choose: Q and K reduce the channels by 8, all 1x1 convolutions have a bias, one gamma for
both modalities, no division by sqrt(channels) (eq. 3 has none), compression as in AdaFace's head. The linear layer of
the head is shared; batch norm keeps statistics of its own for each modality, as images alone arrive at inference.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput, MissingPart, check_shape, unknown_name
from facelib.models.blocks import Embedding, check_training_batch, initialise, map_size, to_embedding
from facelib.models.irnet import STAGE_CHANNELS, IRNet18, IRNetBody, halvings
from facelib.models.pointnet2 import Grouping, PointNet2Map, PointNet2Settings

MODALITIES = ("2d", "3d")
IMAGE_ONLY = ("2d",)


@dataclass(frozen=True)
class JointAttentionSettings:
    """Size of a joint attention network.

    Args:
        image_size: height and width of the images in pixels.
        width: factor on the channels of IR-18 (that of PointNet++ is in `points`).
        stages: stages of IR-18 to keep, 1 to 4. Not stated in the paper; 4 keeps all but the head.
        final_stride: of IR-18's fourth stage; 1 makes the map twice as wide.
        reduction: channels of Q and K are the map's divided by this.
        gamma_start: first value of gamma. At 0 the network starts as the pretrained one, but Q, K and V get no
            gradient in the first step; a small value such as 0.1 moves them at once.
        embedding: dimension of the embedding.
        dropout: before the linear layer.
        shared_head: whether both modalities use one linear layer, as the paper says.
        points: PointNet++ with points_2 = positions of the map; None leaves out the 3D branch, and images alone are
            attended to.
    """

    image_size: int = 224
    width: float = 1.0
    stages: int = len(STAGE_CHANNELS)
    final_stride: int = 2
    reduction: int = 8
    gamma_start: float = 0.0
    embedding: int = 512
    dropout: float = 0.4
    shared_head: bool = True
    points: PointNet2Settings | None = field(default_factory=lambda: PointNet2Settings(points_2=14 * 14))


class Attended(NamedTuple):
    """What attention makes of a map.

    Args:
        joint: J_d (B, C, H, W).
        attention: A_d (B, N, N); row i holds how much position i takes from each position, and sums to gamma.
        softmax: A_d without gamma, rows sum to one.
    """

    joint: torch.Tensor
    attention: torch.Tensor
    softmax: torch.Tensor


class JointAttention(nn.Module):
    """Self-attention over the positions of a map with shared Q and K, one V for each modality (eq. 3).

    Args:
        channels: C of the map.
        reduction: Q and K have C // reduction channels.
        gamma_start: first value of gamma.
        modalities: which value layers exist.

    Raises:
        BadInput: if the reduction leaves no channel.
    """

    def __init__(
        self, channels: int, reduction: int = 8, gamma_start: float = 0.0, modalities: tuple[str, ...] = MODALITIES
    ) -> None:
        super().__init__()
        if not 1 <= reduction <= channels:
            raise BadInput(f"reduction {reduction} of {channels} channels: expected 1 to {channels}")
        self.query = nn.Conv2d(channels, channels // reduction, 1)
        self.key = nn.Conv2d(channels, channels // reduction, 1)
        self.value = nn.ModuleDict({modality: nn.Conv2d(channels, channels, 1) for modality in modalities})
        self.gamma = nn.Parameter(torch.tensor(float(gamma_start)))

    def forward(self, z: torch.Tensor, modality: str) -> Attended:
        """Attend over the N = H*W positions of a map.

        Args:
            z: (B, C, H, W).
            modality: "2d" or "3d", chooses the value layer.

        Raises:
            UnknownName: for a modality without value layer.
        """
        if modality not in self.value:
            raise unknown_name("modality", modality, self.value.keys())
        q = self.query(z).flatten(2).mT  # (B, N, C/r)
        k = self.key(z).flatten(2)  # (B, C/r, N)
        v = self.value[modality](z).flatten(2).mT  # (B, N, C)
        softmax = (q @ k).softmax(dim=2)  # (B, N, N)
        taken = (softmax @ v).mT.reshape(z.shape)
        return Attended(self.gamma * taken + z, self.gamma * softmax, softmax)  # J_d, A_d


class Compression(nn.Module):
    """Batch norm, dropout, linear layer, batch norm without affine part; one linear layer for all modalities.

    Args:
        channels, size: of the maps, (B, channels, size, size).
        embedding: dimension D.
        dropout: before the linear layer.
        shared: False gives each modality a linear layer of its own.
        modalities: which come in.
    """

    def __init__(
        self, channels: int, size: int, embedding: int, dropout: float, shared: bool, modalities: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.shared = shared
        self.map_norm = nn.ModuleDict({modality: nn.BatchNorm2d(channels) for modality in modalities})
        self.dropout = nn.Dropout(dropout)
        owners = ("shared",) if shared else modalities
        self.linear = nn.ModuleDict({owner: nn.Linear(channels * size * size, embedding) for owner in owners})
        self.feature_norm = nn.ModuleDict(
            {modality: nn.BatchNorm1d(embedding, affine=False) for modality in modalities}
        )
        initialise(self)

    def linear_of(self, modality: str) -> nn.Module:
        """The linear layer that serves a modality."""
        return self.linear["shared" if self.shared else modality]

    def forward(self, joint: torch.Tensor, modality: str) -> Embedding:
        check_training_batch(self, len(joint))
        flat = self.dropout(self.map_norm[modality](joint)).flatten(1)  # (B, C*H*W)
        return to_embedding(self.feature_norm[modality](self.linear_of(modality)(flat)))


class JointAttentionOutput(NamedTuple):
    """What a training step needs; a named tuple, as Fabric refuses frozen dataclasses.

    Args:
        embedding_2d, embedding_3d: unit (B, D) and norm (B, 1); None without a 3D branch.
        attended_2d, attended_3d: attention A_d, for the joint entropy of eq. 6, and the maps; None likewise.
    """

    embedding_2d: Embedding
    embedding_3d: Embedding | None
    attended_2d: Attended
    attended_3d: Attended | None


class JointAttentionNetwork(nn.Module):
    """Both branches, joint attention and compression (paper 1, figure 2).

    Raises:
        BadInput: if the points of PointNet++ do not fill the map of the image branch.
    """

    def __init__(self, settings: JointAttentionSettings = JointAttentionSettings()) -> None:
        super().__init__()
        self.settings = settings
        modalities = IMAGE_ONLY if settings.points is None else MODALITIES
        size = map_size(settings.image_size, halvings(settings.stages, settings.final_stride))
        self.body_2d = IRNetBody(settings.width, settings.stages, settings.final_stride)
        channels = self.body_2d.channels
        self.body_3d = None if settings.points is None else PointNet2Map(settings.points, channels, size)
        self.joint_attention = JointAttention(channels, settings.reduction, settings.gamma_start, modalities)
        self.compression = Compression(
            channels, size, settings.embedding, settings.dropout, settings.shared_head, modalities
        )

    def forward(
        self, images: torch.Tensor, points: torch.Tensor | None = None, grouping: Grouping | None = None
    ) -> JointAttentionOutput:
        """Embed images, and the clouds that belong to them where the network has a 3D branch.

        Args:
            images: (B, 3, S, S), RGB in [0, 1].
            points: (B, N, 3), scaled to the unit sphere; None without a 3D branch.
            grouping: of the clouds, from `group_cloud`; found here when missing.

        Raises:
            BadInput: for an empty batch, NaN, a wrong shape, a batch of one in training mode, or no clouds for a
                network with a 3D branch.
            MissingPart: when clouds come to a network that was built without 3D branch.
        """
        if points is None:
            if self.body_3d is not None:
                raise BadInput("images without clouds: expected both, or call embed_images")
            attended = self._attend_images(images)
            return JointAttentionOutput(self.head(attended.joint), None, attended, None)
        if self.body_3d is None:
            raise MissingPart("this network has no 3D branch: call it without clouds, or build it with settings.points")
        check_shape("points", points, (len(images), None, 3))
        attended = self._attend_images(images)
        attended_3d = self.joint_attention(self.body_3d(points, grouping), "3d")
        embedding_3d = self.compression(attended_3d.joint, "3d")
        return JointAttentionOutput(self.head(attended.joint), embedding_3d, attended, attended_3d)

    def embed_images(self, images: torch.Tensor) -> Embedding:
        """Images (B, 3, S, S), RGB in [0, 1] -> unit (B, D) and norm (B, 1); the 3D branch is not used."""
        return self.head(self.features(images))

    def attention_of_images(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S) -> A_2D (B, N, N) without gamma, for pictures such as figure 5."""
        return self._attend_images(images).softmax

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S) -> J_2D (B, C, H, W), the map after joint attention that `head` compresses."""
        return self._attend_images(images).joint

    def head(self, joint: torch.Tensor) -> Embedding:
        """J_2D (B, C, H, W) -> unit (B, D) and norm (B, 1)."""
        return self.compression(joint, "2d")

    def image_only(self) -> JointAttentionNetwork:
        """A copy without the 3D branch that embeds images exactly alike."""
        copy = JointAttentionNetwork(replace(self.settings, points=None))
        load_image_part(copy, self.state_dict())
        return copy.train(self.training)

    def _attend_images(self, images: torch.Tensor) -> Attended:
        check_shape("images", images, (None, 3, self.settings.image_size, self.settings.image_size))
        return self.joint_attention(self.body_2d(images), "2d")


def load_image_part(network: JointAttentionNetwork, state: dict[str, torch.Tensor]) -> None:
    """Load the weights that inference needs from those of a whole network, leaving out what only clouds use.

    Args:
        network: built with points=None, otherwise with the settings of the trained one.
        state: state_dict of the trained network.

    Raises:
        BadInput: if a weight is missing or has another shape.
    """
    wanted = network.state_dict()
    _check_weights(state, wanted)
    network.load_state_dict({name: state[name] for name in wanted})


def load_body(network: JointAttentionNetwork, recogniser: IRNet18) -> None:
    """Start the image branch from a pretrained IR-18, as the paper does (section IV.B).

    The stages that exist in the network are copied. With all four stages kept, the head's weights are copied too, so
    that with gamma = 0 the network starts as exactly that recogniser; a truncated one starts with a new head.

    Raises:
        BadInput: if the recogniser has another width, or, with all stages kept, another map or embedding.
    """
    state = recogniser.body.state_dict()
    wanted = network.body_2d.state_dict()
    _check_weights(state, wanted)
    pairs: list[tuple[nn.Module, dict[str, torch.Tensor]]] = [(network.body_2d, {name: state[name] for name in wanted})]
    if network.settings.stages == len(STAGE_CHANNELS):
        compression, head = network.compression, recogniser.head
        pairs += [
            (compression.map_norm["2d"], head.map_norm.state_dict()),
            (compression.linear_of("2d"), head.linear.state_dict()),
            (compression.feature_norm["2d"], head.feature_norm.state_dict()),
        ]
    for target, weights in pairs:
        _check_weights(weights, target.state_dict())
    for target, weights in pairs:
        target.load_state_dict(weights)


def _check_weights(state: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    for name, tensor in wanted.items():
        found = tuple(state[name].shape) if name in state else "no such weight"
        if found != tuple(tensor.shape):
            raise BadInput(f"weight {name}: found {found}, expected {tuple(tensor.shape)}; give weights of this size")
