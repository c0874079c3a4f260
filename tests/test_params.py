from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_blindspot import params
from napari_blindspot.params import InputError, param


@dataclass(frozen=True)
class Example:
    patch: int = param(64, label="Patch", help="Side.", limits=(16, 512), step=16, unit="px")
    rate: float = param(0.002, label="Rate", help="Rate.", limits=(1e-6, 0.1))
    mode: str = param("a", label="Mode", help="Mode.", choices=("a", "b"))
    fast: bool = param(True, label="Fast", help="Fast.")
    gain: float | None = param(None, label="Gain", help="Gain.", limits=(0, 100))
    name: str = param("x", label="Name", help="Any text.")

    def __post_init__(self):
        params.validate(self)


def test_declaration_keeps_order_type_default_and_limits():
    described = params.describe(Example)
    assert [p.name for p in described] == ["patch", "rate", "mode", "fast", "gain", "name"]
    assert [p.kind for p in described] == [int, float, str, bool, float, str]
    assert described[0].minimum == 16
    assert described[0].unit == "px"
    assert described[4].optional
    assert described[4].default is None


@given(st.integers(16, 512), st.floats(1e-6, 0.1), st.booleans(), st.none() | st.floats(0, 100))
def test_values_survive_text_and_json(patch, rate, fast, gain):
    example = Example(patch=patch, rate=rate, fast=fast, gain=gain)
    as_text = {k: "auto" if v is None else str(v) for k, v in params.to_mapping(example).items()}
    assert params.from_mapping(Example, as_text) == example
    assert params.from_mapping(Example, json.loads(params.to_json(example))) == example


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("patch", "8", "16 to 512"),
        ("patch", "many", "16 to 512"),
        ("patch", 20.5, "16 to 512"),
        ("patch", True, "16 to 512"),
        ("rate", float("nan"), "1e-06 to 0.1"),
        ("mode", "c", "a, b"),
        ("fast", "maybe", "true, false"),
        ("gain", -1.0, "0 to 100 or auto"),
        ("patch", None, "16 to 512"),
    ],
)
def test_error_names_what_was_given_and_what_is_allowed(name, value, allowed):
    with pytest.raises(InputError) as error:
        params.from_mapping(Example, {name: value})
    assert name in str(error.value)
    assert allowed in str(error.value)


def test_unknown_name_lists_the_allowed_ones():
    with pytest.raises(InputError, match=r"'size'.*patch, rate, mode"):
        params.from_mapping(Example, {"size": 3})


def test_whole_floats_become_integers():
    assert isinstance(Example(patch=64.0).patch, int)


def test_allowed_without_limits_names_the_type():
    assert params.describe(Example)[5].allowed() == "any str"
