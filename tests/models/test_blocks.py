import pytest
import torch

from facelib.errors import BadInput
from facelib.models.blocks import EmbeddingHead, RowNorm, scaled, to_embedding


def test_to_embedding_splits_direction_and_length():
    unit, norm = to_embedding(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert torch.equal(norm, torch.tensor([[5.0], [0.0]]))
    assert torch.allclose(unit, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_scaled_rounds_and_keeps_one_channel():
    assert [scaled(64, width) for width in (1.0, 0.25, 0.001)] == [64, 16, 1]


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_scaled_refuses_a_width_that_is_not_positive(width):
    with pytest.raises(BadInput, match="width"):
        scaled(64, width)


def test_head_normalises_each_feature_over_the_batch():
    head = EmbeddingHead(channels=4, size=2, embedding=8, dropout=0.0)
    unit, norm = head(torch.randn(16, 4, 2, 2))
    features = unit * norm
    assert torch.allclose(features.mean(0), torch.zeros(8), atol=1e-5)
    assert torch.allclose(features.var(0, unbiased=False), torch.ones(8), atol=1e-2)


def test_head_refuses_a_batch_of_one_only_while_training():
    head = EmbeddingHead(channels=4, size=2, embedding=8, dropout=0.0)
    with pytest.raises(BadInput, match="batch of one"):
        head(torch.randn(1, 4, 2, 2))
    assert head.eval()(torch.randn(1, 4, 2, 2)).unit.shape == (1, 8)


def test_row_norm_normalises_each_channel_over_all_rows():
    x = 3 + 2 * torch.randn(4, 5, 6, 7)
    normal = RowNorm(7)(x)
    assert normal.shape == x.shape
    expected = (x - x.mean(dim=(0, 1, 2))) / (x.var(dim=(0, 1, 2), unbiased=False) + 1e-5).sqrt()
    assert torch.allclose(normal, expected, atol=1e-5)
