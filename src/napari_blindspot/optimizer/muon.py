"""Muon for convolutions, AdamW for all else."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from napari_blindspot.optimizer.adamw import AdamW
from napari_blindspot.optimizer.base import Optimizer

_MOMENTUM = 0.95
_SMALLEST = 8  # rows and columns from which on a weight is taken for a matrix
# Odd polynomials a x + b x^3 + c x^5, one after the other: that of each round deviates least from 1
# where singular values can be after those before it, if they were 0.01 to 1 (linear programme).
_QUINTICS = (
    (8.0934, -23.6205, 17.4462),
    (3.6366, -2.7219, 0.5365),
    (2.6613, -1.9772, 0.4526),
)
_ROOT_MEAN_SQUARE = 0.2  # of a step of AdamW, in learning rates
_EPSILON = 1e-12


class Muon(Optimizer):
    """Steps along the momentum of each convolution with all its singular values made alike.

    Gradients of a convolution, seen as a matrix `(out, in * kernel)`, are dominated by a few
    directions, and with few steps the others are hardly learned. Steps are as large as those of
    AdamW at the same rate, which moves biases and matrices of fewer than 8 rows or columns.

    Parameters
    ----------
    parameters : iterable of Tensor
        What is learned.
    weight_decay : float
        Decoupled weight decay.

    Notes
    -----
    What it gains over AdamW, and at which rates: `docs/benchmarks.md`.

    References
    ----------
    K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
    J. Liu et al., "Muon is Scalable for LLM Training", 2025, section 2.2 (size of the steps).
    N. Amsel et al., "The Polar Express", 2025 (a polynomial for each round).
    """

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        everything = list(parameters)
        self._weight_decay = weight_decay
        self._rate = 0.0
        self._matrices = {i: p for i, p in enumerate(everything) if _is_matrix(p)}
        self._momenta = {i: torch.zeros_like(p) for i, p in self._matrices.items()}
        self._others = [i for i in range(len(everything)) if i not in self._matrices]
        self._adamw = AdamW([everything[i] for i in self._others], weight_decay)

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return self._rate

    @rate.setter
    def rate(self, value: float) -> None:
        self._rate = self._adamw.rate = value

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._adamw.zero_grad()
        for parameter in self._matrices.values():
            parameter.grad = None

    def step(self) -> None:
        """Move the parameters that have a gradient."""
        self._adamw.step()
        moved = {i: p.grad for i, p in self._matrices.items() if p.grad is not None}
        with torch.no_grad():
            for alike in self._by_shape(moved):
                self._move(alike, [moved[i] for i in alike])

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state, by number of the parameter and name."""
        found = {f"{i}.momentum": momentum for i, momentum in self._momenta.items()}
        for name, value in self._adamw.tensors().items():
            number, rest = name.split(".", 1)
            found[f"{self._others[int(number)]}.{rest}"] = value
        return found

    def _by_shape(self, numbers: Iterable[int]) -> list[list[int]]:
        """Numbers of the matrices of one shape, which are made orthogonal in one go."""
        groups: dict[tuple[int, int], list[int]] = {}
        for i in numbers:
            weight = self._matrices[i]
            groups.setdefault((len(weight), weight[0].numel()), []).append(i)
        return list(groups.values())

    def _move(self, numbers: list[int], gradients: list[Tensor]) -> None:
        weights = [self._matrices[i] for i in numbers]
        parameters = [_inner_last(w, w).view(len(w), -1) for w in weights]
        pairs = [(self._momenta[i], self._matrices[i]) for i in numbers]
        momenta = [_inner_last(m, w).view(len(w), -1) for m, w in pairs]
        pulls = [_inner_last(g, w).flatten(1) for g, w in zip(gradients, weights, strict=True)]
        torch._foreach_lerp_(momenta, pulls, 1 - _MOMENTUM)
        # Nesterov: the momentum as it will be if the next gradient is like this one.
        steps = orthogonal(torch.lerp(torch.stack(pulls), torch.stack(momenta), _MOMENTUM))
        size = self._rate * _ROOT_MEAN_SQUARE * max(steps.shape[1:]) ** 0.5
        if self._weight_decay:
            torch._foreach_mul_(parameters, 1 - self._rate * self._weight_decay)
        torch._foreach_add_(parameters, steps.unbind(), alpha=-size)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices `(N, Y, X)` with the same singular vectors and singular values near 1.

    Those of more than a hundredth of the Frobenius norm end between 0.73 and 1.27.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + _EPSILON)
    # Each round is a product with a polynomial of x x'. These commute and are smaller than x, so
    # they are multiplied with one another first.
    gram = x @ x.mT
    product = _factor(gram, *_QUINTICS[0])
    last = product
    for quintic in _QUINTICS[1:]:
        gram = last @ gram @ last
        last = _factor(gram, *quintic)
        product = last @ product
    x = product @ x
    return x.mT if tall else x


def _factor(gram: Tensor, a: float, b: float, c: float) -> Tensor:
    """What a round multiplies its matrices with: a + b g + c g^2."""
    found: Tensor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    found.diagonal(dim1=1, dim2=2).add_(a)
    return found


def _inner_last(values: Tensor, weight: Tensor) -> Tensor:
    """Values of a weight `(out, in, ...)`, all axes but the first in the order of its memory."""
    order = sorted(range(1, weight.ndim), key=weight.stride, reverse=True)
    return values.permute(0, *order)


def _is_matrix(weight: Tensor) -> bool:
    """Whether it is the weight of a convolution with enough rows and columns."""
    return weight.ndim > 2 and min(len(weight), weight[0].numel()) >= _SMALLEST
