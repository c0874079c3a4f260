from __future__ import annotations

import torch

from napari_blindspot.inference.variance_curve import VarianceCurve


def misjudged(seed=0):
    """Residuals of variance v, of which the prediction says 2 v below 1 and v / 2 above."""
    generator = torch.Generator().manual_seed(seed)
    variance = torch.exp(4 * torch.rand(200_000, generator=generator) - 2)
    residual = variance.sqrt() * torch.randn(len(variance), generator=generator)
    return residual, torch.where(variance < 1, 2 * variance, variance / 2)


def test_curve_corrects_what_the_residuals_show():
    # Predictions from 0.5 to 2 are ambiguous: they come from both sides.
    curve = VarianceCurve.fit(*misjudged())
    corrected = curve.apply(torch.tensor([0.3, 0.4, 2.5, 3.5]))
    torch.testing.assert_close(corrected, torch.tensor([0.15, 0.2, 5.0, 7.0]), rtol=0.15, atol=0)


def test_right_predictions_stay():
    residual, _ = misjudged()
    variance = residual.new_full(residual.shape, 0.0) + 1.7
    residual = 1.7**0.5 * torch.randn(len(residual), generator=torch.Generator().manual_seed(1))
    curve = VarianceCurve.fit(residual, variance)
    torch.testing.assert_close(curve.apply(variance[:3]), variance[:3], rtol=0.05, atol=0)


def test_correction_is_limited_and_survives_saving():
    curve = VarianceCurve.fit(torch.full((1000,), 10.0), torch.linspace(0.1, 0.2, 1000))
    assert float(curve.apply(torch.tensor(0.15))) < 0.61
    assert VarianceCurve.restored(curve.state()) == curve
    x = torch.rand(5)
    assert VarianceCurve().apply(x) is x
