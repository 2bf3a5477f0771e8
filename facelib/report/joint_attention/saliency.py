"""What a recogniser looks at: maps that any network of images has, the face in a picture, attention on it.

The paper's figure 5 shows "attention" for AdaFace + TS, which has no attention layer, and does not say how it was made.
So that one kind of map serves all networks alike we cover a patch with the removed background's black and see how far
the pair's cosine falls (occlusion sensitivity, Zeiler and Fergus, 2014). It needs no gradient and no knowledge of the
network: gradient methods such as Grad-CAM suppose that the map is averaged before the last layer, and here it is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.report.records import scores_of
from facelib.runs.records import Record

PATCH_SHARE = 6  # a patch is a sixth of the picture wide
STEPS_PER_PATCH = 2
IMAGES_PER_POSE = 48


def unit_embeddings(network: Any, images: torch.Tensor) -> torch.Tensor:
    """Images (B, 3, H, W) -> embeddings (B, D) of unit length, of any recogniser of images."""
    return getattr(network, "embed_images", network)(images).unit


@torch.no_grad()
def occlusion_sensitivity(network: Any, pair: torch.Tensor) -> torch.Tensor:
    """How far the cosine of two images falls when a patch of one of them is covered.

    Args:
        network: a recogniser of images in eval mode.
        pair: (2, 3, H, W).

    Returns:
        (2, H, W), the mean over the patches that cover a pixel. Positive: what is there speaks for a match.
    """
    height, width = pair.shape[-2:]
    masks = patch_masks(height, width)
    first, second = unit_embeddings(network, pair)
    maps = []
    for image, other in ((pair[0], second), (pair[1], first)):
        covered = unit_embeddings(network, image[None] * (1 - masks[:, None]))
        fall = first @ second - covered @ other  # (M,)
        maps.append((fall[:, None, None] * masks).sum(dim=0) / masks.sum(dim=0))
    return torch.stack(maps)


def patch_masks(height: int, width: int) -> torch.Tensor:
    """Square patches at every half of their width: (M, H, W), 1 inside; every pixel lies in at least one."""
    side = max(1, round(min(height, width) / PATCH_SHARE))
    step = max(1, side // STEPS_PER_PATCH)
    # From half outside on one edge to half outside on the other, so that edges are covered as often as the middle.
    tops, lefts = (range(step - side, size, step) for size in (height, width))
    masks = torch.zeros(len(tops), len(lefts), height, width)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            masks[i, j, max(top, 0) : top + side, max(left, 0) : left + side] = 1
    return masks.flatten(0, 1)


@torch.no_grad()
def received_attention(network: Any, images: torch.Tensor) -> torch.Tensor:
    """How much attention each place of the map receives, as a multiple of uniform attention.

    Args:
        network: a joint attention network in eval mode.
        images: (B, 3, H, W).

    Returns:
        (B, h, w), on average 1.
    """
    attention = network.attention_of_images(images)  # (B, N, N), rows sum to one
    received = attention.mean(dim=1) * attention.shape[-1]
    side = round(received.shape[1] ** 0.5)
    return received.view(-1, side, side)


def enlarge(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Maps (B, h, w) at the size (H, W) of images."""
    return functional.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def face_mask(images: torch.Tensor) -> torch.Tensor:
    """Where images show a face, given that their background was removed.

    Args:
        images: (B, 3, H, W); the background is exactly black and reaches the edge of the picture.

    Returns:
        (B, H, W) bool. Black inside the face, such as a pupil, belongs to the face.
    """
    from scipy.ndimage import binary_propagation

    black = (images == 0).all(dim=1).numpy()
    edge = np.ones(black.shape[1:], bool)
    edge[1:-1, 1:-1] = False
    background = np.stack([binary_propagation(one & edge, mask=one) for one in black])
    return torch.from_numpy(~background)


def attention_on_faces(network: Any, images: torch.Tensor) -> pd.DataFrame:
    """Where attention goes, one line an image.

    Args:
        network: a joint attention network in eval mode.
        images: (B, 3, H, W), background removed.

    Returns:
        on_face: share of the attention that falls on the face; face_area: share of the picture that is face, which
        uniform attention would give; peak: the most that a place receives, over uniform attention; peak_on_background:
        whether less than half of that place is face.
    """
    received = received_attention(network, images)
    face = functional.adaptive_avg_pool2d(face_mask(images).float(), received.shape[1])
    peak, place = received.flatten(1).max(dim=1)
    at_peak = face.flatten(1).gather(1, place[:, None])[:, 0]
    return pd.DataFrame(
        {
            "on_face": (received * face).mean(dim=(1, 2)).numpy(),
            "face_area": face.mean(dim=(1, 2)).numpy(),
            "peak": peak.numpy(),
            "peak_on_background": (at_peak < 0.5).numpy(),
        }
    )


def attention_by_pose(networks: dict[str, Any], archive: FaceArchive, record: Record) -> pd.DataFrame:
    """`attention_on_faces` of some probes of each pose bin, averaged.

    Args:
        networks: label -> joint attention network, all of one fold.
        archive: the data set that they were evaluated on.
        record: of one of them, for its probes.

    Returns:
        Columns method, pose, images, on_face, face_area, peak, peak_on_background (the share of such images).
    """
    rows = scores_of(record)["probe_rows"]
    degrees = np.rad2deg(archive.arrays["angle"][rows])
    lines = []
    for label, network in networks.items():
        for pose, (low, high) in POSE_BINS.items():
            found = rows[(degrees >= low) & (degrees < high)]
            if len(found) == 0:
                continue
            chosen = found[:: -(-len(found) // IMAGES_PER_POSE)]
            means = attention_on_faces(network, archive.samples(chosen).images).astype(float).mean()
            lines.append({"method": label, "pose": pose, "images": len(chosen), **means})
    return pd.DataFrame(lines)
