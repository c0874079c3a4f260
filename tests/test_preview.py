from __future__ import annotations

import numpy as np
import pytest

import scenes
from napari_blindspot import api, methods, preview
from napari_blindspot.events import Finished, Preview, Step, Watching
from napari_blindspot.job import Job
from napari_blindspot.run import run

pytestmark = [pytest.mark.usefixtures("few_pixels"), pytest.mark.no_cover]
SMALL = {"width": 8, "depth": 1, "patch": 32, "batch": 8, "members": 1}


def job_for(name="n2v", budget="12steps", changes=None, **options):
    declared = {p.name for p in methods.get(name).declared()}
    params = {key: value for key, value in {**SMALL, **(changes or {})}.items() if key in declared}
    return Job(method=name, params=params, budget=budget, **options)


def always(region):
    """A preview after every step."""
    return Watching(lambda: region, 0.0)


@pytest.fixture
def eager(monkeypatch):
    """Previews may take all the time."""
    monkeypatch.setattr(preview, "SHARE", 1.0)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", list(methods.available()))
def test_the_region_in_view_is_shown_in_the_units_of_the_image(name):
    noisy, axes, _ = scenes.noisy_for(name, (97, 83))
    before = (slice(1, 2),) * (noisy.ndim - 2)
    region = (*before, slice(10, 60), slice(21, 80))
    volume = api.as_volume(noisy, axes)
    events = list(run(job_for(name), volumes=[volume], watching=always(region)))
    previews = [event for event in events if isinstance(event, Preview)]
    assert len(previews) == 12
    assert [event.step for event in previews] == list(range(1, 13))
    assert previews[-1].image.shape == (*(1 for _ in before), 50, 59)
    assert previews[-1].region == region
    assert np.isfinite(previews[-1].image).all()
    assert abs(previews[-1].image.mean() / noisy[region].mean() - 1) < 0.5


@pytest.mark.usefixtures("eager")
def test_previews_change_nothing_in_the_result():
    noisy, _ = scenes.noisy_and_clean((64, 64))
    volume = api.as_volume(noisy)
    watched = (None, Watching(lambda: (slice(0, 64), slice(0, 64)), 0.0))
    results = [list(run(job_for("express"), volumes=[volume], watching=w))[-1] for w in watched]
    np.testing.assert_array_equal(results[0].denoised.read(), results[1].denoised.read())
    losses = [result.model.networks[0].losses for result in results]
    assert losses[0] == losses[1]


@pytest.mark.usefixtures("eager")
def test_the_last_preview_is_close_to_the_result():
    noisy, _ = scenes.noisy_and_clean((96, 96))
    region = (slice(8, 80), slice(0, 96))
    events = list(
        run(
            job_for("n2v", "60steps", {"turns": 1}),
            volumes=[api.as_volume(noisy)],
            watching=always(region),
        )
    )
    shown = [event for event in events if isinstance(event, Preview)][-1].image
    result = events[-1].denoised.read()[region]
    assert np.abs(shown - result).max() < 0.02 * np.ptp(result)


@pytest.mark.usefixtures("eager")
def test_a_plane_of_a_volume_of_two_channels_over_time():
    noisy, _ = scenes.noisy_and_clean((32, 48, 48))
    noisy = noisy.reshape(2, 2, 8, 48, 48)
    region = (slice(1, 2), slice(0, 2), slice(3, 4), slice(5, 45), slice(0, 48))
    job = job_for(budget="3steps", axes="TCZYX", dims="3D")
    events = list(run(job, volumes=[api.as_volume(noisy, "TCZYX")], watching=always(region)))
    first, *_, last = (event for event in events if isinstance(event, Preview))
    assert first.image.shape == last.image.shape == (1, 2, 1, 40, 48)
    np.testing.assert_array_equal(first.image[:, 1], noisy[region][:, 1])
    assert (last.image[:, 1] != noisy[region][:, 1]).mean() > 0.9
    assert isinstance(events[-1], Finished)


def test_previews_take_less_than_a_tenth_of_the_time(monkeypatch):
    noisy, _ = scenes.noisy_and_clean((512, 512))
    spent = []
    real = preview.Previews.of

    def timed(self, *arguments):
        result = real(self, *arguments)
        spent.append(self._cost_s)
        return result

    monkeypatch.setattr(preview.Previews, "of", timed)
    corner = (slice(0, 128), slice(0, 128))
    events = run(
        job_for("n2v", "6s"),
        volumes=[api.as_volume(noisy)],
        watching=Watching(lambda: corner, 0.05),
    )
    steps = [event for event in events if isinstance(event, Step)]
    assert len(spent) >= 2
    assert sum(spent[:-1]) < 0.1 * steps[-1].elapsed_s


@pytest.fixture
def clock(monkeypatch):
    """Time in seconds, as the previews see it."""
    now = [0.0]
    monkeypatch.setattr(preview.time, "perf_counter", lambda: now[0])
    return now


def seconds_until_due(previews, clock, *, most=60.0):
    began = clock[0]
    while not previews.is_due and clock[0] < began + most:
        clock[0] += 0.01
    return clock[0] - began


@pytest.mark.parametrize(
    ("cost_s", "interval_s", "same_s", "moved_s"),
    [(0.01, 1.0, 1.0, 0.2), (0.2, 1.0, 2.3, 1.91), (0.2, 5.0, 5.0, 1.91), (1.0, 5.0, 11.5, 9.53)],
)
def test_another_region_is_shown_sooner(clock, cost_s, interval_s, same_s, moved_s):
    regions = [(slice(0, 1),)]
    watching = Watching(lambda: regions[0], interval_s)
    previews = preview.Previews(watching, None, None, None, _last=0.0)
    assert seconds_until_due(previews, clock) == pytest.approx(interval_s, abs=0.02)

    def costly(region, network):
        clock[0] += cost_s

    previews._predicted = costly
    previews.of(None, 1)
    assert seconds_until_due(previews, clock) == pytest.approx(same_s, abs=0.02)
    previews.of(None, 2)
    regions[0] = (slice(1, 2),)
    wait_s = seconds_until_due(previews, clock)
    assert wait_s == pytest.approx(moved_s, abs=0.02)
    assert cost_s / (cost_s + wait_s) < 0.1
    previews.of(None, 3)
    regions[0] = None
    assert seconds_until_due(previews, clock) == pytest.approx(same_s, abs=0.02)


def test_nothing_in_view_costs_nothing():
    noisy, _ = scenes.noisy_and_clean((32, 32))
    events = list(run(job_for(), volumes=[api.as_volume(noisy)], watching=Watching(lambda: None)))
    assert not any(isinstance(event, Preview) for event in events)
