"""Channels that are denoised together, with hidden pixels of their own or with the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_blindspot import api, methods
from napari_blindspot.blind import blind_sample
from napari_blindspot.inference import PlainPass
from napari_blindspot.losses import SquaredError
from napari_blindspot.masking import Bernoulli
from napari_blindspot.methods import Parts, Recipe, Spec
from napari_blindspot.patches import PatchSampler

pytestmark = pytest.mark.usefixtures("few_pixels")
SMALL = {"width": 8, "depth": 2}
HIDING = [name for name in methods.available() if "channel_masks" in methods.get(name)().values()]


def coloured(texture):
    """Three channels of a texture that no neighbour tells of, noise of 25, and clean values."""
    rng = np.random.default_rng(0)
    clean = 120 + texture * np.repeat(rng.standard_normal((1, 64, 64)), 3, axis=0)
    return (clean + 25 * rng.standard_normal(clean.shape)).astype(np.float32), clean


def test_every_method_that_hides_single_pixels_has_the_choice():
    assert set(HIDING) == {
        "blind2grad", "mgrconv", "n2v", "n2v2", "self2self", "self2self_plus", "struct_n2v"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"), [(name, {}) for name in HIDING] + [("mgrconv", {"masking": "noise2void"})]
)
@pytest.mark.parametrize("how", ["apart", "together"])
def test_masks_of_channels_are_alike_only_together(name, kind, how):
    spec = Spec(2, 3, (0.0,) * 3, (1.0,) * 3)
    parts = methods.create(name, SMALL | kind | {"channel_masks": how}).build(spec)
    noisy = torch.randn(2, 3, 64, 64)
    for scheme in filter(None, (parts.masking, parts.blind)):
        mask = scheme.sample(noisy, torch.Generator().manual_seed(0)).mask
        alike = [torch.equal(mask[:, 0], mask[:, other]) for other in (1, 2)]
        assert alike == [how == "together"] * 2


@pytest.mark.no_cover
def test_apart_the_other_channels_tell_of_a_hidden_pixel():
    noisy, clean = coloured(texture=40.0)
    errors = {}
    for how in ("apart", "together"):
        options = {"method": "self2self", "budget": "60steps", "channel_masks": how, **SMALL}
        image = api.denoise(noisy, axes="CYX", joint=True, **options).image
        errors[how] = np.mean((image - clean) ** 2)
    assert errors["apart"] < 0.4 * errors["together"]


@pytest.mark.no_cover
def test_the_noise_of_every_channel_is_found():
    noisy, _ = coloured(texture=0.0)
    options = {"method": "n2v", "budget": "60steps", **SMALL}
    laws = api.denoise(noisy, axes="CYX", joint=True, **options).noise
    variances = [law.gain * 120 + law.offset for law in laws]
    assert variances == pytest.approx([25.0**2] * 3, rel=0.15)


class Same(torch.nn.Module):
    """Gives back what it is shown."""

    divisor, halo, is_blind = (1, 1), (0, 0), False

    def forward(self, x, mask=None):
        return x


def test_blind_predictions_are_of_pixels_that_were_hidden_in_their_channel():
    masking = Bernoulli(0.3, apart=True)
    recipe = Recipe(0.1, 16, 2)
    parts = Parts(masking, Same(), SquaredError(), PlainPass(), recipe)
    sampler = PatchSampler((torch.rand(1, 3, 64, 64) + 1,), (16, 16), 2)
    sample = blind_sample(parts, sampler, torch.Generator().manual_seed(0), 2000)
    assert sample.noisy.shape == sample.mean.shape
    assert sample.noisy.shape[0] == 3
    assert (sample.mean == 0).all()
    assert (sample.noisy >= 1).all()
    together = dataclasses.replace(parts, masking=Bernoulli(0.3))
    assert (blind_sample(together, sampler, torch.Generator(), 2000).mean == 0).all()
