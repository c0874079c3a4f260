"""Parts of an image: rectangles, chosen planes, and their texts."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from layer_kinds import odd_layer
from napari_blindspot._gui.parts import joined, part_text, planes_text, rectangle_region
from napari_blindspot._gui.view import InView
from napari_blindspot.params import InputError

WHOLE = slice(0, 5), slice(0, 6)


def image(shape=(5, 6, 300, 400), **fields):
    return Image(np.zeros(shape, np.uint8), contrast_limits=(0, 1), name="cells", **fields)


def rectangle(top, bottom, left, right, *, before=()):
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    return np.array([(*before, *corner) for corner in corners], float)


def shapes(*rectangles, **fields):
    return Shapes(list(rectangles), shape_type="rectangle", name="box", **fields)


def test_a_flat_rectangle_restricts_only_y_and_x():
    box = shapes(rectangle(10, 59, 100.4, 199.6))
    assert rectangle_region(box, image()) == (*WHOLE, slice(10, 60), slice(101, 200))


def test_a_rectangle_on_one_of_many_planes_restricts_only_y_and_x():
    box = shapes(rectangle(10, 59, 100, 199, before=(3, 2)))
    assert rectangle_region(box, image()) == (*WHOLE, slice(10, 60), slice(100, 200))
    assert rectangle_region(box, image((300, 400))) == (slice(10, 60), slice(100, 200))


def test_the_selected_rectangle_counts_else_the_only_one():
    box = shapes(rectangle(0, 49, 0, 49), rectangle(100, 149, 100, 149))
    box.selected_data = {1}
    assert rectangle_region(box, image())[2:] == (slice(100, 150), slice(100, 150))
    box.selected_data = set()
    with pytest.raises(InputError, match="There are 2 rectangles in the layer 'box'; select one"):
        rectangle_region(box, image())
    box.selected_data = {0, 1}
    with pytest.raises(InputError, match="There are 2 rectangles selected"):
        rectangle_region(box, image())


def test_other_shapes_are_no_rectangles():
    box = Shapes([rectangle(0, 49, 0, 49)], shape_type="ellipse", name="box")
    with pytest.raises(InputError, match="There is no rectangle in the layer 'box'; draw one"):
        rectangle_region(box, image())
    with pytest.raises(InputError, match="no rectangle"):
        rectangle_region(Shapes(None, ndim=4), image())
    box.add(rectangle(20, 69, 0, 49), shape_type="rectangle")
    assert rectangle_region(box, image())[2:] == (slice(20, 70), slice(0, 50))


def test_both_layers_are_compared_in_the_world():
    cells = image(scale=(30, 2, 0.5, 0.25), translate=(0, 0, 100, -50))
    box = shapes(rectangle(110, 159.5, 0, 24.75))
    assert rectangle_region(box, cells)[2:] == (slice(20, 120), slice(200, 300))
    box.scale, box.translate = (2, 2), (10, 0)
    moved = rectangle_region(box, cells)[2:]
    assert moved == (slice(260, 300), slice(200, 399))


def test_units_are_converted_where_both_layers_have_them():
    cells = image(scale=(1, 1, 0.5, 0.25), units=("s", "um", "um", "um"))
    box = shapes(rectangle(10_000, 29_500, 10_000, 29_750), units="nm")
    assert rectangle_region(box, cells)[2:] == (slice(20, 60), slice(40, 120))
    plain = shapes(rectangle(10, 29.5, 10, 29.75))
    assert rectangle_region(plain, cells)[2:] == (slice(20, 60), slice(40, 120))


def test_of_an_odd_layer_the_pixels_in_the_box_around_the_rectangle_count():
    cells = odd_layer((5, 6, 300, 400))
    drawn = rectangle(100, 149, 200, 299, before=(0, 0))
    there = [cells.data_to_world(corner) for corner in drawn]
    box = shapes(np.array(there)[:, 2:])
    # A shape keeps its corners in single precision.
    _, _, rows, columns = rectangle_region(box, cells)
    assert abs(rows.start - 100) <= 1
    assert abs(rows.stop - 150) <= 1
    assert abs(columns.start - 200) <= 1
    assert abs(columns.stop - 300) <= 1


def test_a_layer_drawn_with_the_place_of_the_image_has_its_pixels():
    cells = odd_layer((5, 6, 300, 400))
    fields = ("scale", "translate", "rotate", "shear", "affine", "units")
    box = shapes(
        rectangle(100, 149, 200, 299, before=(3, 2)),
        **{field: getattr(cells, field) for field in fields},
    )
    assert rectangle_region(box, cells)[2:] == (slice(100, 150), slice(200, 300))


def test_y_and_x_are_those_that_the_axes_say():
    cells = image((300, 400, 5), axis_labels=("y", "x", "c"))
    box = shapes(rectangle(10, 59, 100, 199)[:, [0, 1, 1]] * (1, 1, 0))
    assert rectangle_region(box, cells) == (slice(10, 60), slice(100, 200), slice(0, 5))
    other = image((300, 400, 5))
    assert rectangle_region(box, other, "YXC")[:2] == (slice(10, 60), slice(100, 200))
    with pytest.raises(InputError, match="has no axes Y and X of 'cells'"):
        rectangle_region(shapes(rectangle(10, 59, 100, 199)), cells)


def test_a_rectangle_over_the_edge_is_cut():
    box = shapes(rectangle(-20, 30, 350, 900))
    assert rectangle_region(box, image())[2:] == (slice(0, 31), slice(350, 400))


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (rectangle(-90, -20, 0, 50), "lies outside 'cells'; draw it on the image"),
        (rectangle(0, 50, 400, 500), "lies outside 'cells'"),
        (rectangle(0, 50, 390, 500), r"51 x 10 pixels of 'cells'; draw one of at least 16 x 16"),
        (rectangle(10, 24, 0, 50), r"15 x 51 pixels"),
    ],
)
def test_a_rectangle_beside_the_image_or_too_small_gets_a_sentence(drawn, message):
    with pytest.raises(InputError, match=message):
        rectangle_region(shapes(drawn), image())


def test_colours_get_a_sentence():
    with pytest.raises(InputError, match="colour image"):
        rectangle_region(shapes(rectangle(0, 30, 0, 30)), image((40, 50, 3), rgb=True))


def test_chosen_planes_as_text():
    assert planes_text("TZYX", {"T": (0, 4), "Z": (3, 3)}) == "T=0:5,Z=3"
    assert planes_text("TZYX", {}) == ""
    shape = (5, 6, 300, 400)
    assert planes_text("TZYX", {"T": (0, 4), "Z": (3, 5)}, shape) == "Z=3:6"
    assert planes_text("TZYX", {"T": (0, 4), "Z": (0, 5)}, shape) == ""
    assert planes_text("ZYX", {"Z": (0, 0)}, (1, 30, 30)) == ""


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"C": (0, 1)}, "There is no axis C to choose from; the image has TZYX"),
        ({"T": (3, 2)}, "T from 3 to 2 is not possible; use places from 0 to 4"),
        ({"T": (-1, 2)}, "T from -1 to 2"),
        ({"T": (0, 5)}, "T from 0 to 5"),
    ],
)
def test_impossible_planes_get_a_sentence(ranges, message):
    with pytest.raises(InputError, match=message):
        planes_text("TZYX", ranges, (5, 6, 300, 400))


def test_impossible_planes_of_unknown_length_get_a_sentence():
    with pytest.raises(InputError, match="T from 3 to 2 is not possible; name the first one first"):
        planes_text("TZYX", {"T": (3, 2)})


def test_a_part_as_text_leaves_out_whole_axes():
    shape = (5, 6, 300, 400)
    assert part_text("TZYX", shape, (*WHOLE, slice(10, 60), slice(0, 400))) == "Y=10:60"
    assert part_text("TZYX", shape, (slice(None),) * 4) == ""
    assert part_text("YX", (9, 9), (slice(0, 9, 3), slice(8, 9))) == "Y=0:9:3,X=8"


def test_texts_are_joined():
    assert joined() is None
    assert joined("", None) is None
    assert joined("T=0:5", "", "Y=10:60,X=0:50") == "T=0:5,Y=10:60,X=0:50"
    with pytest.raises(InputError, match="axis Y is restricted twice, in Y=0:9 and in T=1,Y=3:60"):
        joined("Y=0:9", None, "T=1,Y=3:60")


def test_a_rectangle_and_the_view_of_one_viewer_agree():
    viewer = ViewerModel()
    viewer.canvas.size = (100, 200)
    cells = viewer.add_layer(image(scale=(1, 1, 0.5, 0.5)))
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 75, 100), 4
    height, width = 50 / 4, 100 / 4
    box = shapes(rectangle(75 - height, 75 + height, 100 - width, 100 + width))
    assert rectangle_region(box, cells)[2:] == InView(viewer, cells)()[2:]
