"""What a result takes over from the layer it was made from, and where it lies."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from layer_kinds import TILTED, counted_dask, odd_layer
from napari_blindspot._gui.layers import KEY
from napari_blindspot._gui.look import Look, add_above, limits_of

SPATIAL = ("scale", "translate", "rotate", "shear")
SHOWN = ("contrast_limits", "gamma", "blending", "interpolation2d", "projection_mode")
RECORD = {"method": "express", "seed": 3}


def assert_lies_like(layer, other):
    for field in SPATIAL:
        np.testing.assert_allclose(getattr(layer, field), getattr(other, field), atol=1e-12)
    np.testing.assert_allclose(layer.affine.affine_matrix, other.affine.affine_matrix)
    assert layer.units == other.units
    assert layer.axis_labels == other.axis_labels


def test_the_denoised_layer_lies_and_looks_exactly_like_the_source():
    viewer = ViewerModel()
    source = viewer.add_layer(odd_layer())
    denoised = viewer.add_image(
        np.zeros(source.data.shape), **Look.of(source).denoised("Express", RECORD)
    )
    assert denoised.name == "odd · Express"
    assert_lies_like(denoised, source)
    for field in SHOWN:
        assert getattr(denoised, field) == getattr(source, field)
    assert denoised.colormap.name == "magma"
    assert denoised.metadata == {"stage": "left", KEY: RECORD}
    assert source.metadata == {"stage": "left"}
    # One unit for all: the scale bar keeps it.
    assert [str(unit) for unit in viewer.layers.extent.units] == ["second"] + 3 * ["micrometer"]


def test_a_look_outlives_its_layer():
    viewer = ViewerModel()
    source = viewer.add_layer(odd_layer())
    look, twin = Look.of(source), odd_layer()
    source.name = "renamed"
    source.scale = (1, 1, 1, 1)
    source.translate = (0, 0, 0, 0)
    source.affine = np.eye(5)
    source.contrast_limits = (0, 1)
    source.colormap = "viridis"
    source.metadata["stage"] = "right"
    viewer.layers.remove(source)
    del source

    denoised = viewer.add_image(np.zeros((5, 6, 40, 50)), **look.denoised("N2V", RECORD))
    assert denoised.name == "odd · N2V"
    assert_lies_like(denoised, twin)
    assert denoised.contrast_limits == [10, 900]
    assert denoised.colormap.name == "magma"
    assert denoised.metadata["stage"] == "left"


def test_what_is_taken_over_is_no_memory_in_common():
    source = odd_layer()
    look = Look.of(source)
    fields = look.denoised("N2V", RECORD)
    fields["metadata"]["stage"] = "elsewhere"
    fields["metadata"][KEY]["seed"] = 4
    assert source.metadata["stage"] == "left"
    assert RECORD["seed"] == 3


def test_uncertainty_and_residual_have_limits_of_their_own():
    look = Look.of(odd_layer())
    values = np.random.default_rng(0).normal(1, 3, (5, 6, 40, 50))

    uncertain = Image(np.abs(values), **look.derived("N2V", "uncertainty", np.abs(values), RECORD))
    assert uncertain.name == "odd · N2V · uncertainty"
    low, high = uncertain.contrast_limits
    assert 0 <= low < 0.1
    assert 8 < high < 14
    assert uncertain.gamma == 1
    assert uncertain.blending == "translucent_no_depth"

    residual = Image(values, **look.derived("N2V", "residual", values, RECORD))
    assert residual.name == "odd · N2V · residual"
    assert residual.colormap.name == "PiYG"
    low, high = residual.contrast_limits
    assert low == -high
    assert 8 < high < 12
    assert residual.colormap.map([0.5]).min() > 0.9
    assert_lies_like(residual, odd_layer())
    assert residual.metadata == uncertain.metadata == {"stage": "left", KEY: RECORD}


def test_limits_of_a_lazy_array_are_those_of_a_sample():
    values = np.random.default_rng(0).normal(size=(200, 64, 64)).astype(np.float32)
    array, counter = counted_dask(values, (1, 64, 64))
    low, high = limits_of(array)
    assert counter.n_pixels == 5 * 64 * 64
    assert low == pytest.approx(-high, rel=0.1)
    assert high == pytest.approx(3.09, rel=0.1)


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.full((9, 9), np.nan), (0, 1)),
        (np.array([[np.nan, 2.0], [np.inf, 4.0]]), (2.002, 3.998)),
        (np.zeros((9, 9), np.uint8), (0, 1)),
        (np.full((9, 9), 1e20), (1e20, 1.001e20)),
        (np.full((9, 9), -5, np.int16), (-5, -4)),
        (np.eye(9, dtype=bool), (0, 1)),
        (np.pad([[100.0]], 500), (0, 100)),
        (np.full((9, 9), 65504, np.float16), (65504, 65569.504)),
        (da.from_array(np.arange(100.0).reshape(10, 10)), (0.099, 98.901)),
    ],
)
def test_limits_are_numbers_that_rise(values, limits):
    assert limits_of(values) == pytest.approx(limits)
    low, high = limits_of(values)
    assert Image(np.zeros((9, 9)), contrast_limits=(low, high)).contrast_limits == [low, high]


REGIONS = [
    (slice(2, 5), slice(1, 4), slice(7, 30), slice(11, 50)),
    (slice(None), slice(3, 4), slice(0, 40), slice(None, 20)),
    (slice(1, 5, 2), slice(0, 6, 3), slice(3, 40, 4), slice(5, 50, 7)),
]
KINDS = {
    "plain": {"rotate": None, "shear": None, "affine": None},
    "in the plane": {},
    "tilted": TILTED,
    "lower shear": {"shear": np.eye(4) + np.tril(np.full((4, 4), 0.2), -1)},
    "mirrored": {"scale": (30.0, -2.0, 0.5, -0.25)},
}


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", REGIONS, ids=["block", "plane", "steps"])
def test_a_part_lies_on_the_source_pixel_by_pixel(kind, region):
    source = odd_layer(**KINDS[kind])
    pixels = source.data[region]
    part = Image(pixels, **Look.of(source).part(region).denoised("N2V", RECORD))

    spans = [range(*span.indices(n)) for span, n in zip(region, source.data.shape, strict=True)]
    for corner in np.ndindex(2, 2, 2, 2):
        own = [(len(span) - 1) * end for span, end in zip(spans, corner, strict=True)]
        there = [span[place] for span, place in zip(spans, own, strict=True)]
        np.testing.assert_allclose(part.data_to_world(own), source.data_to_world(there), atol=1e-9)
        assert part.data[tuple(own)] == source.data[tuple(there)]
    assert part.units == source.units


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_part_of_a_part_lies_on_the_source():
    source = odd_layer(**TILTED)
    look = Look.of(source).part(REGIONS[2]).part((slice(1, 2),) * 4)
    part = Image(source.data[REGIONS[2]][1:2, 1:2, 1:2, 1:2], **look.denoised("N2V", RECORD))
    np.testing.assert_allclose(
        part.data_to_world((0, 0, 0, 0)), source.data_to_world((3, 3, 7, 12)), atol=1e-9
    )


def a_viewer():
    viewer = ViewerModel()
    for name in ("below", "source", "above"):
        viewer.add_image(np.zeros((20, 20)), name=name, contrast_limits=(0, 1))
    return viewer


def names(viewer):
    return [layer.name for layer in viewer.layers]


FIELDS = {"name": "new", "contrast_limits": (0, 1)}


def test_a_result_is_added_directly_above_its_source_and_selects_nothing():
    viewer = a_viewer()
    viewer.layers.selection = set(viewer.layers[:2])
    new = add_above(viewer, viewer.layers["source"], np.zeros((20, 20)), FIELDS)
    assert names(viewer) == ["below", "source", "new", "above"]
    assert {layer.name for layer in viewer.layers.selection} == {"below", "source"}
    assert viewer.layers[2] is new

    viewer.layers.selection.active = viewer.layers["above"]
    add_above(viewer, viewer.layers["below"], np.zeros((20, 20)), {**FIELDS, "name": "other"})
    assert viewer.layers.selection.active.name == "above"
    add_above(viewer, new, np.zeros((20, 20)), FIELDS, select=True)
    assert names(viewer) == ["below", "other", "source", "new", "new [1]", "above"]
    assert viewer.layers.selection.active.name == "new [1]"
    assert len(viewer.layers.selection) == 1


def test_a_result_whose_source_is_gone_is_added_on_top():
    viewer = a_viewer()
    source = viewer.layers.pop(1)
    add_above(viewer, source, np.zeros((20, 20)), FIELDS)
    add_above(viewer, None, np.zeros((20, 20)), {**FIELDS, "name": "newer"})
    assert names(viewer) == ["below", "above", "new", "newer"]


def test_a_lazy_result_of_several_levels_is_added_without_reading_it():
    viewer = a_viewer()
    array, counter = counted_dask(np.ones((50, 64, 64), np.float32), (1, 64, 64))
    levels = [array, array[:, ::2, ::2]]
    new = add_above(viewer, None, levels, FIELDS, multiscale=True)
    assert new.multiscale
    # The plane that is shown, and the thumbnail.
    assert counter.n_reads <= 4
