"""What the training loop asks of an optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor


class Optimizer(Protocol):
    """Moves parameters along their gradients.

    Attributes
    ----------
    rate : float
        Learning rate of the next step.
    """

    rate: float

    def zero_grad(self) -> None:
        """Forget the gradients."""
        ...

    def step(self) -> None:
        """Move the parameters that have a gradient."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state, by number of the parameter and name."""
        ...

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up a state that was saved; what it lacks is as at the beginning."""
        own = self.tensors()
        with torch.no_grad():
            for name, value in tensors.items():
                own[name].copy_(value)
