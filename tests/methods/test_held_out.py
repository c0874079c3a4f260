"""What is held out is not asked for, and else makes no difference to what a network sees."""

from __future__ import annotations

import pytest
import torch

from napari_blindspot import methods
from napari_blindspot.methods import Spec
from napari_blindspot.noise import NoiseLaw

SMALL = {"width": 4, "depth": 1, "members": 1, "smoothness": 0.1, "prior": False}


def built(name):
    declared = {p.name for p in methods.get(name).declared()}
    values = {key: value for key, value in SMALL.items() if key in declared}
    spec = Spec(2, 1, (0.0,), (1.0,), noise=(NoiseLaw(0.0, 1.0),))
    method = methods.create(name, values)
    parts = method.build(spec)
    return method.renoised(parts, spec.noise) if name == "amsnet" else parts


def asked(parts, pair):
    """The loss, and all that a network is shown for it."""
    shown = []

    def network(x, mask=None):
        shown.extend([x] if mask is None else [x, mask])
        return parts.network(x, mask)

    return float(parts.loss(network, pair).detach()), shown


@pytest.mark.parametrize("name", methods.available())
def test_a_network_sees_the_same_whether_pixels_are_held_out_or_not(name):
    parts = built(name)
    channels = 2 if name == "noise2noise" else 1
    generator = torch.Generator().manual_seed(0)
    noisy = torch.randn(2, channels, 48, 48, generator=generator)
    counted = (torch.rand(2, 1, 48, 48, generator=generator) < 0.85).float()
    pair = parts.masking.sample(noisy, generator)
    everything, shown = asked(parts, pair)
    rest, shown_again = asked(parts, pair.counting(counted))
    assert len(shown) == len(shown_again) > 0
    assert all(torch.equal(one, other) for one, other in zip(shown, shown_again, strict=True))
    assert everything != rest


@pytest.mark.parametrize("name", methods.available())
def test_no_loss_comes_from_held_out_pixels_alone(name):
    parts = built(name)
    noisy = torch.randn(1, 2 if name == "noise2noise" else 1, 48, 48)
    pair = parts.masking.sample(noisy, torch.Generator().manual_seed(0))
    loss, _ = asked(parts, pair.counting(torch.zeros(1, 1, 48, 48)))
    smooth = name == "amsnet"  # asks for no pixel, but for the variation of all
    assert (loss == 0) != smooth
