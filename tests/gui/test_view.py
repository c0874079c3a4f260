"""The region in view, as the canvas shows it."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from layer_kinds import odd_layer
from napari_blindspot._gui.view import InView
from napari_blindspot.params import InputError
from napari_blindspot.regions import parse_region


def shown(shape=(5, 300, 400), **fields):
    """A viewer of 200 x 100 canvas pixels whose camera looks at the middle of a layer."""
    viewer = ViewerModel()
    viewer.canvas.size = (100, 200)
    layer = viewer.add_image(np.zeros(shape, np.uint8), contrast_limits=(0, 1), **fields)
    viewer.dims.current_step = (*(n // 2 for n in shape[:-2]), 0, 0)
    look_at(viewer, layer, (150, 200), 2)
    return viewer, layer


def look_at(viewer, layer, place, zoom):
    """Move the camera to a place in pixels, on the plane that is shown."""
    where = (0,) * (layer.ndim - 2) + place
    viewer.scene.camera.center = (0.0, *layer.data_to_world(where)[-2:])
    viewer.scene.camera.zoom = zoom


def test_the_view_is_one_place_and_what_the_canvas_shows_of_the_plane():
    viewer, layer = shown()
    view = InView(viewer, layer)
    assert view() == (slice(2, 3), slice(125, 176), slice(150, 251))
    viewer.dims.set_current_step(0, 4)
    assert view() == (slice(4, 5), slice(125, 176), slice(150, 251))
    look_at(viewer, layer, (0, 400), 2)
    assert view() == (slice(4, 5), slice(0, 26), slice(350, 400))
    viewer.scene.camera.zoom = 0.01
    assert view() == (slice(4, 5), slice(0, 300), slice(0, 400))


def test_the_scale_of_a_layer_counts():
    viewer, layer = shown(scale=(3, 0.5, 0.25), translate=(9, -20, 30))
    viewer.scene.camera.zoom = 4
    assert InView(viewer, layer)() == (slice(2, 3), slice(125, 176), slice(100, 301))


def test_the_units_of_a_layer_count_where_another_has_smaller_ones():
    viewer, layer = shown((5, 300, 400), scale=(2, 0.5, 0.25), units="micrometer")
    other = viewer.add_image(
        np.zeros((5, 300, 400)),
        scale=(2000, 500, 250),
        units="nanometer",
        contrast_limits=(0, 1),
    )
    view, of_other = InView(viewer, layer), InView(viewer, other)
    viewer.dims.set_current_step(0, 3)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 75_000, 50_000), 0.004
    assert viewer.dims.units == other.units
    assert view() == of_other() == (slice(3, 4), slice(125, 176), slice(100, 301))


def test_of_a_turned_layer_the_view_is_all_that_the_canvas_shows():
    viewer, layer = shown(rotate=30)
    _, rows, columns = InView(viewer, layer)()
    half = np.array([25, 50])
    turned = np.abs(
        [[np.cos(np.pi / 6), np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]]
    )
    height, width = turned @ half * 2
    assert rows.stop - rows.start == pytest.approx(height, abs=2)
    assert columns.stop - columns.start == pytest.approx(width, abs=2)
    assert rows.start + rows.stop == pytest.approx(300, abs=2)


def test_every_corner_of_the_canvas_is_in_view_of_an_odd_layer():
    viewer = ViewerModel()
    viewer.canvas.size = (100, 200)
    layer = viewer.add_layer(odd_layer((5, 6, 300, 400)))
    viewer.dims.current_step = (1, 4, 0, 0)
    look_at(viewer, layer, (150, 200), 9)
    region = InView(viewer, layer)()
    time, plane, rows, columns = region
    seen = layer.world_to_data((*viewer.dims.point[:2], *viewer.scene.camera.center[-2:]))
    np.testing.assert_allclose(seen[2:], (150, 200))
    assert (time, plane) == (slice(1, 2), slice(4, 5))
    for corner in np.ndindex(2, 2):
        off = (np.array(corner) - 0.5) * (100, 200) / 9
        at = (*viewer.dims.point[:2], *(viewer.scene.camera.center[-2:] + off))
        row, column = layer.world_to_data(at)[2:]
        assert rows.start - 1 <= row <= rows.stop
        assert columns.start - 1 <= column <= columns.stop
    assert rows.stop - rows.start < 150


def test_the_axes_in_view_are_those_that_are_displayed():
    viewer, layer = shown((40, 300, 400))
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_current_step(1, 77)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 20, 200), 2
    assert InView(viewer, layer)() == (slice(0, 40), slice(77, 78), slice(150, 251))


def test_a_flat_layer_below_a_deep_one_has_its_own_axes():
    viewer, _ = shown((5, 6, 300, 400))
    flat = viewer.add_image(np.zeros((300, 400)), contrast_limits=(0, 1))
    view = InView(viewer, flat)
    assert view() == (slice(125, 176), slice(150, 251))
    viewer.dims.order = (2, 3, 0, 1)
    assert view() is None


def test_at_most_1024_pixels_around_the_middle_are_in_view():
    viewer, layer = shown((3, 5000, 6000))
    viewer.scene.camera.center = (0, 2500, 3000)
    viewer.scene.camera.zoom = 0.01
    view = InView(viewer, layer)
    assert view() == (slice(1, 2), slice(1988, 3012), slice(2488, 3512))
    # To learn from, all of it.
    assert view.text("TYX") == "T=1"


def test_of_several_levels_the_view_is_in_pixels_of_the_finest():
    viewer = ViewerModel()
    viewer.canvas.size = (100, 200)
    levels = [np.zeros((2048 // n, 2048 // n), np.uint8) for n in (1, 2, 4)]
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 1))
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 1000, 1000), 0.5
    assert InView(viewer, layer)() == (slice(900, 1101), slice(800, 1201))


def test_nothing_is_in_view_in_3d_or_hidden_or_beside_the_layer_or_without_it():
    viewer, layer = shown()
    view = InView(viewer, layer)
    there = view()
    viewer.dims.ndisplay = 3
    assert view() is None
    viewer.dims.ndisplay = 2
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 150, 200), 2
    assert view() == there
    layer.visible = False
    assert view() is None
    layer.visible = True
    assert view() == there
    viewer.scene.camera.center = (0, -900, 200)
    assert view() is None
    viewer.scene.camera.center = (0, 150, 200)
    assert view() == there
    viewer.layers.remove(layer)
    assert view() is None
    with pytest.raises(InputError, match="Nothing of the layer 'Image' is in view"):
        view.text("TYX")


def test_a_place_beyond_the_last_plane_of_a_layer_shows_nothing_of_it():
    viewer, layer = shown((5, 300, 400))
    viewer.add_image(np.zeros((50, 300, 400), np.uint8), contrast_limits=(0, 1))
    view = InView(viewer, layer)
    viewer.dims.set_current_step(0, 4)
    assert view() is not None
    viewer.dims.set_current_step(0, 5)
    assert view() is None


def test_what_moves_a_layer_moves_the_view():
    viewer, layer = shown()
    view = InView(viewer, layer)
    layer.translate = (0, 50, 0)
    assert view()[1] == slice(75, 126)
    layer.data = layer.data[:, :100]
    assert view()[1] == slice(75, 100)
    viewer.canvas.size = (20, 200)
    assert view()[1] == slice(95, 100)
    viewer.canvas.size = (100, 200)
    viewer.add_image(np.zeros((100, 400)), contrast_limits=(0, 1))
    viewer.canvas.grid.enabled = True
    assert viewer.canvas.viewbox_size(viewer.layers)[1] == 100
    assert view()[2] == slice(175, 226)


def test_in_a_part_the_view_is_counted_in_its_pixels():
    viewer, layer = shown((9, 300, 400))
    part = (slice(2, 9, 2), slice(140, 200), slice(0, 400))
    view = InView(viewer, layer, part)
    assert view() == (slice(1, 2), slice(0, 36), slice(150, 251))
    viewer.dims.set_current_step(0, 5)
    assert view() is None
    viewer.dims.set_current_step(0, 8)
    assert view() == (slice(3, 4), slice(0, 36), slice(150, 251))
    look_at(viewer, layer, (290, 200), 2)
    assert view() is None


def test_the_text_leaves_out_channels_and_whole_axes():
    viewer, layer = shown((5, 2, 300, 400))
    view = InView(viewer, layer)
    assert view.text("TCYX") == "T=2,Y=125:176,X=150:251"
    assert view.text("TZYX") == "T=2,Z=1,Y=125:176,X=150:251"
    assert parse_region(view.text("TCYX"))["Y"] == slice(125, 176, 1)
    viewer.scene.camera.zoom = 0.3
    assert view.text("TCYX") == "T=2"


def test_another_thread_may_ask_while_the_slider_moves():
    viewer, layer = shown((20, 300, 400))
    view, seen, moves = InView(viewer, layer), [], threading.Event()

    def ask():
        while not moves.wait(0.001):
            seen.append(view())

    thread = threading.Thread(target=ask)
    thread.start()
    for place in range(20):
        viewer.dims.set_current_step(0, place)
    moves.set()
    thread.join()
    assert seen
    assert all(region[0].stop == region[0].start + 1 for region in seen)
    assert view()[0] == slice(19, 20)


def test_closed_it_follows_no_longer():
    viewer, layer = shown()
    view = InView(viewer, layer)
    before = view()
    view.close()
    view.close()
    viewer.dims.set_current_step(0, 0)
    viewer.scene.camera.zoom = 9
    layer.visible = False
    viewer.layers.remove(layer)
    assert view() == before


def test_forgotten_it_is_no_burden():
    viewer, layer = shown()
    forgotten = weakref.ref(InView(viewer, layer))
    gc.collect()
    assert forgotten() is None
    viewer.dims.set_current_step(0, 0)


@pytest.mark.gui
def test_the_canvas_shows_what_the_view_says(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    fine = np.zeros((4, 512, 640), np.uint8)
    layer = viewer.add_image(fine, contrast_limits=(0, 1), scale=(1, 0.5, 0.25))
    levels = [np.zeros((512 // n, 640 // n), np.uint8) for n in (1, 2, 4)]
    pyramid = viewer.add_image(
        levels, multiscale=True, contrast_limits=(0, 1), scale=(0.5, 0.25), visible=True
    )
    view, of_pyramid = InView(viewer, layer), InView(viewer, pyramid)
    for zoom, centre in ((6.0, (0, 128, 80)), (20.0, (0, 30, 100)), (40.0, (0, 100, 80))):
        viewer.scene.camera.center, viewer.scene.camera.zoom = centre, zoom
        viewer.screenshot(canvas_only=True, flash=False)
        (top, bottom), (left, right) = np.asarray(layer.corner_pixels)[:, 1:].T
        _, rows, columns = view()
        shown_rows, shown_columns = of_pyramid()
        for mine, theirs in ((rows, (top, bottom)), (columns, (left, right))):
            assert mine.start == pytest.approx(theirs[0], abs=2)
            assert mine.stop - 1 == pytest.approx(theirs[1], abs=2)
        assert (shown_rows, shown_columns) == (rows, columns)
    assert rows.stop - rows.start < 100
    viewer.layers.remove(layer)
    assert view() is None
    assert of_pyramid() is not None
    view.close()
    of_pyramid.close()


@pytest.mark.gui
def test_layers_are_split_added_and_left_in_a_real_viewer(make_napari_viewer_proxy):
    from napari_blindspot._gui.layers import split_channels
    from napari_blindspot._gui.look import Look, add_above

    viewer = make_napari_viewer_proxy()
    photo = viewer.add_image(np.full((40, 50, 3), 99, np.uint8), rgb=True, name="photo")
    red, green, blue = split_channels(viewer, photo)
    viewer.layers.selection.active = red
    fields = Look.of(red).denoised("N2V", {"seed": 0})
    new = add_above(viewer, red, np.zeros((40, 50), np.float32), fields)
    names = ["photo", "photo · red", "photo · red · N2V", "photo · green", "photo · blue"]
    assert [each.name for each in viewer.layers] == names
    assert [each.name for each in viewer.layers.selection] == ["photo · red"]
    viewer.layers.remove(green)
    add_above(viewer, green, np.zeros((40, 50)), Look.of(blue).denoised("N2V", {}), select=True)
    assert viewer.layers[-1].name == "photo · blue · N2V"
    assert [each.name for each in viewer.layers.selection] == ["photo · blue · N2V"]
    assert isinstance(new, Image)
    view = InView(viewer, new)
    assert view() == (slice(0, 40), slice(0, 50))
    viewer.dims.ndisplay = 3
    assert view() is None
    view.close()
