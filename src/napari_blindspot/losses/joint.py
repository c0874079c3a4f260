"""Gaussian likelihood whose noise is learned together with the signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from napari_blindspot.losses.base import masked_mean
from napari_blindspot.pairs import TrainingPair


@dataclass(frozen=True)
class JointLikelihood:
    """Gaussian likelihood with the variances of signal and noise apart.

    The network gives `4 C` channels: means, logarithms of the variance of the signal, and,
    constant over the image, logarithms of the gain and of the variance without light.

    Attributes
    ----------
    zero : tuple of float
        Normalised intensity without light, per channel.
    signal_dependent : bool
        Whether the gain counts, or only the constant variance.
    reward : float
        Weight of the noise standard deviation that is subtracted from the loss.

    Notes
    -----
    The likelihood knows only the sum of the two variances. As in the published paper a small
    reward makes the noise as large as the data allow.

    References
    ----------
    S. Laine et al., "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019.
    """

    zero: tuple[float, ...]
    signal_dependent: bool = True
    reward: float = 0.1

    def __call__(self, network: Callable[..., Tensor], pair: TrainingPair) -> Float[Tensor, ""]:
        """Mean of ((y - mu)^2 / total + log total) / 2 - reward * noise std."""
        mean, log_signal, log_gain, log_dark = network(pair.input, pair.unseen).chunk(4, 1)
        noise = log_dark.exp()
        if self.signal_dependent:
            zero = mean.new_tensor(self.zero).view(1, -1, *(1,) * (mean.ndim - 2))
            noise = noise + log_gain.exp() * (mean - zero).clamp_min(0)
        total = log_signal.clamp(-14, 10).exp() + noise
        terms = ((pair.target - mean) ** 2 / total + total.log()) / 2
        return masked_mean(terms - self.reward * noise.sqrt(), pair.mask)
