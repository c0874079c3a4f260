"""The contract of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


class Network(nn.Module, ABC):
    """A fully convolutional network for 2D or 3D.

    Attributes
    ----------
    divisor : tuple of int
        Spatial lengths of the input must be multiples of this, per axis.
    halo : tuple of int
        Radius of the receptive field, per axis.
    is_blind : bool
        Whether an output pixel can never depend on its own input pixel.
    bytes_per_value : float or None
        Memory that a prediction takes for each value of its input, at most, so that tiles may be
        much larger than the halo. None: unknown.
    """

    divisor: tuple[int, ...]
    halo: tuple[int, ...]
    is_blind: bool
    bytes_per_value: float | None = None

    def __init__(self, *, divisor: Sequence[int], halo: Sequence[int], is_blind: bool) -> None:
        super().__init__()
        self.divisor = tuple(divisor)
        self.halo = tuple(halo)
        self.is_blind = is_blind

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "b c *space"], mask: Float[Tensor, "b c *space"] | None = None
    ) -> Float[Tensor, "b k *space"]:
        """Output `(B, C_out, *space)` for an input `(B, C, *space)`.

        `mask` is 1 at hidden pixels; networks that do not use it ignore it.
        """
