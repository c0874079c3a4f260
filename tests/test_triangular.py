from __future__ import annotations

import pytest
import torch

from napari_blindspot.triangular import factor, factor_size, log_determinant, variances


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_factor_is_triangular_and_describes_the_covariance(channels):
    torch.manual_seed(0)
    raw = torch.randn(2, factor_size(channels), 3, 5, dtype=torch.float64)
    matrix = factor(raw, channels)
    assert matrix.shape == (2, 3, 5, channels, channels)
    assert (matrix.tril(-1) == 0).all()
    precision = matrix.mT @ matrix
    torch.testing.assert_close(2 * log_determinant(matrix), torch.logdet(precision))
    expected = torch.linalg.inv(precision).diagonal(dim1=-2, dim2=-1).movedim(-1, 1)
    torch.testing.assert_close(variances(matrix), expected)


def test_extreme_outputs_stay_finite():
    matrix = factor(torch.full((1, 3, 1, 1), 1e4), 2)
    assert torch.isfinite(matrix).all()
    assert (variances(matrix) > 0).all()
