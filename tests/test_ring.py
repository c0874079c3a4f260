from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
import torch

from napari_blindspot import ring
from napari_blindspot.axes import Layout
from napari_blindspot.halting import Halted, Stop, asking
from napari_blindspot.io.base import Volume
from napari_blindspot.normalization import Normalization
from napari_blindspot.ring import Blocks, Ring
from napari_blindspot.series import Series

PLAIN = Normalization((0.0,), (1.0,))


class Counted:
    """Pixels that count how often they are read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.reads = values, values.shape, values.dtype, 0

    def __getitem__(self, region):
        self.reads += 1
        return self.values[region]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(ring, "PIECE", {2: (8, 8), 3: (2, 8, 8)})
    monkeypatch.setattr(ring, "HELD", 4 * 64)
    monkeypatch.setattr(ring, "BATCHES_PER_BLOCK", 2)


def blocks(*shapes):
    series = []
    for shape in shapes:
        values = np.arange(float(np.prod(shape))).reshape(shape)
        axes = "TZYX"[-len(shape) :]
        layout = Layout(axes, shape, "YX")
        series.append(Series(Volume(Counted(values), axes), layout, (0,)))
    return Blocks(tuple(series), PLAIN, (2, 2), torch.device("cpu"))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_patches_are_windows_of_the_volume():
    ring = Ring(blocks((6, 20, 30)), 4, 3, seeded())
    generator = seeded(1)
    assert ring.pixels == 6 * 20 * 30
    for _ in range(12):
        for patch in ring.draw(generator).noisy:
            assert patch.shape == (1, 4, 4)
            values = patch.flatten().sort().values.to(torch.int64)
            n, rest = divmod(int(values[0]), 600)
            y, x = divmod(rest, 30)
            window = torch.arange(3600).reshape(6, 20, 30)[n, y : y + 4, x : x + 4]
            assert torch.equal(values, window.flatten())


def test_every_part_comes_up_though_few_blocks_are_held():
    source = blocks((20, 8, 8))
    ring = Ring(source, 8, 1, seeded())
    generator = seeded(1)
    seen = {int(ring.draw(generator).noisy.min()) // 64 for _ in range(400)}
    assert seen == set(range(20))
    assert source.series[0].volume.data.reads <= 5 + 400 // 2


def test_the_generator_decides_alone():
    batches = []
    for _ in range(2):
        ring = Ring(blocks((6, 20, 30)), 4, 2, seeded())
        generator = seeded(5)
        batches.append(torch.stack([ring.draw(generator).noisy for _ in range(15)]))
    assert torch.equal(*batches)


@pytest.mark.parametrize("drawn", [0, 1, 2, 5, 9])
def test_a_saved_state_goes_on_with_the_same_batches(drawn):
    ring = Ring(blocks((6, 20, 30)), 4, 2, seeded())
    generator = seeded(5)
    for _ in range(drawn):
        ring.draw(generator)
    other = Ring(blocks((6, 20, 30)), 4, 2, seeded(99))
    other.restore(ring.state())
    again = torch.Generator()
    again.set_state(generator.get_state())
    for _ in range(7):
        assert torch.equal(ring.draw(generator).noisy, other.draw(again).noisy)


def test_inputs_are_drawn_in_proportion_to_their_size():
    source = blocks((3, 16, 16), (1, 16, 16))
    generator = seeded()
    share = np.mean([source.draw(generator)[0] == 0 for _ in range(800)])
    assert share == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize(("shape", "shown"), [((5, 7), (5, 7)), ((1, 7), (2, 7))])
def test_only_axes_shorter_than_the_network_needs_are_padded(shape, shown):
    source = blocks(shape)
    assert source.sides(0) == shape
    assert source.read([0, 0, 0, 0]).noisy.shape == (1, 1, *shown)


def test_what_cannot_be_read_stops_the_training():
    source = blocks((6, 20, 30))
    ring = Ring(source, 4, 1, seeded())
    source.series[0].volume.data.values = None
    generator = seeded()
    batches = iter(lambda: ring.draw(generator).noisy, None)
    with pytest.raises(TypeError):
        list(itertools.islice(batches, 20))


def test_a_slow_disk_does_not_hold_up_a_halt():
    source = blocks((6, 20, 30))
    ring = Ring(source, 4, 1, seeded())
    slow = threading.Event()
    values = source.series[0].volume.data.values

    class Waiting:
        shape, dtype = values.shape, values.dtype

        def __getitem__(self, region):
            slow.wait(60)
            return values[region]

    source.series[0].volume.data.values = Waiting()
    generator, answers = seeded(), itertools.chain([Stop.NO] * 3, itertools.repeat(Stop.HALT))

    def draw_many():
        for _ in range(40):
            ring.draw(generator)

    began = time.perf_counter()
    with pytest.raises(Halted), asking(lambda: next(answers)):
        draw_many()
    assert time.perf_counter() - began < 30
    slow.set()
    ring.draw(generator)
