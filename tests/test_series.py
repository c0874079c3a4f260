from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_blindspot.axes import Layout
from napari_blindspot.halting import Halted, Stop, asking
from napari_blindspot.io.base import Volume
from napari_blindspot.normalization import Normalization
from napari_blindspot.series import Series

SHAPE = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6, "S": 3}


def series(axes, spatial, channels):
    shape = tuple(SHAPE[letter] for letter in axes)
    values = np.arange(np.prod(shape)).reshape(shape)
    return Series(Volume(values, axes), Layout(axes, shape, spatial), channels)


@pytest.mark.parametrize(
    ("axes", "spatial", "channels"),
    [
        ("YX", "YX", (0,)),
        ("XY", "YX", (0,)),
        ("ZYX", "ZYX", (0,)),
        ("ZYX", "YX", (0,)),
        ("TZCYX", "ZYX", (1,)),
        ("CTYX", "YX", (2, 0)),
        ("TCZYX", "YX", (0, 1, 2)),
        ("TYXS", "YX", (1,)),
        ("CYXS", "YX", (4, 7)),
    ],
)
def test_windows_are_those_of_the_whole(axes, spatial, channels):
    some = series(axes, spatial, channels)
    whole = some.whole()
    expected = some.layout.to_samples(some.volume.read())[:, list(channels)]
    np.testing.assert_array_equal(whole, expected)
    window = tuple(slice(1, n - 1) for n in some.space)
    for sample in range(some.n_samples):
        np.testing.assert_array_equal(some.read(sample, window), whole[sample][:, *window])
    assert some.n_values == whole.size


def test_a_window_goes_back_where_it_came_from():
    some = series("TSCYX", "YX", (0,))
    target = np.zeros(some.volume.shape, int)
    window = (slice(1, 4), slice(0, 2))
    for sample, channel in itertools.product(range(2), range(9)):
        pixels = some.layout.to_window(
            some.volume.read(some.layout.region(sample, channel, window))
        )
        target[some.layout.region(sample, channel, window)] = some.layout.from_window(pixels)
    np.testing.assert_array_equal(target[..., *window], some.volume.data[..., *window])


@pytest.mark.parametrize("spatial", ["YX", "ZYX"])
def test_pieces_hold_every_value_once(monkeypatch, spatial):
    monkeypatch.setattr("napari_blindspot.series.PIECE", {2: (2, 4), 3: (3, 2, 4)})
    some = series("TCZYX", spatial, (2, 0))
    values = np.concatenate([piece.reshape(2, -1) for piece in some.pieces()], 1)
    expected = np.moveaxis(some.whole(), 1, 0).reshape(2, -1)
    np.testing.assert_array_equal(np.sort(values, 1), np.sort(expected, 1))


def test_the_scale_of_pieces_is_that_of_the_whole():
    rng = np.random.default_rng(0)
    values = rng.normal(1e6, 3, (4, 2, 40, 50)) * np.array([1, 5])[:, None, None]
    values[0, 0, 0, 0], values[1, 1, 2, 3], values[2] = np.nan, np.inf, -np.inf
    values[3, 0] += 1000
    pieces = Normalization.of_pieces(values)
    whole = Normalization.of(values)
    np.testing.assert_allclose(pieces.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(pieces.std, whole.std, rtol=1e-9)
    assert Normalization.of_pieces([np.full((1, 5), 7)]) == Normalization((7.0,), (1.0,))


class Lazy:
    """Values that are not in memory; tells what was read."""

    def __init__(self, values):
        self.values, self.read = values, []
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, region):
        part = self.values[region]
        self.read.append(part.size)
        return part


@pytest.mark.parametrize(("axes", "channels"), [("TCYX", (0, 1, 2)), ("CZYX", (1,)), ("YX", (0,))])
def test_what_is_not_in_memory_is_read_slab_by_slab(monkeypatch, axes, channels):
    monkeypatch.setattr("napari_blindspot.series._AT_ONCE", 60)
    monkeypatch.setattr("napari_blindspot.series._LEAST_ROWS", 1)
    held = series(axes, "YX", channels)
    lazy = Lazy(held.volume.data)
    loaded = Series(Volume(lazy, axes), held.layout, channels).whole()
    np.testing.assert_array_equal(loaded, held.whole())
    assert loaded.dtype == held.whole().dtype
    assert max(lazy.read) <= max(60, *(lazy.values[:1].size,))


def test_reading_can_be_halted_between_two_slabs(monkeypatch):
    monkeypatch.setattr("napari_blindspot.series._AT_ONCE", 30)
    monkeypatch.setattr("napari_blindspot.series._LEAST_ROWS", 1)
    monkeypatch.setattr("napari_blindspot.halting._INTERVAL_S", 0.0)
    held = series("ZYX", "ZYX", (0,))
    lazy = Lazy(held.volume.data)
    some = Series(Volume(lazy, "ZYX"), held.layout, (0,))
    with pytest.raises(Halted), asking(lambda: Stop.HALT if len(lazy.read) > 1 else Stop.NO):
        some.whole()
    assert len(lazy.read) == 2


def test_a_glimpse_is_small_and_has_all_channels(monkeypatch):
    monkeypatch.setattr("napari_blindspot.series._GLIMPSE", {2: (3, 4), 3: (2, 3, 4)})
    some = series("TCZYX", "YX", (2, 0))
    glimpse = some.glimpse()
    assert glimpse.volume.shape == (1, 3, 1, 3, 4)
    assert glimpse.channels == (2, 0)
    np.testing.assert_array_equal(glimpse.volume.data, some.volume.data[:1, :, 1:2, 1:4, 1:5])
    assert series("TCZYX", "ZYX", (0,)).glimpse().space == (2, 3, 4)
