from __future__ import annotations

import pytest
import torch

from napari_blindspot.masking import Stratified, pattern_offsets


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("space", [(64, 64), (37, 61), (9, 30, 31)])
@pytest.mark.parametrize("replacement", ["uniform", "median"])
def test_fraction_determinism_and_untouched_input(space, replacement):
    noisy = torch.rand(3, 2, *space)
    kept = noisy.clone()
    scheme = Stratified(0.02, 5, replacement)
    first, second = (scheme.sample(noisy, seeded()) for _ in range(2))
    assert torch.equal(noisy, kept)
    assert torch.equal(first.input, second.input)
    assert torch.equal(first.mask, second.mask)
    assert float(first.mask.mean()) == pytest.approx(0.02, rel=0.2)
    assert torch.equal(first.input[first.mask == 0], noisy[first.mask == 0])


@pytest.mark.parametrize("fraction", [0.02, 0.2])
@pytest.mark.parametrize("replacement", ["uniform", "median"])
def test_the_value_of_a_masked_pixel_appears_nowhere(fraction, replacement):
    noisy = torch.arange(2.0 * 40 * 40).reshape(2, 1, 40, 40)
    pair = Stratified(fraction, 5, replacement).sample(noisy, seeded())
    hidden = noisy[pair.mask == 1]
    assert len(hidden) > 50
    assert not torch.isin(pair.input, hidden).any()


def test_replacements_come_from_the_neighbourhood():
    noisy = torch.arange(50.0 * 50).reshape(1, 1, 50, 50)
    pair = Stratified(0.01, 5).sample(noisy, seeded())
    masked = pair.mask[0, 0].nonzero()
    values = pair.input[pair.mask == 1].long()
    source = torch.stack([values // 50, values % 50], 1)
    distance = (source - masked).abs().amax(1)
    assert int(distance.max()) == 2
    assert int(distance.min()) == 1


def test_median_is_the_median_of_the_neighbours():
    noisy = torch.rand(1, 1, 21, 21)
    pair = Stratified(0.002, 3, "median").sample(noisy, seeded(1))
    y, x = pair.mask[0, 0].nonzero()[0].tolist()
    window = noisy[0, 0, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].flatten()
    neighbours = window[window != noisy[0, 0, y, x]]
    assert pair.input[0, 0, y, x] == neighbours.median()


def test_selection_is_stratified():
    pair = Stratified(1 / 64, 5).sample(torch.rand(1, 1, 64, 64), seeded())
    per_block = pair.mask.unfold(2, 8, 8).unfold(3, 8, 8).sum((-1, -2))
    assert (per_block == 1).all()


@pytest.mark.parametrize(
    ("text", "length", "hidden"),
    [
        ("horizontal", 5, {(0, d) for d in range(-2, 3)}),
        ("vertical", 3, {(d, 0) for d in range(-1, 2)}),
        ("cross", 3, {(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)}),
        ("010/111/000", 3, {(-1, 0), (0, -1), (0, 0), (0, 1)}),
    ],
)
def test_pattern_orientation(text, length, hidden):
    """Around an isolated masked pixel exactly the drawn pixels lose their values."""
    offsets = pattern_offsets(text, length, 2)
    assert set(offsets) == hidden
    noisy = torch.arange(41.0 * 41).reshape(1, 1, 41, 41)
    pair = Stratified(0.002, 11, pattern=offsets).sample(noisy, seeded(2))
    changed = {tuple(p) for p in (pair.input != noisy)[0, 0].nonzero().tolist()}
    masked = pair.mask[0, 0].nonzero().tolist()
    expected = {
        (y + dy, x + dx)
        for y, x in masked
        for dy, dx in hidden
        if 0 <= y + dy < 41 and 0 <= x + dx < 41
    }
    assert masked
    assert changed == expected


def test_no_value_under_a_pattern_appears_anywhere():
    offsets = pattern_offsets("cross", 5, 2)
    noisy = torch.arange(60.0 * 60).reshape(1, 1, 60, 60)
    pair = Stratified(0.01, 11, pattern=offsets).sample(noisy, seeded())
    lost = noisy[pair.input != noisy]
    assert not torch.isin(pair.input, lost).any()


def test_pixels_without_a_visible_neighbour_do_not_count():
    """A pattern larger than the neighbourhood leaves nothing to replace from."""
    offsets = pattern_offsets("11111/11111/11111/11111/11111", 5, 2)
    noisy = torch.rand(1, 1, 30, 30)
    pair = Stratified(0.01, 3, pattern=offsets).sample(noisy, seeded())
    assert float(pair.mask.sum()) == 0


def test_axial_pattern_is_along_z():
    assert set(pattern_offsets("axial", 3, 3)) == {(-1, 0, 0), (0, 0, 0), (1, 0, 0)}
    assert set(pattern_offsets("0/0/0|1/1/1|0/0/0", 3, 3)) == {(0, d, 0) for d in (-1, 0, 1)}


@pytest.mark.parametrize("replacement", ["uniform", "median"])
def test_channels_apart_have_hidden_pixels_of_their_own(replacement):
    noisy = torch.arange(2.0 * 3 * 40 * 40).reshape(2, 3, 40, 40)
    pair = Stratified(0.04, 5, replacement, apart=True).sample(noisy, seeded())
    assert torch.allclose(pair.mask.mean((0, 2, 3)), torch.full((3,), 0.04), rtol=0.2)
    together = (pair.mask[:, 0] * pair.mask[:, 1]).mean()
    assert float(together) < 0.01
    assert torch.equal(pair.input[pair.mask == 0], noisy[pair.mask == 0])
    assert not torch.isin(pair.input, noisy[pair.mask == 1]).any()
    first = torch.arange(6.0).reshape(2, 3, 1, 1) * 40 * 40
    assert ((pair.input >= first) & (pair.input < first + 40 * 40)).all()


def test_a_single_channel_is_hidden_the_same_way_apart_or_together():
    noisy = torch.rand(2, 1, 20, 20)
    pairs = [Stratified(0.04, 5, apart=apart).sample(noisy, seeded()) for apart in (False, True)]
    assert torch.equal(pairs[0].input, pairs[1].input)
    assert torch.equal(pairs[0].mask, pairs[1].mask)
