"""How the axes of the inputs are understood, as a method wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_blindspot.axes import DIMS, Layout, dims_of
from napari_blindspot.measure import repeats
from napari_blindspot.params import InputError
from napari_blindspot.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_blindspot.axes import Spatial
    from napari_blindspot.io.base import Volume
    from napari_blindspot.methods import Method

MOST_REPEATS = 64
_THINNEST_3D = 8


def space_of(
    volumes: Sequence[Volume], wanted: Spatial | Literal["auto"], method: Method
) -> Spatial:
    """Spatial axes that suit the method and all volumes.

    Raises
    ------
    InputError
        If those that are wanted do not.
    """
    if wanted == "auto":
        thick = all(_length(volume, "Z") >= _THINNEST_3D for volume in volumes)
        wanted = "ZYX" if thick and _is_able(method, "ZYX") else "YX"
    if not _is_able(method, wanted):
        able = next(dims for dims, space in DIMS.items() if _is_able(method, space))
        raise InputError(f"This method does not work in {dims_of(wanted)}; use --dims {able}.")
    letter = wanted[0]
    lacking = next((volume.axes for volume in volumes if letter not in volume.axes), None)
    if lacking and len(wanted) == 3:
        raise InputError(
            f"A {dims_of(wanted)} network needs a {letter} axis, the input has {lacking}; "
            "use --dims 2D."
        )
    return wanted


def _is_able(method: Method, space: Spatial) -> bool:
    """Whether a method works in a space, which must not be that of its repeats."""
    return len(space) in method.dims and not set(method.repeats) & set(space)


def to_learn_from(volume: Volume, space: Spatial, method: Method) -> Layout:
    """Layout of what a method learns from.

    Raises
    ------
    InputError
        If the method needs repeats and there are none, or too many.
    """
    if method.repeats:
        _check_repeats(volume, method)
    return Layout(volume.axes, volume.shape, space, method.repeats)


def to_denoise(volume: Volume, space: Spatial, method: Method) -> Layout:
    """Layout of what is denoised; it needs no repeats."""
    together = method.needs_repeats and method.repeats in volume.axes
    return Layout(volume.axes, volume.shape, space, method.repeats if together else "")


def doubts(volume: Volume, layout: Layout) -> str:
    """What the user should know of the repeats, by a small part of them; mostly empty."""
    if layout.n_repeats < 2:
        return ""
    channels = layout.in_all_repeats(range(layout.n_channels))
    glimpse = Series(volume, layout, channels).glimpse().whole()[0]
    return repeats.warning(glimpse.reshape(layout.n_repeats, -1, *glimpse.shape[1:]))


def _check_repeats(volume: Volume, method: Method) -> None:
    letter, count = method.repeats, _length(volume, method.repeats)
    learns = f"{method.title} learns from frames along {letter} that show the same thing"
    if letter not in volume.axes or count < 2:
        lacks = f"1 place along {letter}" if letter in volume.axes else f"no axis {letter}"
        raise InputError(
            f"{learns}; what it is to learn from has {lacks} ({_described(volume)}). "
            f"{_way_out(volume, method)}"
        )
    if count > MOST_REPEATS:
        raise InputError(
            f"{learns}, 2 to {MOST_REPEATS} of them; the image has {count}. Learn from a part: "
            f"train_on={letter}=0:{MOST_REPEATS}."
        )


def _way_out(volume: Volume, method: Method) -> str:
    """What to do about an image without repeats."""
    letter = method.repeats
    for other in "TZ":
        if other != letter and _length(volume, other) > 1:
            named = volume.axes.replace(letter, "").replace(other, letter)
            fits = len(named) == len(volume.axes)
            rename = f"name it {letter} (axes={named}) or " if fits else ""
            return f"If the frames lie along {other}, {rename}choose repeats={other}."
    return "Give two or more frames of the same sample, or choose another method."


def _described(volume: Volume) -> str:
    return f"axes {volume.axes}, {' × '.join(map(str, volume.shape))}"


def _length(volume: Volume, letter: str) -> int:
    return volume.shape[volume.axes.index(letter)] if letter in volume.axes else 1
