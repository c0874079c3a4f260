"""What is chosen for a batch, and what is said of it."""

from __future__ import annotations

import pytest

from napari_blindspot import methods
from napari_blindspot._gui.batch_options import (
    BatchOptions,
    budget_in_words,
    stopped_in_words,
)
from napari_blindspot._gui.path_edit import PathEdit
from napari_blindspot._gui.wording import in_window_words
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

pytestmark = pytest.mark.gui

FIELDS = {"method": "express", "params": {}, "budget": "balanced", "seed": 3, "threads": 2}


@pytest.fixture
def options(qtbot):
    options = BatchOptions()
    qtbot.addWidget(options)
    options.show_fields(FIELDS)
    options.output.set_default("out")
    return options


def choose(options, words):
    index = options.train.findText(words)
    assert index >= 0
    options.train.setCurrentIndex(index)


@pytest.mark.parametrize(
    ("words", "train"),
    [
        ("each image anew", "each"),
        ("first image, for all", "first"),
        ("all images together", "together"),
    ],
)
def test_a_batch_has_what_is_chosen(options, words, train):
    choose(options, words)
    options.output.set_path(" elsewhere ")
    options.uncertainty.setChecked(True)
    batch = options.batch(["a.tif"], FIELDS)
    assert batch.job == Job(**FIELDS)
    assert (batch.inputs, batch.output, batch.train) == (("a.tif",), "elsewhere", train)
    assert (batch.uncertainty, batch.resume, batch.jobs) == (True, True, 1)


def test_a_saved_model_is_applied(options):
    choose(options, "a saved model…")
    assert "nothing is trained" in options.line.text()
    with pytest.raises(InputError, match="No saved model is chosen; choose one"):
        options.batch(["a.tif"], FIELDS)
    options.model.set_path("cells.safetensors")
    batch = options.batch(["a.tif"], FIELDS)
    assert (batch.job.model, batch.train, batch.output) == ("cells.safetensors", "each", "out")


def test_only_where_it_is_needed_a_model_is_asked_for(options, qtbot):
    options.show()
    assert not options.model.isVisible()
    choose(options, "a saved model…")
    assert options.model.isVisible()


@pytest.mark.parametrize("name", list(methods.available()))
def test_an_uncertainty_is_offered_where_the_method_has_one(options, name):
    options.uncertainty.setChecked(True)
    fields = FIELDS | {"method": name}
    options.show_fields(fields)
    able = methods.get(name).has_std
    assert options.uncertainty.isEnabled() == able
    assert able or options.uncertainty.toolTip().startswith(methods.get(name).title)
    assert options.batch(["a.tif"], fields).uncertainty == able


def test_the_method_and_the_budget_are_those_of_the_other_tab(options):
    assert options.line.text() == "Express, balanced (60 s), as chosen under Denoise"


@pytest.mark.parametrize(
    ("budget", "words"),
    [("quick", "quick (10 s)"), ("2m", "120 s"), ("2000steps", "2000 steps"), ("1steps", "1 step")],
)
def test_a_budget_in_words(budget, words):
    assert budget_in_words(budget) == words


def test_sentences_speak_of_the_boxes_here():
    said = in_window_words("out has a journal; use --resume to go on with it, or choose another")
    assert said == 'out has a journal; tick "Go on where it was left off", or choose another'


@pytest.mark.parametrize("goes_on", [True, False])
def test_after_a_stop_it_is_said_how_to_go_on(goes_on):
    assert ('tick "Go on where it was left off"' in stopped_in_words(goes_on)) != goes_on


def test_a_path_is_the_one_given_or_else_the_default(qtbot):
    edit = PathEdit(lambda parent, path: f"{path}/inner", "Where results go")
    qtbot.addWidget(edit)
    edit.resize(120, 30)
    edit.show()
    edit.set_default("/data/a very long path of a very big disk/denoised")
    assert edit.path.endswith("/denoised")
    shown = edit.findChild(type(edit._line)).placeholderText()
    assert shown.startswith("…")
    assert shown.endswith("denoised")
    edit._ask()
    assert edit.path == "/data/a very long path of a very big disk/denoised/inner"
    edit.set_path("")
    assert edit.path.endswith("/denoised")


def test_a_chooser_that_is_closed_changes_nothing(qtbot):
    edit = PathEdit(lambda parent, path: "", "Where results go")
    qtbot.addWidget(edit)
    edit.set_path("out")
    edit._ask()
    assert edit.path == "out"
