from __future__ import annotations

import pytest

import scenes
from napari_blindspot import api, methods
from napari_blindspot.methods import Spec

SPEC = Spec(2, 1, (0.0,), (1.0,))


def test_lambda_grows_from_2_to_its_end_and_no_farther():
    method = methods.create("blind2unblind", {"visible": 10.0})
    parts = method.build(SPEC)
    found = [parts.loss.visible]
    for _ in (*parts.recipe.noise_updates, "one more"):
        parts = method.renoised(parts, ())
        found.append(parts.loss.visible)
    assert found == pytest.approx([2, 4, 6, 8, 10, 10])
    assert parts.loss.blind == 1.0


@pytest.mark.usefixtures("few_pixels")
def test_lambda_grows_during_the_training(monkeypatch):
    seen = []
    cls = methods.get("blind2unblind")
    original = cls.renoised

    def noted(self, parts, laws):
        after = original(self, parts, laws)
        seen.append((len(laws), after.loss.visible))
        return after

    monkeypatch.setattr(cls, "renoised", noted)
    noisy, _ = scenes.noisy_and_clean((32, 32))
    small = {"width": 8, "depth": 1, "patch": 32, "batch": 1}
    api.denoise(noisy, method="blind2unblind", budget="20steps", **small)
    assert seen == [(1, 6.5), (1, 11.0), (1, 15.5), (1, 20.0)]
