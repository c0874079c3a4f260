"""The pretrained network: what follows from its form, and what its weights may never do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_blindspot import simulate
from napari_blindspot.filters import gaussian
from napari_blindspot.masking import Grid
from napari_blindspot.networks import PriorUNet, pretrained
from napari_blindspot.networks.prior import PLANES, mirrored
from napari_blindspot.noise import NoiseLaw

pytestmark = pytest.mark.pretrained
CAMERA = NoiseLaw(2.0, -196.0, 6.0)
LAWS = {"photons": NoiseLaw(1.0, 0.0, 1.0), "camera": CAMERA, "even": NoiseLaw(0.0, 25.0, 25.0)}


def drawn(clean, law, seed=0):
    """A measurement of a signal, all of whose noise is Gaussian unless it is photons."""
    rng = np.random.default_rng(seed)
    clean = np.asarray(clean, np.float64)
    if law == LAWS["photons"]:
        return torch.from_numpy(rng.poisson(clean).astype(np.float32))[None, None]
    variance = np.maximum(law.gain * clean + law.offset, law.floor)
    noisy = clean + np.sqrt(variance) * rng.standard_normal(clean.shape)
    return torch.from_numpy(noisy.astype(np.float32))[None, None]


def denoised(noisy, law, ndim=2):
    with torch.no_grad():
        return pretrained(ndim, law).eval()(noisy)


def test_neither_the_unit_nor_the_zero_of_the_signal_matters():
    noisy = 20 + 10 * torch.rand(1, 1, 64, 64)
    law = NoiseLaw(0.3, 1.0, 0.5)
    result = denoised(noisy, law)
    other = denoised((noisy - 7) / 5, law.normalised(7.0, 5.0))
    torch.testing.assert_close(other * 5 + 7, result, rtol=1e-4, atol=1e-3)


def test_what_is_added_to_the_noise_is_told_with_the_mask():
    law, noisy = NoiseLaw(0.3, 1.0, 0.5), 20 + 10 * torch.rand(1, 1, 64, 64)
    net, everywhere = pretrained(2, law, added=0.5), torch.ones_like(noisy)
    noisier = NoiseLaw(1.5 * law.gain, 1.5 * law.offset, 1.5 * law.floor)
    torch.testing.assert_close(net(noisy, everywhere), denoised(noisy, noisier))
    hidden = Grid(4).at(noisy, (1, 2)).mask
    for mask in (None, hidden):
        torch.testing.assert_close(net(noisy, mask), denoised(noisy, law))
    net.tell(noisier)
    torch.testing.assert_close(net(noisy), denoised(noisy, noisier))


def test_beyond_its_ends_a_volume_is_mirrored():
    rows = mirrored(4)[:, torch.tensor(PLANES).argsort()].tolist()
    assert rows[0] == [3, 2, 1, 0, 1, 2, 3]
    assert rows[3] == [0, 1, 2, 3, 2, 1, 0]
    assert mirrored(1).unique().tolist() == [0]
    assert mirrored(2)[:, 0].tolist() == [0, 1]
    assert set(mirrored(2).flatten().tolist()) == {0, 1}


def test_neighbouring_planes_tell_more():
    rng = np.random.default_rng(1)
    clean = np.asarray(simulate.filaments((96, 96), rng, peak=20.0, background=1.0))
    law = NoiseLaw(1.0, 0.0, 1.0)
    noisy = torch.stack([drawn(clean, LAWS["photons"], seed)[0] for seed in range(7)], 1)[None]
    truth = torch.from_numpy(clean.astype(np.float32))
    alone = torch.stack([denoised(plane[:, None], law)[0, 0] for plane in noisy[0].unbind(1)])
    together = denoised(noisy, law, ndim=3)[0, 0]
    assert ((together - truth) ** 2).mean() < 0.6 * ((alone - truth) ** 2).mean()


def test_planes_that_are_denoised_bit_by_bit_are_the_same(monkeypatch):
    noisy, law = 20 + 10 * torch.rand(2, 1, 5, 32, 48), NoiseLaw(0.3, 1.0, 0.5)
    net, everywhere = pretrained(3, law, added=0.5).eval(), torch.ones_like(noisy)
    everywhere[0] = 0
    with torch.no_grad():
        whole = net(noisy, everywhere)
        monkeypatch.setattr("napari_blindspot.networks.prior._AT_ONCE", 2 * 32 * 48)
        parts = net(noisy, everywhere)
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)
    learning = net(noisy, everywhere).detach()
    torch.testing.assert_close(learning, whole, rtol=1e-4, atol=1e-4)


def test_noise_that_neighbours_share_goes_if_it_is_told():
    rng = np.random.default_rng(2)
    white = rng.standard_normal((192, 192))
    shared = ndimage.gaussian_filter(white, 0.75)
    noisy = torch.from_numpy((200 + 5 * shared / shared.std()).astype(np.float32))[None, None]
    law = NoiseLaw(0.0, 25.0, 25.0)
    with torch.no_grad():
        taken = denoised(noisy, law)
        told = pretrained(2, law, correlation=(0.64, 0.17, 0.64, 0.17)).eval()(noisy)
    assert float(told.std()) < 0.15 * float(noisy.std())
    assert float(told.std()) < 0.4 * float(taken.std())


def test_an_untrained_one_begins_with_a_blur():
    x = torch.rand(1, 1, 32, 32)
    net = PriorUNet(2, NoiseLaw(0.1, 0.2, 0.1), width=8, depth=1)
    torch.testing.assert_close(net(x), gaussian(x, 1.3))


def test_halo_covers_the_receptive_field():
    net = PriorUNet(2, NoiseLaw(0.1, 0.2, 0.1), width=8, depth=1).double()
    torch.nn.init.normal_(net.head.weight)
    x = torch.rand(1, 1, 96, 96, dtype=torch.float64, requires_grad=True)
    net(x)[0, 0, 48, 48].backward()
    reach = (x.grad[0, 0].nonzero() - 48).abs().amax(0)
    assert int(reach.max()) <= net.halo[0]


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("level", [120.0, 400.0])
def test_pure_noise_becomes_flat(law, level):
    noisy = drawn(np.full((192, 192), level), law)
    result = denoised(noisy, law)
    spread = float(noisy.std())
    assert float(result.std()) < 0.06 * spread
    assert abs(float(result.mean()) - level) < 0.05 * spread


def test_few_photons_become_flat_too():
    law = NoiseLaw(1.0, 0.0, 0.3)
    noisy = drawn(np.full((192, 192), 0.3), LAWS["photons"])
    result = denoised(noisy, law)
    assert float(result.std()) < 0.1 * float(noisy.std())
    assert abs(float(result.mean()) - float(noisy.mean())) < 0.03


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_what_lies_below_the_noise_is_not_invented(law):
    y, x = np.mgrid[:192, :192]
    spread = (law.gain * 200 + law.offset) ** 0.5
    clean = 200 + 0.1 * spread * np.sign(np.sin(x / 2) * np.sin(y / 2))
    result = denoised(drawn(clean, law), law)[0, 0].numpy()
    assert result.std() < 0.06 * spread
    assert ((result - clean) ** 2).mean() < clean.var() + (0.06 * spread) ** 2


@pytest.mark.parametrize("peak", [10.0, 100.0])
@pytest.mark.parametrize("scene", [simulate.nuclei, simulate.filaments])
def test_it_is_better_than_the_best_blur(scene, peak):
    rng = np.random.default_rng(3)
    clean = np.asarray(scene((192, 192), rng, peak=peak, background=0.05 * peak))
    noisy = drawn(clean, LAWS["photons"])
    law = NoiseLaw(1.0, 0.0, 0.05 * peak)
    truth = torch.from_numpy(clean.astype(np.float32))

    def error(image):
        return float(((image[0, 0] - truth) ** 2).mean())

    blurs = min(error(gaussian(noisy, sigma)) for sigma in np.linspace(0.5, 5, 19))
    assert error(denoised(noisy, law)) < 0.8 * blurs


def test_a_law_that_is_wrong_by_a_tenth_costs_little():
    clean = np.asarray(simulate.nuclei((192, 192), np.random.default_rng(5), peak=30.0))
    noisy = drawn(clean, LAWS["photons"])
    errors = [
        float(((denoised(noisy, NoiseLaw(w, 0.0, 0.1 * w))[0, 0].numpy() - clean) ** 2).mean())
        for w in (0.9, 1.0, 1.1)
    ]
    assert max(errors) < 1.05 * errors[1]
