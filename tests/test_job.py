from __future__ import annotations

import json

import pytest

from napari_blindspot import methods
from napari_blindspot.job import Job
from napari_blindspot.params import InputError


def test_json_round_trip_with_every_field_changed():
    job = Job(
        inputs=("a.tif", "b.tif"),
        output="out.tif",
        uncertainty="std.tif",
        save_model="m.safetensors",
        method="n2v",
        params={"width": "16", "mask_fraction": 0.01},
        budget="500steps",
        axes="ZYX",
        joint=True,
        dims="3D",
        device="cpu",
        seed=7,
        float32=True,
    )
    assert job.params == {"width": 16, "mask_fraction": 0.01}
    assert Job.from_json(job.to_json()) == job


def test_settings_of_the_paper_are_put_into_parameters_and_steps_at_once():
    job = Job(method="self2self", budget="paper", params={"width": 32})
    paper = methods.get("self2self").paper
    assert job.params == {**paper, "width": 32}
    assert job.budget == "150000steps"
    assert Job.from_json(job.to_json()) == job
    assert Job(method="amsnet", budget="paper").budget == "best"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "magic"}, "express"),
        ({"budget": "soon"}, "balanced"),
        ({"method": "express", "budget": "paper"}, "not there for express"),
        ({"dims": "4D"}, "auto, 2D, 3D, 2D.T"),
        ({"params": {"size": 3}}, "Unknown parameter 'size'"),
        ({"seed": True}, "seed=True is not of type int"),
        ({"inputs": "a.tif"}, "inputs='a.tif' is not of type"),
        ({"inputs": [1]}, "inputs"),
        ({"axes": 3}, "axes=3"),
        ({"speed": 3}, "unknown fields"),
        ({"inputs": ["a.tif"], "output": "./a.tif"}, "would overwrite an input"),
        ({"output": "a.tif", "uncertainty": "a.tif"}, "same path"),
    ],
)
def test_unusable_jobs_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        Job.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "{", "3", '"x"'])
def test_other_json_is_refused(text):
    with pytest.raises(InputError, match="job"):
        Job.from_json(text)


def test_file_beside_the_result(tmp_path):
    job = Job(inputs=("a.tif",), output=str(tmp_path / "out.ome.tif"), budget="5steps")
    path = job.save_beside(job.output)
    assert path.name == "out.ome.tif.job.json"
    assert Job.load(path) == job
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_unreadable_files_are_refused(tmp_path, content):
    path = tmp_path / "job.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="Cannot read the job"):
        Job.load(path)
