"""What Blind2Grad adds to the decoder."""

from __future__ import annotations

import torch

from napari_blindspot.networks import MaskedUNet
from napari_blindspot.networks.detail import ChannelAttention, Standout, is_steep
from napari_blindspot.networks.dropout import MaskCodes


def test_steep_is_what_differs_from_a_pixel_before():
    x = torch.zeros(1, 1, 4, 4)
    x[..., 2, 1] = 3.0
    assert is_steep(x, 3.0)[0, 0].nonzero().tolist() == [[2, 1], [2, 2], [3, 1]]
    assert not is_steep(x, 4.3).any()


def test_steep_features_are_never_dropped_and_others_are():
    torch.manual_seed(0)
    x = torch.ones(1, 16, 64, 64)
    x[..., 32:] = 9.0
    mask = (torch.rand(1, 1, 64, 64) < 0.25).float()
    dropped = Standout(16, 0.5, 0, 5.0)(x, MaskCodes(2)(mask)) == 0
    assert not dropped[..., 32].any()
    assert 0.45 < float(dropped[..., :32].float().mean()) < 0.55
    assert Standout(16, 0.5, 0, 5.0)(x, None) is x


def test_attention_begins_as_nothing_and_weighs_a_tile_like_the_image():
    torch.manual_seed(0)
    attention = ChannelAttention(8)
    x = torch.randn(2, 8, 6, 6) + 1
    assert torch.allclose(attention(x), x)
    torch.nn.init.normal_(attention.excite.weight)
    for _ in range(200):
        weighed = attention(x)
    assert not torch.allclose(weighed, x)
    attention.eval()
    whole, tile = attention(x), attention(x[..., 1:4])
    assert torch.equal(whole[..., 1:4], tile)
    assert torch.allclose(attention.average, x.flatten(2).mean((0, 2))[None], atol=1e-3)


def test_the_halo_grows_with_the_passes():
    one, two = (MaskedUNet(3, 1, 1, width=4, depth=2, passes=passes) for passes in (1, 2))
    assert two.halo == tuple(2 * reach for reach in one.halo)
