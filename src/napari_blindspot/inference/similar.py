"""Bayesian filter over groups of similar patches, led by a denoised image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from jaxtyping import Float, Int
from torch import Tensor

from napari_blindspot.noise import NoiseLaw

_SIDE = 6
_STEP = 4
_SEARCH = 8
_GROUP = 60
_TAPER = 2.0
_UNREACHABLE = 1e9
_CHUNK = 1024
_PIXELS_AT_ONCE = 512 * 512

REACH = 2 * (_SEARCH + _SIDE)
"""Pixels in the YX plane that a filtered pixel depends on."""


def similar_filtered(
    noisy: Float[Tensor, "b c *space"],
    pilot: Float[Tensor, "b c *space"],
    laws: Sequence[NoiseLaw],
) -> Float[Tensor, "b c *space"]:
    """Noisy image filtered with what similar patches of a denoised one have in common.

    Parameters
    ----------
    noisy, pilot : Tensor
        The measured image and the denoised one that leads the filter.
    laws : sequence of NoiseLaw
        Noise of each channel.

    Returns
    -------
    Tensor
        Filtered image. Each YX plane is filtered by itself; planes smaller than a patch are
        those of `pilot`.

    Notes
    -----
    For every fourth patch of 6 x 6 pixels in Y and X, the patches of the pilot within 8 pixels
    that are most like it form a group with the mean m and the covariance C. With the noise N at
    m, every noisy patch y of the group becomes m + C (C + N)^-1 (y - m), and each pixel the
    average over the patches that hold it. This is the second step of the non-local Bayes filter.
    The weight of a patch falls to zero at the distance of the first one that is left out: the
    result has no jumps where two patches are alike to within rounding.

    References
    ----------
    M. Lebrun, A. Buades and J.-M. Morel, "A Nonlocal Bayesian Image Denoising Algorithm", SIAM
    J. Imaging Sciences 2013.
    """
    if min(noisy.shape[-2:]) < _SIDE:
        return pilot
    filtered = torch.empty_like(pilot)
    count = max(_PIXELS_AT_ONCE // math.prod(noisy.shape[-2:]), 1)
    for channel, law in enumerate(laws):
        target = filtered[:, channel]
        y, u = (torch.split(_planes(x[:, channel]), count) for x in (noisy, pilot))
        planes = zip(y, u, strict=True)
        done = torch.cat([_filtered_planes(*plane, law) for plane in planes])
        target.copy_(done[:, : target.shape[-2], : target.shape[-1]].reshape(target.shape))
    return filtered


def _planes(image: Float[Tensor, "b *space"]) -> Float[Tensor, "p y x"]:
    """YX planes, reflected at the far ends so that the last patches end there."""
    planes = image.reshape(-1, *image.shape[-2:])
    down, right = (-(n - _SIDE) % _STEP for n in planes.shape[1:])
    return F.pad(planes, (0, right, 0, down), mode="reflect")


def _filtered_planes(
    noisy: Float[Tensor, "p y x"], pilot: Float[Tensor, "p y x"], law: NoiseLaw
) -> Float[Tensor, "p y x"]:
    """The filter for planes of one channel."""
    inside = _patch_pixels(pilot)
    total = torch.zeros_like(pilot).flatten()
    weight = torch.zeros_like(total)
    for corners, weights in _groups(pilot, law):
        pixels = corners[..., None] + inside
        patches = _group_filtered(noisy.take(pixels), pilot.take(pixels), weights, law)
        pixels, weights = pixels.flatten(), weights[..., None].expand_as(patches)
        total.index_add_(0, pixels, (weights * patches).flatten())
        weight.index_add_(0, pixels, weights.flatten())
    return (total / weight).view_as(pilot)


def _group_filtered(
    noisy: Float[Tensor, "g n k"],
    pilot: Float[Tensor, "g n k"],
    weights: Float[Tensor, "g n"],
    law: NoiseLaw,
) -> Float[Tensor, "g n k"]:
    """Posterior mean of each patch for the Gaussian that the pilot's patches make up."""
    part = (weights / weights.sum(1, keepdim=True))[..., None]
    mean = (part * pilot).sum(1, keepdim=True)
    centred = part.sqrt() * (pilot - mean)
    covariance = centred.mT @ centred
    noise = torch.diag_embed(law.variance(mean[:, 0]))
    share: Tensor = torch.linalg.solve(covariance + noise, covariance)
    return torch.baddbmm(mean, noisy - mean, share)


def _groups(
    pilot: Float[Tensor, "p y x"], law: NoiseLaw
) -> Iterator[tuple[Int[Tensor, "g n"], Float[Tensor, "g n"]]]:
    """First pixels of the patches of each group and their weights, some groups at a time."""
    distances, corners, jumps = _distances(pilot, law)
    size = min(_GROUP, len(jumps) - 1)
    chunks = zip(torch.split(distances, _CHUNK), torch.split(corners, _CHUNK), strict=True)
    for far, corner in chunks:
        nearest = far.topk(size + 1, largest=False)
        cut = nearest.values[:, -1:]
        values, chosen = nearest.values[:, :-1], nearest.indices[:, :-1]
        weights = (_TAPER * (1 - values / cut.clamp_min(1e-20))).clamp(0, 1)
        within = values < _UNREACHABLE
        jump = torch.where(within, jumps[chosen], 0)
        yield corner[:, None] + jump, weights * within


def _distances(
    pilot: Float[Tensor, "p y x"], law: NoiseLaw
) -> tuple[Float[Tensor, "g o"], Int[Tensor, "g"], Int[Tensor, "o"]]:
    """Distance of every reference patch to its neighbours, in standard deviations of the noise.

    Also the first pixel of each reference patch and the distance in memory to each neighbour.
    """
    height, width = pilot.shape[1:]
    device = pilot.device
    rows = torch.arange(0, height - _SIDE + 1, _STEP, device=device)
    columns = torch.arange(0, width - _SIDE + 1, _STEP, device=device)
    around = range(-_SEARCH, _SEARCH + 1)
    offsets = [(dy, dx) for dy in around for dx in around]
    padded = F.pad(pilot, (_SEARCH,) * 4)
    precision = 1 / law.variance(pilot)
    distances = []
    for dy, dx in offsets:
        top, left = _SEARCH + dy, _SEARCH + dx
        shifted = padded[:, top : top + height, left : left + width]
        squared = (shifted - pilot).square_().mul_(precision)
        distance = F.avg_pool2d(squared[:, None], _SIDE, _STEP)[:, 0]
        distance[:, (rows + dy < 0) | (rows + dy > height - _SIDE)] = _UNREACHABLE
        distance[:, :, (columns + dx < 0) | (columns + dx > width - _SIDE)] = _UNREACHABLE
        distances.append(distance.flatten())
    planes = torch.arange(len(pilot), device=device) * (height * width)
    corners = planes[:, None, None] + rows[:, None] * width + columns
    jumps = torch.tensor([dy * width + dx for dy, dx in offsets], device=device)
    return torch.stack(distances, 1), corners.flatten(), jumps


def _patch_pixels(image: Float[Tensor, "p y x"]) -> Int[Tensor, "k"]:
    """Distances in memory from the first pixel of a patch to all of its pixels."""
    side = torch.arange(_SIDE, device=image.device)
    return (side[:, None] * image.shape[-1] + side).flatten()
