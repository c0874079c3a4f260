"""Heights and labels of losses."""

from __future__ import annotations

import pytest

from napari_blindspot._gui.plot_scale import Scale


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.011, 0.9], [0.01, 0.1, 1.0]),
        ([0.02, 0.4], [0.02, 0.05, 0.1, 0.2]),
        ([1e-7, 0.4], [1e-7, 1e-5, 1e-3, 1e-1]),
        ([-1.3, 2.0], [-1, 0, 1, 2]),
        ([0.41, 0.52], [0.45, 0.5]),
    ],
)
def test_labels_are_few_and_round(values, ticks):
    assert Scale(values).ticks() == pytest.approx(ticks)


@pytest.mark.parametrize(
    "values",
    [[0.5], [0.0], [-3.0], [1e-12, 1e12], [5e-324, 1.0], [1.0, 1.0 + 1e-12], [-1e9, 1e-9], [0, 1]],
)
def test_every_range_has_labels_inside_and_heights_in_order(values):
    scale = Scale(values)
    heights = [scale.height(value) for value in sorted(values)]
    assert heights == sorted(heights)
    assert all(0 < height < 1 for height in heights)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 6
    assert all(-1e-6 <= scale.height(tick) <= 1 + 1e-6 for tick in ticks)


def test_scale_is_logarithmic_only_where_it_can_be():
    scale = Scale([0.01, 1.0])
    assert scale.height(0.1) == pytest.approx(0.5)
    assert Scale([-1.0, 1.0]).height(0.0) == pytest.approx(0.5)
    assert not Scale([0.0, 1.0]).is_log
