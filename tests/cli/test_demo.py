from __future__ import annotations

from typer.testing import CliRunner

from napari_blindspot.cli import demo
from napari_blindspot.cli.commands import app
from napari_blindspot.io import open_volume


def test_demo_denoises_a_sample_and_draws_it(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "SAMPLES", ("filaments",))
    folder = tmp_path / "new" / "demo"
    done = CliRunner().invoke(app, ["demo", "--output", str(folder), "--budget", "30steps"])
    assert done.exit_code == 0, done.output
    assert "filaments  PSNR" in done.output
    before, after = (float(part.split()[-1]) for part in done.output.split(" dB")[:2])
    assert after > before + 5
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "filaments.png",
        "filaments_denoised.ome.tif",
        "filaments_denoised.ome.tif.job.json",
        "filaments_uncertainty.ome.tif",
    }
    uncertainty = open_volume(folder / "filaments_uncertainty.ome.tif").read()
    assert uncertainty.dtype == "float32"
    assert (uncertainty > 0).mean() > 0.9


def test_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["demo", "--output", str(tmp_path / "file" / "demo")])
    assert done.exit_code != 0
    assert "cannot be made" in done.stderr
