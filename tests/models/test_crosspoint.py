import pytest
import torch
from made_input import parameters

from facelib.errors import BadInput
from facelib.models.crosspoint import CloudFeatures, ImageFeatures, projection
from facelib.models.dgcnn import DGCNNSettings
from facelib.models.reconstructor_settings import PooledResNetSettings


def test_both_networks_have_the_published_number_of_features():
    with torch.device("meta"):
        assert ImageFeatures(PooledResNetSettings(50)).features == 2048
        assert CloudFeatures(DGCNNSettings()).features == 2048


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("image", 2048 * 512 + 2 * 512 + 512 * 256),  # layers without bias
        ("cloud", (2048 + 1) * 1024 + 2 * 1024 + (1024 + 1) * 256),
    ],
)
def test_projections_have_the_published_layers(modality, expected):
    assert parameters(projection(modality, 2048)) == expected


def test_features_are_told_apart_from_their_length():
    images = ImageFeatures(PooledResNetSettings(50, 32, True, 0.125)).eval()
    embedding = images(torch.rand(3, 3, 32, 32))
    assert embedding.unit.shape == (3, images.features) == (3, 256)
    expected = images.backbone.body(2 * torch.zeros(1, 3, 32, 32) - 1).mean(dim=(2, 3))
    found = images(torch.zeros(1, 3, 32, 32))
    torch.testing.assert_close(found.unit * found.norm, expected)

    clouds = CloudFeatures(DGCNNSettings(4, 0.125)).eval()
    assert clouds(torch.randn(3, 40, 3)).unit.shape == (3, clouds.features) == (3, 256)
    with pytest.raises(BadInput, match="points has shape"):
        clouds(torch.randn(3, 40, 2))
