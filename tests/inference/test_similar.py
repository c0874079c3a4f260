from __future__ import annotations

import pytest
import torch

from napari_blindspot.chance import Chance
from napari_blindspot.filters import gaussian
from napari_blindspot.inference.similar import REACH, similar_filtered
from napari_blindspot.inference.tweedie import Tweedie, filter_weights
from napari_blindspot.noise import BlindPatches, BlindSample, NoiseLaw

LAW = NoiseLaw(0.0, 0.25)


def stripes(height=96, width=96):
    """A wave along X, the same in every row."""
    wave = torch.sin(torch.arange(width) * 0.9)
    return wave.expand(1, 1, height, width).clone()


def noisy_of(clean, seed=0):
    return clean + 0.5 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


def error(image, clean):
    return float((image - clean).square().mean())


def test_what_similar_patches_share_is_restored():
    clean = stripes()
    noisy = noisy_of(clean)
    pilot = gaussian(noisy, 0.7)
    filtered = similar_filtered(noisy, pilot, [LAW])
    assert error(filtered, clean) < 0.6 * error(pilot, clean)


@pytest.mark.parametrize("space", [(6, 6), (7, 25), (33, 14), (3, 17, 18)])
def test_any_size_without_noise_is_returned(space):
    image = torch.rand(2, 1, *space, generator=torch.Generator().manual_seed(0))
    filtered = similar_filtered(image, image, [NoiseLaw(0.0, 1e-9)])
    torch.testing.assert_close(filtered, image, atol=1e-3, rtol=0)


def test_planes_and_channels_are_filtered_by_themselves():
    clean = stripes(24, 24)
    volume = torch.stack([noisy_of(clean, seed)[0] for seed in range(6)]).view(1, 2, 3, 24, 24)
    laws = [LAW, NoiseLaw(0.1, 0.4)]
    filtered = similar_filtered(volume, volume, laws)
    for channel, law in enumerate(laws):
        for z in range(3):
            plane = volume[:, channel : channel + 1, z]
            alone = similar_filtered(plane, plane, [law])
            torch.testing.assert_close(filtered[:, channel : channel + 1, z], alone)


def test_a_constant_image_stays_constant():
    image = torch.full((1, 1, 20, 20), 3.0)
    torch.testing.assert_close(similar_filtered(image, image, [LAW]), image)


def test_a_plane_smaller_than_a_patch_is_left_as_it_is():
    noisy, pilot = torch.rand(2, 1, 1, 5, 40)
    assert similar_filtered(noisy, pilot, [LAW]) is pilot


def test_pixels_beyond_the_reach_do_not_depend_on_the_tile():
    clean = stripes(160, 160)
    noisy = noisy_of(clean)
    pilot = gaussian(noisy, 1.5)
    whole = similar_filtered(noisy, pilot, [LAW])
    tile = (..., slice(8, 152), slice(20, 160))
    # Rounding differs between tiles; the result must not jump for it.
    nudged = pilot[tile] * (1 + 1e-7)
    part = similar_filtered(noisy[tile], nudged, [LAW])
    inner = slice(REACH, -REACH)
    torch.testing.assert_close(
        part[..., inner, REACH:], whole[tile][..., inner, REACH:], atol=1e-5, rtol=0
    )


def hidden_pixels(clean, mean):
    hidden = torch.zeros_like(clean)
    hidden[..., 1::4, 2::4] = 1
    return BlindPatches(noisy_of(clean), mean, hidden)


def test_hidden_pixels_tell_whether_the_filter_helps():
    clean = stripes(256, 256)
    grain = torch.randn(clean.shape, generator=torch.Generator().manual_seed(3))
    errors = 0.3 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
    (helps,) = filter_weights(hidden_pixels(clean, clean + errors), [LAW])
    (harms,) = filter_weights(hidden_pixels(grain, grain), [LAW])
    assert helps > 0.8
    assert harms < 0.2


def test_weight_of_each_channel_goes_into_the_prediction():
    grain = torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(3))
    errors = 0.3 * torch.randn(grain.shape, generator=torch.Generator().manual_seed(2))
    clean = torch.cat([stripes(), grain], 1)
    mean = torch.cat([stripes() + errors, grain], 1)
    noisy = noisy_of(clean)
    laws = (LAW, LAW)
    patches = BlindPatches(noisy, mean, hidden_pixels(clean, mean).hidden)
    sample = BlindSample(noisy.flatten(2)[0], mean.flatten(2)[0], None, patches=patches)
    predictor = Tweedie(turns=1).calibrated(sample, laws)
    assert predictor.weights == filter_weights(patches, laws)
    assert predictor.weights[0] > predictor.weights[1] + 0.3
    assert predictor.margin >= REACH
    result = predictor.predict(lambda x: gaussian(x, 0.7), noisy, Chance(0, (0, 0))).mean
    pilot = gaussian(noisy, 0.7)
    change = similar_filtered(noisy, pilot, laws) - pilot
    weights = torch.tensor(predictor.weights).view(1, 2, 1, 1)
    torch.testing.assert_close(result, pilot + weights * change)
    assert Tweedie(turns=1).restored(predictor.state()) == predictor


def test_without_similar_patches_nothing_is_filtered():
    clean = stripes()
    sample = BlindSample(
        clean.flatten()[None],
        clean.flatten()[None],
        None,
        patches=hidden_pixels(clean, clean),
    )
    assert Tweedie(similar=False).calibrated(sample, (LAW,)).weights == ()
