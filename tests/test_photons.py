from __future__ import annotations

import pytest
import torch

from napari_blindspot.noise import NoiseLaw
from napari_blindspot.photons import PhotonScale, are_counts


def test_scale_of_several_channels_and_back():
    scale = PhotonScale((0.5, 2.0), (-1.0, 3.0))
    intensity = torch.tensor([0.0, 7.0]).reshape(1, 2, 1, 1).expand(1, 2, 3, 3)
    photons = scale.photons(intensity)
    torch.testing.assert_close(photons[0, :, 0, 0], torch.tensor([2.0, 2.0]))
    torch.testing.assert_close(scale.intensity(photons), intensity)
    torch.testing.assert_close(scale.squared(scale.spread(photons) ** 2), photons**2)


def test_fitted_scale_makes_the_variance_the_mean():
    law = NoiseLaw(0.25, 0.5)
    scale = PhotonScale((1.0, 1.0), (0.0, -4.0)).fitted((law, NoiseLaw(0.0, 1.0)))
    intensity = torch.tensor([3.0, 0.0]).reshape(1, 2, 1, 1)
    variance = scale.squared(law.variance(intensity))
    torch.testing.assert_close(variance[:, 0], scale.photons(intensity)[:, 0])
    assert (scale.gain[1], scale.zero[1]) == (1.0, -4.0)


@pytest.mark.parametrize(
    ("gain", "offset", "quantum", "expected"),
    [
        (0.95, 0.0, 1.0, True),
        (2.1, 0.3, 2.0, True),
        (2.0, -190.0, 1.0, False),  # a camera: gain 2, offset 95
        (1.0, -100.0, 1.0, False),  # gain 1 by chance, but an offset
        (1.0, 0.0, 0.0, False),  # values that are not evenly spaced
        (0.0, 1.0, 1.0, False),
    ],
)
def test_photon_counts_are_recognised(gain, offset, quantum, expected):
    law, mean, std = NoiseLaw(gain, offset), 30.0, 8.0
    normal = law.normalised(mean, std)
    assert are_counts(normal, quantum / std, -mean / std) == expected
