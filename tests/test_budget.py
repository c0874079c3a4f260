from __future__ import annotations

import pytest

from napari_blindspot.budget import Budget
from napari_blindspot.params import InputError


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("30s", Budget(seconds=30)),
        ("2m", Budget(seconds=120)),
        ("1.5 m", Budget(seconds=90)),
        ("2000steps", Budget(steps=2000)),
        ("1step", Budget(steps=1)),
        ("instant", Budget(steps=0)),
        ("quick", Budget(seconds=10)),
        ("balanced", Budget(seconds=60)),
        ("best", Budget(seconds=300)),
    ],
)
def test_text(text, budget):
    assert Budget.parse(text) == budget


@pytest.mark.parametrize("text", ["", "fast", "30", "-3s", "0s", "0steps", "3 epochs", "nan s"])
def test_other_text_is_refused_with_the_allowed_forms(text):
    with pytest.raises(InputError, match="quick, balanced, best"):
        Budget.parse(text)


def test_seconds_are_shared_between_networks_and_steps_are_not():
    assert Budget(seconds=30).shared(3) == Budget(seconds=10)
    assert Budget(steps=30).shared(3) == Budget(steps=30)
