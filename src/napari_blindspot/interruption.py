"""Work of PyTorch that can be ended between any two operations."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor
from torch.overrides import TorchFunctionMode

from napari_blindspot.halting import Halted, Stop, asking, check
from napari_blindspot.openmp import dismiss_helpers

if TYPE_CHECKING:
    from napari_blindspot.halting import StopFlag

T = TypeVar("T")

_INTERVAL_S = 0.02
_MOST_PRODUCTS = 2**29  # of a convolution at once: about 0.1 s of one core
# PyTorch computes smaller convolutions in another way, with other rounding errors: product of the
# first four lengths of the input.
_LEAST_INPUT = 20480
_CONVOLUTIONS = (F.conv2d, F.conv3d)


@contextlib.contextmanager
def obeying(stop: StopFlag, *, aside: bool = False) -> Iterator[None]:
    """Let the work of this thread end as soon as a stop flag says `Stop.HALT`.

    The flag is asked between the operations of PyTorch and wherever `halting.check` is called. No
    number changes. Nothing may be yielded meanwhile.

    Parameters
    ----------
    stop : callable
        The flag.
    aside : bool
        Whether another thread than that of the caller does the work: the flag is asked between the
        operations of the way back, too, and no operation is divided.

    Raises
    ------
    Halted
        Out of the work.
    """
    with asking(stop), _BetweenOperations(aside):
        yield


def aside(work: Callable[[], T], stop: StopFlag) -> T:
    """Result of work that another thread does, which is left to itself if it is to end.

    A single operation of a large network takes a core a second; to divide it takes time. The
    thread ends after the operation at which it is.

    Raises
    ------
    Halted
        As soon as the flag says `Stop.HALT`.
    """

    def obedient() -> T:
        with obeying(stop, aside=True):
            return work()

    dismiss_helpers()
    pool = ThreadPoolExecutor(1, "blindspot-step")
    try:
        result = pool.submit(obedient)
        while not wait([result], _INTERVAL_S).done:
            if stop() is Stop.HALT:
                raise Halted
        return result.result()
    finally:
        pool.shutdown(wait=False)


class _BetweenOperations(TorchFunctionMode):
    """Asks before each operation, and divides those that would take too long on a CPU.

    A convolution of a whole tile in 3D takes one core several seconds. Its parts are as fast and
    give the same numbers.
    """

    def __init__(self, aside: bool) -> None:
        super().__init__()
        self._aside = aside

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        # To look at a shape or a type is no operation.
        if getattr(func, "__name__", "") != "__get__":
            check()
        if func in _CONVOLUTIONS and not (self._aside or torch.is_grad_enabled()):
            return _convolved(func, **_named(args, kwargs or {}))
        result = func(*args, **(kwargs or {}))
        if self._aside and isinstance(result, Tensor) and result.requires_grad:
            result.register_hook(_ask)  # type: ignore[no-untyped-call]
        return result


def _ask(gradient: Tensor) -> None:  # noqa: ARG001 - what a hook is given
    check()


_NAMES = ("x", "weight", "bias", "stride", "padding", "dilation", "groups")


def _named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    named = {"x" if name == "input" else name: value for name, value in kwargs.items()}
    return dict(zip(_NAMES, args, strict=False)) | named


def _convolved(
    convolve: Callable[..., Tensor], x: Tensor, weight: Tensor, **options: Any
) -> Tensor:
    """A convolution, slab by slab along the first axis in space where it is large."""
    slabs = _slabs(x, weight, **options)
    if not slabs:
        result: Tensor = convolve(x, weight, **options)
        return result
    edge, *others = _each_axis(options.pop("padding", 0), x.ndim - 2)
    parts = []
    for sample, row in itertools.product(torch.split(x, 1), slabs):
        check()
        shown = _rows(sample, row, edge, weight.shape[2])
        parts.append(convolve(shown, weight, padding=(0, *others), **options))
    height = slabs[-1].stop
    result = torch.empty(
        (len(x), parts[0].shape[1], height, *parts[0].shape[3:]),
        dtype=parts[0].dtype,
        memory_format=_order(parts[0]),
    )
    for target in torch.split(result, 1):
        for row in slabs:
            target[:, :, row] = parts.pop(0)
    return result


def _slabs(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,  # noqa: ARG001 - costs nothing
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,  # noqa: ARG001 - in the shape of the weight
) -> list[slice]:
    """Rows of the output of a sample to be found at once; none where all can be."""
    ndim = x.ndim - 2
    steps = (*_each_axis(stride, ndim), *_each_axis(dilation, ndim))
    if isinstance(padding, str) or x.device.type != "cpu" or any(step != 1 for step in steps):
        return []
    sides = zip(x.shape[2:], weight.shape[2:], _each_axis(padding, ndim), strict=True)
    height, *others = (n - k + 1 + 2 * p for n, k, p in sides)
    products = height * weight.numel() * math.prod(others)
    least = max(_LEAST_INPUT // (x.shape[1] * x.shape[3]) + 2 - weight.shape[2], 1)
    if len(x) * products <= _MOST_PRODUCTS or height < least:
        return []
    count = min(math.ceil(products / _MOST_PRODUCTS), height // least)
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
    padded = F.pad(shown, (0, 0) * (sample.ndim - 3) + (before, after))
    return padded.contiguous(memory_format=_order(sample))


def _order(x: Tensor) -> torch.memory_format:
    """Order in memory."""
    last = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
    is_last = x.is_contiguous(memory_format=last) and not x.is_contiguous()
    return last if is_last else torch.contiguous_format
