"""Inverse covariances as triangular factors, as networks predict them for joint channels."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_LOG_LIMITS = (-5.0, 7.0)


def factor_size(channels: int) -> int:
    """Numbers per pixel that `factor` needs: the upper triangle with its diagonal."""
    return channels * (channels + 1) // 2


def factor(raw: Float[Tensor, "b n *space"], channels: int) -> Float[Tensor, "b *space c c"]:
    """Upper triangular A with positive diagonal, where the inverse covariance is A^T A.

    Parameters
    ----------
    raw : Tensor
        `(B, C (C + 1) / 2, *space)`: logarithms of the diagonal, then what lies above it, row
        by row.
    channels : int
        C.

    Notes
    -----
    The logarithms are limited to -5 and 7, so that in normalised units standard deviations
    stay between 0.001 and 150 and the determinant needs no epsilon.
    """
    values = raw.movedim(1, -1)
    matrix = values.new_zeros(*values.shape[:-1], channels, channels)
    diagonal = range(channels)
    matrix[..., diagonal, diagonal] = values[..., :channels].clamp(*_LOG_LIMITS).exp()
    above = torch.triu_indices(channels, channels, 1)
    matrix[..., above[0], above[1]] = values[..., channels:]
    return matrix


def log_determinant(
    matrix: Float[Tensor, "b *space c c"],
) -> Float[Tensor, "b *space"]:
    """Logarithm of |A|, the sum over the diagonal."""
    logarithms: Tensor = matrix.diagonal(dim1=-2, dim2=-1).log()
    return logarithms.sum(-1)


def variances(matrix: Float[Tensor, "b *space c c"]) -> Float[Tensor, "b c *space"]:
    """Diagonal of the covariance (A^T A)^-1."""
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    inverse = torch.linalg.solve_triangular(matrix, identity.expand_as(matrix), upper=True)
    diagonal: Tensor = (inverse**2).sum(-1)
    return diagonal.movedim(-1, 1)
