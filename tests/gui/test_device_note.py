"""Which processor will be used, and why, for every kind of machine."""

from __future__ import annotations

import importlib.machinery
import subprocess
import sys

import pytest

from napari_blindspot._gui import device_note as module
from napari_blindspot._gui.device_note import device_note

CUDA = "__version__ = '2.9.0+cu128'\ncuda: Optional[str] = '12.8'\nhip = None\n"
CPU = "__version__ = '2.9.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n"
ROCM = "__version__ = '2.9.0+rocm6.4'\ncuda = None\nhip = '6.4'\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with a PyTorch build, with or without a card, of two cores."""

    def make(build, *, card=False, platform="linux", processor="x86_64"):
        folder = tmp_path / "torch"
        folder.mkdir()
        (folder / "version.py").write_text(build, encoding="utf-8")
        spec = importlib.machinery.ModuleSpec("torch", None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        device_file = tmp_path / "nvidiactl"
        if card and platform == "linux":
            device_file.touch()
        library = "nvcuda.dll" if card else None
        monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: spec)
        monkeypatch.setattr(module.shutil, "which", lambda name: None)
        monkeypatch.setattr(module.ctypes.util, "find_library", lambda name: library)
        monkeypatch.setattr(module, "_DEVICE_FILE", device_file)
        monkeypatch.setattr(module.sys, "platform", platform)
        monkeypatch.setattr(module.platform, "machine", lambda: processor)
        monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return make


def test_cuda_build_and_card(machine):
    machine(CUDA, card=True)
    assert device_note("auto", 1) == (
        "CUDA: an NVIDIA card was found, and this PyTorch build can use it (CUDA 12.8)."
    )
    assert device_note("cuda", 1) == "CUDA, chosen in the preferences."


@pytest.mark.parametrize("build", [CUDA, CPU])
def test_no_card(machine, build):
    machine(build)
    assert device_note("auto", 1) == (
        "CPU (1 of 2 cores, one is left to napari): no NVIDIA card was found."
    )
    assert device_note("cuda", 1) == (
        "CUDA is chosen in the preferences, but no NVIDIA card was found; choose auto or cpu there."
    )


def test_card_but_a_build_for_the_cpu(machine):
    machine(CPU, card=True)
    assert device_note("auto", 1) == (
        "CPU (1 of 2 cores, one is left to napari): this PyTorch build has no CUDA; to use the "
        "NVIDIA card install one with `pip install --force-reinstall torch "
        "--index-url https://download.pytorch.org/whl/cu128`."
    )


def test_card_that_is_hidden(machine, monkeypatch):
    machine(CUDA, card=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert device_note("auto", 1).endswith("CUDA_VISIBLE_DEVICES hides the NVIDIA card.")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert device_note("auto", 1).startswith("CUDA: ")


def test_card_on_windows_and_by_its_program(machine, monkeypatch):
    machine(CUDA, card=True, platform="win32", processor="AMD64")
    assert device_note("auto", 1).startswith("CUDA: ")
    monkeypatch.setattr(module.ctypes.util, "find_library", lambda name: None)
    assert device_note("auto", 1).startswith("CPU ")
    monkeypatch.setattr(module.shutil, "which", lambda name: f"C:/{name}.exe")
    assert device_note("auto", 1).startswith("CUDA: ")


def test_mac(machine, monkeypatch):
    machine(CPU, platform="darwin", processor="arm64")
    assert device_note("auto", 1).startswith("Apple GPU (MPS): ")
    assert device_note("mps", 1) == "Apple GPU (MPS), chosen in the preferences."
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    assert device_note("auto", 1).startswith("CPU ")
    assert "no Mac with Apple silicon" in device_note("mps", 1)


def test_amd_card(machine):
    machine(ROCM)
    assert device_note("auto", 1) == (
        "An AMD card where there is one, else the CPU: this PyTorch build is for ROCm 6.4."
    )


@pytest.mark.parametrize(
    ("cores", "threads", "words"),
    [
        (1, 1, "CPU (1 core)"),
        (2, 2, "CPU (2 cores)"),
        (8, 7, "CPU (7 of 8 cores, one is left to napari)"),
        (8, 4, "CPU (4 of 8 cores, 4 are left to napari)"),
    ],
)
def test_cpu_as_chosen_says_its_cores(machine, monkeypatch, cores, threads, words):
    machine(CUDA, card=True)
    monkeypatch.setattr(module.os, "cpu_count", lambda: cores)
    assert device_note("cpu", threads) == f"{words}, chosen in the preferences."


def test_the_real_torch_is_read_and_not_imported():
    import torch

    program = (
        "import sys; from napari_blindspot._gui import device_note as m; "
        "print(m._build()); m.device_note('auto', 1); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (f"CUDA {torch.version.cuda}" if torch.version.cuda else "")


@pytest.mark.cuda
def test_a_real_card_is_found():
    assert device_note("auto", 1).startswith("CUDA: ")
