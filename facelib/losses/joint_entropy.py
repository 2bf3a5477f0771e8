"""Joint entropy of the 2D and 3D attention maps (paper 1, section IV.E, eq. 6), in nats.

    L_JE = -sum_ab P(a, b) log P(a, b),    P(a, b) = 1/N^2 sum_ij 1[A_2D(i) = a] 1[A_3D(j) = b]

As printed, i and j run independently: P factorises, and L_JE = H(A_2D) + H(A_3D) exactly, two histograms instead of N^2
pairs. It measures no agreement: permuting one map changes nothing. The aligned form takes i = j only; it is
H(A_2D) + H(A_3D) minus their mutual information, and rewards what the paper's prose describes. We offer both and
default to the printed one.

Hard bins have no gradient. Ours are triangular: an entry between two bin centres is shared linearly between them, so
each entry touches two bins and memory stays linear in the number of entries. The first and last centre lie at the ends
of the range, so every entry inside has a gradient. With centres half a bin further in, the value would be nearer to
that of hard bins on peaked maps (softmax of N(0, 1) over 196 positions: hard 0.67, those 0.72, ours 1.05 nats a map),
but 57 % of that map's entries would have none.

The paper does not state the range of the bins. Softmax rows over N positions hold values around 1/N, which on [0, 1]
would nearly all share the first bin; by default the bins span 0 to the value of each map that is farthest from it. The
factor gamma of A_d (eq. 3) then makes no difference, whatever its sign, and the least value, 0, is reached by attention
that is the same at all positions. A map that is 0 throughout, as A_d is at gamma = 0, has no gradient.

Nor does it say what P is a distribution of. With over="sample" each photograph's pair of maps has one, and N is the
number of elements of a map, as the text says; with over="batch" one histogram holds all maps of a batch, which forgives
maps that differ from photograph to photograph less.
"""

from __future__ import annotations

import torch

from facelib.errors import BadInput, check_finite, check_floating, check_shape, unknown_name

PAIRS = ("all", "aligned")
OVER = ("sample", "batch")
TINY = 1e-12  # keeps log finite in empty bins


def joint_entropy(
    attention_2d: torch.Tensor,
    attention_3d: torch.Tensor,
    *,
    pairs: str = "all",
    over: str = "sample",
    bins: int = 32,
    value_range: tuple[float, float] | None = None,
) -> torch.Tensor:
    """The joint entropy of two attention maps.

    Args:
        attention_2d, attention_3d: A_d (B, N, N) or (B, ...), of one sign; all entries of one sample count alike.
        pairs: "all" as eq. 6 is printed, or "aligned" for entries at the same place, which needs equal sizes.
        over: "sample", the mean over samples of the entropy of each, or "batch", the entropy of all samples together.
        bins: bins for each map.
        value_range: lowest and highest bin centre for both maps, values outside count as at the end;
            None takes 0 and the value of each map that is farthest from 0.

    Returns:
        A scalar in nats, from 0 to 2 log(bins).

    Raises:
        BadInput: for an empty batch, NaN, different batch sizes, or aligned maps of different sizes.
        UnknownName: for another kind of pairs, or of what they are taken over.
    """
    if pairs not in PAIRS:
        raise unknown_name("pairs", pairs, PAIRS)
    if over not in OVER:
        raise unknown_name("joint entropy over", over, OVER)
    a = _flatten("attention_2d", attention_2d)  # (B, E)
    b = _flatten("attention_3d", attention_3d)
    if len(a) != len(b):
        raise BadInput(f"{len(a)} attention maps in 2D and {len(b)} in 3D: expected one of each for every sample")
    if over == "batch":
        a, b = a.reshape(1, -1), b.reshape(1, -1)
    if pairs == "all":
        entropies = entropy(histogram(a, bins, value_range)) + entropy(histogram(b, bins, value_range))
    else:
        entropies = entropy(joint_histogram(a, b, bins, value_range).flatten(1))
    return entropies.mean()


def entropy(p: torch.Tensor) -> torch.Tensor:
    """Shannon entropy in nats of distributions (B, K) -> (B,); empty entries count zero."""
    return -(p * p.clamp_min(TINY).log()).sum(dim=1)


def histogram(values: torch.Tensor, bins: int, value_range: tuple[float, float] | None = None) -> torch.Tensor:
    """Soft histogram of each row.

    Args:
        values: (B, E).
        bins, value_range: as joint_entropy.

    Returns:
        (B, bins), rows sum to one.
    """
    total = values.new_zeros(len(values), bins)
    for index, weight in _assign(values, bins, value_range):
        total = total.scatter_add(1, index, weight)
    return total / values.shape[1]


def joint_histogram(
    a: torch.Tensor, b: torch.Tensor, bins: int, value_range: tuple[float, float] | None = None
) -> torch.Tensor:
    """Soft joint histogram of values at the same place.

    Args:
        a, b: (B, E).
        bins, value_range: as joint_entropy.

    Returns:
        (B, bins, bins), each sums to one.

    Raises:
        BadInput: if the sizes differ.
    """
    if a.shape != b.shape:
        raise BadInput(f"aligned pairs of {a.shape[1]} and {b.shape[1]} entries: expected maps of one size")
    total = a.new_zeros(len(a), bins * bins)
    assigned_b = _assign(b, bins, value_range)
    for index_a, weight_a in _assign(a, bins, value_range):
        for index_b, weight_b in assigned_b:
            total = total.scatter_add(1, index_a * bins + index_b, weight_a * weight_b)
    return total.unflatten(1, (bins, bins)) / a.shape[1]


def _flatten(name: str, attention: torch.Tensor) -> torch.Tensor:
    check_finite(name, attention)
    flat = attention.flatten(1) if attention.dim() > 1 else attention
    check_shape(name, flat, (None, None))
    check_floating(**{name: flat})
    return flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat


def _assign(
    values: torch.Tensor, bins: int, value_range: tuple[float, float] | None
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The two bins beside each value and its share in them: [(index (B, E), weight (B, E)), the same above]."""
    if bins < 2:
        raise BadInput(f"bins {bins}: expected at least 2")
    if value_range is None:
        farthest = values.gather(1, values.abs().argmax(dim=1, keepdim=True))
        is_zero = farthest == 0
        unit = torch.where(is_zero, 0, values / torch.where(is_zero, 1, farthest))
    else:
        low, high = value_range
        if not low < high:
            raise BadInput(f"value_range ({low}, {high}): expected low < high")
        unit = (values - low) / (high - low)
    position = unit.clamp(0, 1) * (bins - 1)  # bin centres are the integers
    below = position.detach().floor().clamp(max=bins - 2).long()
    share = position - below
    return [(below, 1 - share), (below + 1, share)]
