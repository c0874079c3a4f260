"""What a run has recorded is enough to do the same again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import scenes
from napari_blindspot import api
from napari_blindspot.events import Finished
from napari_blindspot.halting import Stop
from napari_blindspot.io import open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.params import InputError
from napari_blindspot.run import run

pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]
SMALL = {"width": 8, "depth": 1, "batch": 8, "members": 1}


@pytest.fixture
def noisy(tmp_path):
    image, _ = scenes.noisy_and_clean((2, 96, 88))
    path = tmp_path / "in.ome.tif"
    save_volume(str(path), api.as_volume(image.astype(np.float32), "CYX"))
    return path


def finished(job, stop=lambda: Stop.NO):
    *_, last = run(job, stop)
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize("stop_after", [None, 12])
def test_the_job_beside_a_result_gives_the_same_pixels(noisy, tmp_path, stop_after):
    first, second = (str(tmp_path / f"{name}.ome.tif") for name in "ab")
    asked = [0]

    def stop():
        asked[0] += 1
        return Stop.APPLY if stop_after and asked[0] > stop_after else Stop.NO

    job = Job(inputs=(str(noisy),), output=first, params=SMALL, budget="1.5s")
    done = finished(job, stop)
    recorded = Job.load(f"{first}.job.json")
    assert recorded == done.job
    assert len(recorded.pace) == 2
    finished(dataclasses.replace(recorded, output=second))
    np.testing.assert_array_equal(open_volume(first).read(), open_volume(second).read())


def test_a_part_is_learned_from_and_a_part_denoised(noisy, tmp_path):
    output = str(tmp_path / "part.ome.tif")
    job = Job(
        inputs=(str(noisy),),
        output=output,
        params=SMALL,
        budget="3steps",
        train_on="C=1,Y=0:64",
        apply_on="C=1,Y=30:70,X=8:48",
    )
    finished(job)
    result = open_volume(output)
    assert result.shape[-2:] == (40, 40)
    assert np.isfinite(result.read()).all()


def test_a_part_with_other_channels_than_it_learns_from_is_refused(noisy):
    job = Job(inputs=(str(noisy),), params=SMALL, budget="3steps", train_on="C=1")
    with pytest.raises(InputError, match="different numbers of channels"):
        list(run(job))


def test_threads_are_used_and_given_back(noisy):
    import torch

    before = torch.get_num_threads()
    seen = set()
    for _ in run(Job(inputs=(str(noisy),), params=SMALL, budget="3steps", threads=1)):
        seen.add(torch.get_num_threads())
    assert seen == {1}
    assert torch.get_num_threads() == before
    with pytest.raises(InputError, match="threads=0"):
        Job(threads=0)


def test_a_job_of_an_earlier_version_still_loads():
    text = json.dumps({"inputs": ["a.tif"], "budget": "10s", "method": "n2v"})
    assert Job.from_json(text).pace == ()


def test_a_model_in_memory_is_applied_like_its_file(noisy, tmp_path):
    path = str(tmp_path / "m.safetensors")
    first = finished(Job(inputs=(str(noisy),), params=SMALL, budget="3steps", save_model=path))
    by_file = finished(Job(inputs=(str(noisy),), model=path))
    *_, in_memory = run(Job(inputs=(str(noisy),)), model=first.model)
    np.testing.assert_array_equal(in_memory.denoised.read(), by_file.denoised.read())
