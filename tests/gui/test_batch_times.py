"""Times left, told by a clock that stands still until it is set."""

from __future__ import annotations

import pytest

from napari_blindspot._gui.batch_times import Times
from napari_blindspot._gui.wording import clock_text
from napari_blindspot.batch.events import (
    FileDone,
    FileFailed,
    FileProgress,
    FileStarted,
    ModelReady,
    ModelStarted,
)
from napari_blindspot.budget import Budget
from napari_blindspot.events import Started, Step, Tile


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def begin(file="a.tif"):
    return FileStarted(file, f"out/{file}", 1, 3, "new")


def opened(networks=1):
    return FileProgress("a.tif", Started((8, 8), "YX", "", "N2V2", "CPU", networks))


def step(fraction, network=0):
    return FileProgress("a.tif", Step(network, 1, fraction, 1.0, 1.0))


def tile(done, total):
    return FileProgress("a.tif", Tile(done, total))


def test_a_budget_in_seconds_is_what_a_training_takes(clock):
    times = Times(Budget.parse("40s"), trains_each=True, clock=clock)
    assert times.each_s() == 40
    for event in (begin(), opened(networks=2), step(0.5, network=1)):
        times.hear(event)
    assert times.fraction == 0.75
    assert times.left_s() == 10


def test_a_budget_in_steps_is_told_by_the_pace(clock):
    times = Times(Budget.parse("100steps"), trains_each=True, clock=clock)
    assert times.each_s() is None
    times.hear(begin())
    clock.now += 3
    times.hear(opened())
    assert times.left_s() is None
    clock.now += 5
    times.hear(step(0.25))
    assert times.left_s() == 15
    assert times.each_s() == 23


def test_the_prediction_is_told_by_its_tiles_and_then_by_the_images_before(clock):
    times = Times(Budget.parse("10s"), trains_each=True, clock=clock)
    for event in (begin(), opened(), step(1.0)):
        times.hear(event)
    assert times.predicts
    assert times.left_s() == 0
    clock.now += 2
    times.hear(tile(1, 4))
    assert times.left_s() == 6
    clock.now += 6
    times.hear(tile(4, 4))
    times.hear(FileDone("a.tif", "out/a.tif", 20.0))
    assert not times.predicts
    assert times.left_s() == 0
    assert times.each_s() == 20
    for event in (begin("b.tif"), opened(), step(0.5)):
        times.hear(event)
    assert times.left_s() == 5 + 8


@pytest.mark.parametrize("trains_each", [True, False])
def test_before_anything_is_known_of_an_image_it_takes_as_long_as_those_before(clock, trains_each):
    times = Times(Budget.parse("100steps"), trains_each=trains_each, clock=clock)
    times.hear(begin())
    assert times.left_s() is None
    times.hear(FileDone("a.tif", "out/a.tif", 20.0))
    times.hear(begin("b.tif"))
    clock.now += 3
    assert times.left_s() == 17
    assert times.each_s() == 20


def test_an_image_that_failed_tells_nothing(clock):
    times = Times(Budget.parse("10s"), trains_each=True, clock=clock)
    times.hear(begin())
    clock.now += 0.1
    times.hear(FileFailed("a.tif", "a.tif is empty: 0 bytes.", 0.1))
    assert times.each_s() == 10


def test_a_model_for_all_is_trained_before_anything_is_known(clock):
    times = Times(Budget.parse("10s"), trains_each=False, clock=clock)
    for event in (ModelStarted("m", ("a.tif",)), opened(), step(0.5)):
        times.hear(event)
    assert times.left_s() == 5
    assert times.each_s() is None
    times.hear(step(1.0))
    assert not times.predicts
    times.hear(ModelReady("m", 10.0))
    times.hear(begin())
    clock.now += 1
    times.hear(opened())
    assert times.left_s() is None
    clock.now += 1
    times.hear(tile(1, 2))
    assert times.left_s() == 1
    times.hear(FileDone("a.tif", "out/a.tif", 3.0))
    assert times.each_s() == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (35.4, "0:35"), (59.6, "1:00"), (3725, "1:02:05")]
)
def test_times_are_as_on_a_clock(seconds, text):
    assert clock_text(seconds) == text
