"""How the methods that others are compared with are put together."""

from __future__ import annotations

import pytest

from napari_blindspot import methods
from napari_blindspot.inference import GridPhases, PlainPass
from napari_blindspot.masking import Grid
from napari_blindspot.methods import Spec

SPEC_2D, SPEC_3D = (Spec(ndim, 1, (0.0,), (1.0,)) for ndim in (2, 3))
THINNED = ("zs_n2n", "neighbor2neighbor", "noise2fast")


@pytest.mark.parametrize("name", THINNED)
def test_noise_is_fitted_where_pixels_were_hidden(name):
    parts = methods.create(name).build(SPEC_2D)
    assert isinstance(parts.blind, Grid)


@pytest.mark.parametrize("name", THINNED)
@pytest.mark.parametrize("spec", [SPEC_2D, SPEC_3D])
def test_patches_can_be_taken_apart_in_their_planes(name, spec):
    *depth, y, x = methods.create(name).build(spec).network.divisor
    assert y % 2 == x % 2 == 0
    assert all(z == 1 for z in depth)


@pytest.mark.parametrize("spacing", [2, 5])
def test_noise2self_predicts_with_the_grid_of_its_training(spacing):
    parts = methods.create("noise2self", {"spacing": spacing}).build(SPEC_3D)
    assert parts.masking == Grid(spacing, planar=True)
    assert parts.predictor == GridPhases(spacing, turns=2)


def test_noise2self_can_show_the_network_every_pixel_at_the_end():
    parts = methods.create("noise2self", {"single_pass": True}).build(SPEC_2D)
    assert parts.predictor == PlainPass(turns=2)
