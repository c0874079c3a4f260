from __future__ import annotations

import pytest

from napari_blindspot.masking import pattern_offsets
from napari_blindspot.params import InputError


@pytest.mark.parametrize(
    ("text", "ndim", "message"),
    [
        ("diagonal", 2, "horizontal, vertical, cross"),
        ("010/11", 2, "different length"),
        ("0110/1111/0110", 2, "odd number"),
        ("101", 2, "does not hide its centre"),
        ("axial", 2, "needs Z"),
        ("111|111|111", 2, "several planes"),
        ("", 2, "not known"),
    ],
)
def test_unusable_patterns_are_refused(text, ndim, message):
    with pytest.raises(InputError, match=message):
        pattern_offsets(text, 5, ndim)


def test_even_length_is_refused_with_its_neighbours():
    with pytest.raises(InputError, match="use 7 or 9"):
        pattern_offsets("horizontal", 8, 2)
