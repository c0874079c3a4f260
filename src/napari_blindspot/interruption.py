"""Work of PyTorch that can be ended between any two operations."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor
from torch.overrides import TorchFunctionMode

from napari_blindspot.halting import asking, check

if TYPE_CHECKING:
    from napari_blindspot.events import StopFlag

_MOST_PRODUCTS = 2**30  # of a convolution at once: about 0.2 s of one core
# PyTorch computes smaller convolutions in another way, with other rounding errors: product of the
# first four lengths of the input.
_LEAST_INPUT = 20480
_CONVOLUTIONS = (F.conv2d, F.conv3d)


@contextlib.contextmanager
def obeying(stop: StopFlag) -> Iterator[None]:
    """Let the work of this thread end as soon as a stop flag says `Stop.HALT`.

    The flag is asked between the operations of PyTorch and wherever `halting.check` is called. No
    number changes. Nothing may be yielded meanwhile.

    Raises
    ------
    Halted
        Out of the work.
    """
    with asking(stop), _BetweenOperations():
        yield


class _BetweenOperations(TorchFunctionMode):
    """Asks before each operation, and divides those that would take too long on a CPU.

    A convolution of a whole tile in 3D takes one core several seconds. Its parts are as fast and
    give the same numbers.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        check()
        if func in _CONVOLUTIONS and not torch.is_grad_enabled():
            return _convolved(func, **_named(args, kwargs or {}))
        return func(*args, **(kwargs or {}))


_NAMES = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def _named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(_NAMES, args, strict=False)) | dict(kwargs)


def _convolved(
    convolve: Callable[..., Tensor],
    input: Tensor,
    weight: Tensor,
    **options: Any,
) -> Tensor:
    """A convolution, slab by slab along the first axis in space where it is large."""
    slabs = _slabs(input, weight, **options)
    if slabs is None:
        return convolve(input, weight, **options)
    edge, *others = _each_axis(options.pop("padding", 0), input.ndim - 2)
    result = None
    for sample, row in itertools.product(range(len(input)), slabs):
        check()
        shown = _rows(input[sample : sample + 1], row, edge, weight.shape[2])
        part = convolve(shown, weight, padding=(0, *others), **options)
        if result is None:
            height = input.shape[2] + 2 * edge - weight.shape[2] + 1
            shape = (len(input), part.shape[1], height, *part.shape[3:])
            result = torch.empty(shape, dtype=part.dtype, memory_format=_order(part))
        result[sample : sample + 1, :, row] = part
    return cast("Tensor", result)


def _slabs(
    input: Tensor,  # noqa: A002
    weight: Tensor,
    bias: Tensor | None = None,  # noqa: ARG001 - costs nothing
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,  # noqa: ARG001 - in the shape of the weight
) -> list[slice] | None:
    """Rows of the output of a sample to be found at once; None where all can be."""
    ndim = input.ndim - 2
    plain = not isinstance(padding, str) and input.device.type == "cpu"
    steps = (*_each_axis(stride, ndim), *_each_axis(dilation, ndim))
    if not plain or any(step != 1 for step in steps):
        return None
    sides = zip(input.shape[2:], weight.shape[2:], _each_axis(padding, ndim), strict=True)
    height, *others = (n - k + 1 + 2 * p for n, k, p in sides)
    products = height * weight.numel() * math.prod(others)
    if len(input) * products <= _MOST_PRODUCTS:
        return None
    least = _LEAST_INPUT // (input.shape[1] * input.shape[3]) + 1
    most = max(height // max(least - weight.shape[2] + 1, 1), 1)
    count = min(math.ceil(products / _MOST_PRODUCTS), most)
    ends = [height * i // count for i in range(count + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def _each_axis(value: Any, ndim: int) -> tuple[int, ...]:
    return (value,) * ndim if isinstance(value, int) else tuple(value)


def _rows(sample: Tensor, row: slice, edge: int, kernel: int) -> Tensor:
    """What some rows of the output are made of, zeros beyond the border included."""
    first, last = row.start - edge, row.stop - edge + kernel - 1
    before, after = max(-first, 0), max(last - sample.shape[2], 0)
    shown = sample[:, :, first + before : last - after]
    if not before and not after:
        return shown
    return F.pad(shown, (0, 0) * (sample.ndim - 3) + (before, after))


def _order(part: Tensor) -> torch.memory_format:
    """Order in memory of a result."""
    last = torch.channels_last if part.ndim == 4 else torch.channels_last_3d
    is_last = part.is_contiguous(memory_format=last) and not part.is_contiguous()
    return last if is_last else torch.contiguous_format
