from __future__ import annotations

import pytest
import torch

import scenes
from napari_blindspot import methods
from napari_blindspot.budget import Budget
from napari_blindspot.chance import Chance
from napari_blindspot.halting import Stop
from napari_blindspot.methods import Spec
from napari_blindspot.methods.self2self_plus import with_score
from napari_blindspot.networks.inpainting import Gated
from napari_blindspot.noise import NoiseLaw
from napari_blindspot.pace import Clock
from napari_blindspot.patches import PatchSampler
from napari_blindspot.training import train

SMALL = {
    "width": 8,
    "depth": 1,
    "patch": 32,
    "batch": 2,
    "copies": 3,
    "learning_rate": 0.004,
    "start_blur": 0.0,
}


def built():
    torch.manual_seed(0)
    return methods.create("self2self_plus", SMALL).build(Spec(2, 1, (0.0,), (1.0,)))


def total_variation(picture):
    """Mean difference of neighbours, as a figure for the roughness of a picture."""
    return picture.diff(dim=-1).abs().mean() + picture.diff(dim=-2).abs().mean()


class NoNews:
    """No noise is fitted during the training."""

    def fit(self, parts):
        return (NoiseLaw(0.0, 1.0),)

    def apply(self, parts, laws):
        return parts


def noisy_image():
    noisy, _ = scenes.noisy_and_clean((48, 48))
    values = torch.from_numpy(noisy.astype("float32"))[None, None]
    return (values - values.mean()) / values.std()


def denoised(parts, noisy, steps=25):
    work = train(
        parts,
        PatchSampler((noisy,), (32, 32), 2),
        Clock(Budget(steps=steps)),
        generator=torch.Generator().manual_seed(0),
        stop=lambda: Stop.NO,
        noise=NoNews(),
    )
    for _ in work:
        pass
    with torch.no_grad():
        return parts.predictor.predict(parts.network, noisy, Chance(0, (0, 0))).mean


def test_encoder_is_of_gated_convolutions_that_are_shown_the_mask():
    network = built().network
    assert all(isinstance(layer, Gated) for layer in network.down)
    assert network.down[0].both.in_channels == 2


def test_loss_is_the_absolute_error_of_hidden_pixels():
    parts = built()
    noisy = torch.randn(2, 1, 32, 32)
    pair = parts.masking.sample(noisy, torch.Generator().manual_seed(0))
    with torch.no_grad():
        output = parts.network(pair.input, pair.mask)
        expected = (output - noisy).abs()[pair.mask == 1].mean()
        torch.testing.assert_close(parts.loss(parts.network, pair), expected)


def test_there_is_no_score_unless_one_is_given_and_its_weight_is_that_of_the_paper():
    parts = built()
    assert parts.loss.score is None
    assert with_score(parts, total_variation).loss.weight == pytest.approx(2e-8)


@pytest.mark.no_cover
def test_a_score_of_large_weight_is_better_in_the_result():
    noisy = noisy_image()
    plain = denoised(built(), noisy)
    scored = denoised(with_score(built(), total_variation, 3.0), noisy)
    assert float(total_variation(scored)) < 0.7 * float(total_variation(plain))
