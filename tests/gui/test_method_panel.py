"""Method, budget and parameters, as a Job takes them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from qtpy.QtWidgets import QLabel, QPushButton

from napari_blindspot import methods
from napari_blindspot._gui.form import Form
from napari_blindspot._gui.method_panel import MethodPanel
from napari_blindspot._gui.section import Section
from napari_blindspot.job import Job
from napari_blindspot.params import InputError

pytestmark = pytest.mark.gui

CHANGED = {
    "method": "laine19",
    "params": {"gain": 3.9, "directions": "two"},
    "budget": "45s",
    "dims": "2D",
    "joint": True,
    "early_stop": True,
    "seed": 7,
}


@pytest.fixture
def panel(qtbot):
    made = MethodPanel()
    qtbot.addWidget(made)
    return made


def test_it_opens_with_the_defaults_of_a_job(panel):
    job = Job()
    assert panel.fields() == {name: getattr(job, name) for name in CHANGED}


@pytest.mark.parametrize("name", methods.available())
def test_every_method_can_be_chosen(panel, name):
    method = methods.get(name)
    panel.method = name
    assert (panel.method, panel.title, panel.has_std) == (name, method.title, method.has_std)
    texts = [label.text() for label in panel.findChildren(QLabel)]
    assert any(method.reference in text and method.assumption[1:] in text for text in texts)
    assert Job(**panel.fields()).method == name


def test_fields_of_a_job_come_back(panel):
    panel.set_fields(CHANGED)
    assert panel.fields() == CHANGED
    assert Job(**panel.fields()) == Job(**CHANGED)
    panel.set_fields({"params": {"patch": 32}, "output": "elsewhere.tif"})
    assert panel.fields() == CHANGED | {"params": {"patch": 32}}


def test_values_are_kept_for_each_method(panel):
    panel.set_fields({"method": "n2v", "params": {"patch": 32}})
    panel.set_fields({"method": "n2v2", "params": {"patch": 48, "depth": 3}})
    panel.method = "n2v"
    assert panel.params == {"patch": 32}
    panel.method = "n2v2"
    assert panel.params == {"patch": 48, "depth": 3}


def test_settings_of_the_paper_are_a_click_away(panel):
    panel.method = "self2self_plus"
    (button,) = [b for b in panel.findChildren(QPushButton) if b.text() == "Settings of the paper"]
    button.click()
    assert Job(**panel.fields()) == Job(method="self2self_plus", budget="paper")
    assert panel.budget == "4000steps"
    assert "4,000 steps" in button.toolTip()
    panel.method = "express"
    assert not button.isVisibleTo(panel)


def test_reset_gives_the_defaults_and_leaves_method_and_budget(panel):
    panel.set_fields(CHANGED)
    (reset,) = [b for b in panel.findChildren(QPushButton) if b.text() == "Reset to defaults"]
    reset.click()
    assert panel.fields() == {
        "method": "laine19",
        "params": {},
        "budget": "45s",
        "dims": "auto",
        "joint": False,
        "early_stop": False,
        "seed": 0,
    }


def test_what_is_folded_away_is_counted(panel, qtbot):
    section = panel.findChild(Section)
    panel.show()
    qtbot.waitExposed(panel)
    assert (section.title, section.content.isVisible()) == ("Advanced", False)
    panel.set_fields(CHANGED)
    assert section.title == "Advanced (6 changed)"
    panel.method = "n2v"
    assert section.title == "Advanced (4 changed)"
    section.is_open = True
    assert section.content.isVisible()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": "magic"}, "Method 'magic' is not known"),
        ({"budget": "soon"}, "budget='soon' is not known"),
        ({"params": {"depth": 99}}, "depth=99 is not allowed"),
        ({"dims": "4D"}, "dims='4D' is not allowed"),
        ({"seed": -1}, "seed=-1 is not allowed"),
    ],
)
def test_what_is_not_allowed_is_refused(panel, fields, words):
    before = panel.fields()
    with pytest.raises(InputError, match=words):
        panel.set_fields(fields)
    assert panel.fields() == before


def test_change_is_told_once(panel):
    told = []
    panel.changed.connect(lambda: told.append(panel.fields()))
    panel.set_fields(CHANGED)
    assert told == [CHANGED]
    panel.set_fields(CHANGED)
    assert len(told) == 1
    panel.method = "n2v"
    panel.budget = "quick"
    assert [told[-2]["method"], told[-1]["budget"]] == ["n2v", "quick"]


OPENING = """
import sys, time
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari_blindspot._gui.form import Form
from napari_blindspot._gui.method_panel import MethodPanel
from napari_blindspot._gui.progress_panel import ProgressPanel
began = time.process_time()
panels = [MethodPanel(), ProgressPanel()]
print(time.process_time() - began)
sys.exit("torch was imported" if "torch" in sys.modules else 0)
"""


def test_it_opens_at_once_and_without_torch():
    done = subprocess.run([sys.executable, "-c", OPENING], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.1


@pytest.mark.parametrize("name", methods.available())
def test_fields_of_method_and_general_options_are_in_line(panel, qtbot, name):
    panel.show()
    qtbot.waitExposed(panel)
    panel.findChild(Section).is_open = True
    panel.method = name
    last = [
        form.field(list(form.values)[-1]).widget
        for form in panel.findChildren(Form)
        if form.isVisible()
    ]
    assert len(last) == 2
    qtbot.waitUntil(lambda: len({w.mapTo(panel, w.rect().topLeft()).x() for w in last}) == 1)
