"""Between the weights that a training began with and those that it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_blindspot.inference.posterior import noise_variance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_blindspot.exam import Exam
    from napari_blindspot.methods import Parts
    from napari_blindspot.noise import NoiseLaw

_EXPECTED = (1.0, 0.3)  # mean and spread of the share before any pixel is seen
_UNKNOWN = 0.5  # where there are too few pixels to hold some out


def blend(
    parts: Parts, start: Sequence[Tensor], exam: Exam | None, laws: Sequence[NoiseLaw]
) -> float:
    """Move the network to where held-out pixels want it, between the start and what it learned.

    Parameters
    ----------
    parts : Parts
        Those of a training that is over.
    start : sequence of Tensor
        Parameters of the network before the training.
    exam : Exam or None
        Pixels that were held out.
    laws : sequence of NoiseLaw
        Noise of each channel.

    Returns
    -------
    float
        Share of what was learned, 0 to 1.

    Notes
    -----
    The network with the weights s + w (t - s) gives nearly p + w c, with p and c the prediction at
    the start and its change by the training. A target y that knows nothing of the noise in the
    input, nor had a part in the training, tells the best w by linear regression of y - p on c,
    weighted by the variance of y; before, w = 1 +- 0.3. Where the network is not so linear, and an
    end predicts y better than what lies between, that end is taken.

    References
    ----------
    M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (averages of weights).
    """
    learned = [p.detach().clone() for p in parts.network.parameters()]

    def moved(share: float) -> None:
        with torch.no_grad():
            ends = zip(parts.network.parameters(), start, learned, strict=True)
            for parameter, first, last in ends:
                parameter.copy_(torch.lerp(first, last, share))

    share = _UNKNOWN if exam is None else _asked(parts, exam, laws, moved)
    moved(share)
    return share


def _asked(
    parts: Parts, exam: Exam, laws: Sequence[NoiseLaw], moved: Callable[[float], None]
) -> float:
    """Most probable share: that of the regression, or that of an end."""
    network, known = parts.network.eval(), 1 / _EXPECTED[1] ** 2
    with torch.no_grad():
        pair = exam.pair(parts)

        def missing(share: float) -> Tensor:
            moved(share)
            return pair.target - parts.predictor.moments(network(pair.input, pair.unseen))[0]

        before, after = missing(0.0), missing(1.0)
        weight = pair.mask / noise_variance(laws, pair.target - before)
        weight = weight * pair.mask.sum() / (weight * after**2).sum()
        told, precision = ((weight * (before - after) * x).sum() for x in (before, before - after))
        share = float(((told + known * _EXPECTED[0]) / (precision + known)).clamp(0, 1))

        def improbable(share: float, rest: Tensor) -> float:
            return float((weight * rest**2).sum()) + known * (share - _EXPECTED[0]) ** 2

        found = {share: improbable(share, missing(share))}
        found |= {0.0: improbable(0.0, before), 1.0: improbable(1.0, after)}
    return min(found, key=lambda one: found[one])
