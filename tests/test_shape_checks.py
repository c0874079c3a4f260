"""The suite checks shapes at run time, and notices when it no longer does."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import Float, TypeCheckError

from napari_blindspot.pairs import TrainingPair
from shape_checks import states_shape


def test_wrong_shape_is_noticed():
    image = torch.zeros(1, 1, 8, 8)
    TrainingPair(image, image, image)
    with pytest.raises(TypeCheckError, match="target"):
        TrainingPair(image, image[..., :4], image)


def test_only_annotations_with_a_shape_are_checked():
    shape = Float[torch.Tensor, "b c"]
    assert states_shape(shape)
    assert states_shape(tuple[shape | None, ...])
    assert not states_shape(torch.Tensor | None)
