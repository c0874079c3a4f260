from __future__ import annotations

import torch

from napari_blindspot.chance import Chance
from napari_blindspot.inference import PlainPass
from napari_blindspot.inference.turned import averaged, turns


def test_all_eight_turns_differ_and_undo():
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    copies = {tuple(turn.apply(x).flatten().tolist()) for turn in turns(8)}
    assert len(copies) == 8
    for turn in turns(8):
        assert torch.equal(turn.undo(turn.apply(x)), x)


def test_upright_turns_exchange_no_axes():
    assert [turn.transposed for turn in turns(8, upright=True)] == [False] * 4
    along_x = torch.rand(1, 1, 6, 6).cumsum(-1)
    means = [
        averaged(lambda y: y.mean(-1, keepdim=True).expand_as(y), along_x, count=8, upright=u)
        for u in (True, False)
    ]
    rows = along_x.mean(-1, keepdim=True).expand_as(along_x)
    torch.testing.assert_close(means[0], rows)
    assert not torch.allclose(means[1], rows)


def test_average_of_a_pixelwise_function_is_the_function():
    x = torch.rand(1, 1, 4, 8)
    for count in (1, 2, 5, 8):
        torch.testing.assert_close(averaged(lambda y: y**2, x, count=count), x**2)


def test_all_inputs_are_turned_alike():
    x = torch.rand(1, 1, 4, 8)
    mean = averaged(lambda y, z: y - z, x, 2 * x, count=8)
    torch.testing.assert_close(mean, -x)


def test_plain_pass_averages_turns():
    shift = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        shift.weight.zero_()
        shift.weight[0, 0, 1, 0] = 1
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1
    mean = PlainPass(turns=8).predict(shift, x, Chance(0, (0, 0))).mean[0, 0]
    neighbours = [mean[2, 1], mean[2, 3], mean[1, 2], mean[3, 2]]
    torch.testing.assert_close(torch.stack(neighbours), torch.full((4,), 0.25))
    upright = PlainPass(turns=8, upright=True).predict(shift, x, Chance(0, (0, 0))).mean[0, 0]
    torch.testing.assert_close(upright[2], torch.tensor([0, 0.5, 0, 0.5, 0]))
