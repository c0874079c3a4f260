"""Every TIFF of the reference data: opened as it is, saved and opened again."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_blindspot.io.base import unknown_scale
from napari_blindspot.io.tiff import read_tiff
from napari_blindspot.io.tiff_out import write_tiff

MICRO = "micrometer"

# What each reference file is: axes, shape, dtype, and scale and units of calibrated axes.
FORMATS = {
    "bigendian_zyx_u16": ("ZYX", (12, 120, 128), "uint16"),
    "bigtiff_zyx": ("ZYX", (12, 120, 128), "uint16"),
    "ij_hyperstack_tzcyx": (
        "TZCYX", (2, 12, 2, 120, 128), "uint16",
        {"Z": (0.5, MICRO), "Y": (0.1, MICRO), "X": (0.1, MICRO)},
    ),
    "ij_movie_tyx_u8": ("TYX", (8, 128, 256), "uint8"),
    "ome_multiseries.ome": ("ZYX", (12, 120, 128), "uint16"),
    "ome_pyramid_yx.ome": ("YX", (256, 256), "uint16"),
    "ome_tczyx_u16.ome": (
        "TCZYX", (2, 2, 12, 120, 128), "uint16",
        {"Z": (0.5, MICRO), "Y": (0.1, MICRO), "X": (0.1, MICRO)},
    ),
    "ome_zcyx_deflate_tiled.ome": ("ZCYX", (12, 2, 120, 128), "uint16"),
    "rgb_timelapse_tyxs": ("TYXS", (2, 200, 220, 3), "uint8"),
    "rgb_u16": ("YXS", (200, 220, 3), "uint16"),
    "rgb_u8": ("YXS", (200, 220, 3), "uint8"),
    "rgb_u8_planar": ("SYX", (3, 200, 220), "uint8"),
    "rgba_u8": ("YXS", (200, 220, 4), "uint8"),
    "singletons_11yx1": ("TZYXC", (1, 1, 256, 256, 1), "uint16"),
    "yx_1row_1x64": ("YX", (1, 64), "uint16"),
    "yx_bool": ("YX", (256, 256), "bool"),
    "yx_constant_u16": ("YX", (64, 64), "uint16"),
    "yx_f16": ("YX", (256, 256), "float16"),
    "yx_f32_0to1": ("YX", (256, 256), "float32"),
    "yx_f32_nan_inf": ("YX", (256, 256), "float32"),
    "yx_f64": ("YX", (256, 256), "float64"),
    "yx_i16_negative": ("YX", (256, 256), "int16"),
    "yx_i8": ("YX", (256, 256), "int8"),
    "yx_miniswhite_u8": ("YX", (256, 256), "uint8"),
    "yx_odd_37x61": ("YX", (37, 61), "uint16"),
    "yx_tiny_5x7": ("YX", (5, 7), "uint16"),
    "yx_u16_lzma": ("YX", (256, 256), "uint16"),
    "yx_u16_lzw": ("YX", (256, 256), "uint16"),
    "yx_u16_packbits": ("YX", (256, 256), "uint16"),
    "yx_u16_zlib": ("YX", (256, 256), "uint16"),
    "yx_u16_zstd": ("YX", (256, 256), "uint16"),
    "yx_u32": ("YX", (256, 256), "uint32"),
    "yx_u8_saturated": ("YX", (256, 256), "uint8"),
}  # fmt: skip


def square(x, **others):
    return {"Y": (x, MICRO), "X": (x, MICRO)} | {k: (v, MICRO) for k, v in others.items()}


MICROSCOPES = {
    "calcium_movie/two_photon_TYX": ("TYX", (20, 128, 256), "uint16"),
    "nuclei_3d/cells3d_nuclei_ZYX": ("ZYX", (32, 256, 256), "uint16"),
    "tomogram_3d/cryo_et_ZYX": ("ZYX", (32, 135, 135), "float32"),
    "neubias/xy_16bit__autophagosomes_crop": ("YX", (56, 51), "uint16"),
    "neubias/xy_8bit__nuclei_very_noisy": ("YX", (135, 147), "uint8"),
    "neubias/xy_8bit__nup": ("YX", (512, 512), "uint8", square(0.263576)),
    "neubias/xy_8bit__some_spots_with_uneven_bg": ("YX", (256, 256), "uint8"),
    "neubias/xy_calibrated_16bit__cells_eres_noisy": (
        "YX", (512, 512), "uint16", square(0.229674),
    ),
    "neubias/xyc_16bit__membranes_nuclei_hot_pixel": ("CYX", (2, 354, 475), "uint16"),
    "neubias/xyc_16bit__nup_nuclei": ("CYX", (2, 420, 476), "uint16"),
    "neubias/xyt_calibrated_16bit__golgi_bfa_sum_projection": (
        "TYX", (30, 137, 147), "float32", {"T": (59.86, "second")} | square(0.351435),
    ),
    "neubias/xyz_16bit__spots": ("ZYX", (17, 88, 89), "uint16", square(0.0941345, Z=0.4)),
    "neubias/xyz_8bit__mitotic_plate_calibrated": (
        "ZYX", (6, 263, 263), "uint8", square(0.0851964, Z=3.0),
    ),
    "neubias/xyzc_16bit__dna_conf_wf": (
        "ZCYX", (45, 2, 130, 133), "uint16", square(0.511878, Z=0.4994126),
    ),
} | {
    f"cbmi_low_snr/crop_0{i}": ("YX", (256, 256), "uint16") for i in range(7)
}  # fmt: skip

REFERENCE = {f"formats/{name}": facts for name, facts in FORMATS.items()} | MICROSCOPES


def test_the_reference_table_is_complete(shared_data):
    folders = ["formats", "neubias", "calcium_movie", "cbmi_low_snr", "nuclei_3d", "tomogram_3d"]
    files = [file for folder in folders for file in (shared_data / folder).glob("*.tif")]
    assert {f"{file.parent.name}/{file.stem}" for file in files} == set(REFERENCE)


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_files_open_and_survive_a_round_trip(shared_data, tmp_path, name):
    axes, shape, dtype, *sizes = REFERENCE[name]
    volume = read_tiff(shared_data / f"{name}.tif")
    assert (volume.axes, volume.shape, volume.dtype) == (axes, shape, dtype)
    expected = {letter: unknown_scale(letter) for letter in axes} | (sizes[0] if sizes else {})
    assert volume.units == tuple(expected[letter][1] for letter in axes)
    assert volume.scale == pytest.approx([expected[letter][0] for letter in axes], rel=1e-5)
    names = ("DNA", "WF") if name == "formats/ome_tczyx_u16.ome" else ()
    assert volume.channel_names == names
    with tifffile.TiffFile(shared_data / f"{name}.tif") as file:
        np.testing.assert_array_equal(volume.read(), file.series[0].asarray())

    note = write_tiff(tmp_path / "a.ome.tif", volume)
    result = read_tiff(tmp_path / "a.ome.tif")
    assert bool(note) == (dtype == "float16")
    assert result.dtype == ("float32" if dtype == "float16" else dtype)
    for kept in ("axes", "shape", "scale", "units", "channel_names"):
        assert getattr(result, kept) == getattr(volume, kept)
    np.testing.assert_array_equal(result.read(), volume.read())
