"""Every container of `shared/data/formats` through the one path, and out in its own format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_blindspot.events import Finished
from napari_blindspot.io import open_volume
from napari_blindspot.job import Job
from napari_blindspot.run import run

FORMATS = Path(__file__).parents[2] / "shared" / "data" / "formats"
QUICK = {"width": 4, "depth": 1, "patch": 64, "batch": 2}
UM = ("micrometer",)

# File, axes, shape, dtype, and scale and units where the file states them.
CASES = [
    ("bigendian_zyx_u16.tif", "ZYX", (12, 120, 128), "uint16"),
    ("bigtiff_zyx.tif", "ZYX", (12, 120, 128), "uint16"),
    (
        "ij_hyperstack_tzcyx.tif",
        "TZCYX",
        (2, 12, 2, 120, 128),
        "uint16",
        (1.0, 0.5, 1.0, 0.1, 0.1),
        ("", *UM, "", *UM, *UM),
    ),
    ("ij_movie_tyx_u8.tif", "TYX", (8, 128, 256), "uint8"),
    ("ome_multiseries.ome.tif", "ZYX", (12, 120, 128), "uint16"),
    ("ome_pyramid_yx.ome.tif", "YX", (256, 256), "uint16"),
    (
        "ome_tczyx_u16.ome.tif",
        "TCZYX",
        (2, 2, 12, 120, 128),
        "uint16",
        (1.0, 1.0, 0.5, 0.1, 0.1),
        ("", "", *UM * 3),
    ),
    ("ome_zcyx_deflate_tiled.ome.tif", "ZCYX", (12, 2, 120, 128), "uint16"),
    ("rgb_timelapse_tyxs.tif", "TYXS", (2, 200, 220, 3), "uint8"),
    ("rgb_u16.tif", "YXS", (200, 220, 3), "uint16"),
    ("rgb_u8.jpg", "YXS", (200, 220, 3), "uint8"),
    ("rgb_u8.png", "YXS", (200, 220, 3), "uint8"),
    ("rgb_u8.tif", "YXS", (200, 220, 3), "uint8"),
    ("rgb_u8_planar.tif", "SYX", (3, 200, 220), "uint8"),
    ("rgba_u8.tif", "YXS", (200, 220, 4), "uint8"),
    ("singletons_11yx1.tif", "TZYXC", (1, 1, 256, 256, 1), "uint16"),
    ("yx_1row_1x64.tif", "YX", (1, 64), "uint16"),
    ("yx_bool.tif", "YX", (256, 256), "bool"),
    ("yx_constant_u16.tif", "YX", (64, 64), "uint16"),
    ("yx_f16.tif", "YX", (256, 256), "float16"),
    ("yx_f32_0to1.tif", "YX", (256, 256), "float32"),
    ("yx_f32_nan_inf.tif", "YX", (256, 256), "float32"),
    ("yx_f64.tif", "YX", (256, 256), "float64"),
    ("yx_i16_negative.tif", "YX", (256, 256), "int16"),
    ("yx_i8.tif", "YX", (256, 256), "int8"),
    ("yx_miniswhite_u8.tif", "YX", (256, 256), "uint8"),
    ("yx_odd_37x61.tif", "YX", (37, 61), "uint16"),
    ("yx_tiny_5x7.tif", "YX", (5, 7), "uint16"),
    ("yx_u16.png", "YX", (256, 256), "uint16"),
    ("yx_u16_lzma.tif", "YX", (256, 256), "uint16"),
    ("yx_u16_lzw.tif", "YX", (256, 256), "uint16"),
    ("yx_u16_packbits.tif", "YX", (256, 256), "uint16"),
    ("yx_u16_zlib.tif", "YX", (256, 256), "uint16"),
    ("yx_u16_zstd.tif", "YX", (256, 256), "uint16"),
    ("yx_u32.tif", "YX", (256, 256), "uint32"),
    ("yx_u8_saturated.tif", "YX", (256, 256), "uint8"),
    (
        "zarr_v04_tczyx.ome.zarr",
        "TCZYX",
        (2, 2, 12, 120, 128),
        "uint16",
        (1.0, 1.0, 0.5, 0.1, 0.1),
        ("second", "", *UM * 3),
    ),
    ("zarr_v04_yx.ome.zarr", "YX", (256, 256), "uint16", (0.1, 0.1), UM * 2),
    ("zarr_v04_zyx_f32.ome.zarr", "ZYX", (12, 120, 128), "float32", (0.5, 0.1, 0.1), UM * 3),
    (
        "zarr_v05_czyx.ome.zarr",
        "CZYX",
        (2, 12, 120, 128),
        "uint16",
        (1.0, 0.5, 0.1, 0.1),
        ("", *UM * 3),
    ),
    ("zcyx.npy", "ZCYX", (12, 2, 120, 128), "uint16"),
]
STORED = {"yx_f16.tif": "float32"}  # OME-TIFF has no floats of 16 bits


@pytest.mark.usefixtures("few_pixels")
@pytest.mark.skipif(not FORMATS.exists(), reason="shared/data/formats is absent")
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_axes_shape_scale_and_type_are_kept(tmp_path, case):
    name, axes, shape, dtype, *stated = case
    target = tmp_path / name
    job = Job(
        inputs=(str(FORMATS / name),),
        output=str(target),
        method="n2v",
        budget="1steps",
        params=QUICK,
    )
    *_, finished = run(job)
    assert isinstance(finished, Finished)
    source, result = open_volume(FORMATS / name), open_volume(target)
    assert (source.axes, source.shape, source.dtype) == (axes, shape, np.dtype(dtype))
    assert (result.axes, result.shape) == (axes, shape)
    assert result.dtype == np.dtype(STORED.get(name, dtype))
    assert np.isfinite(result.read()).all()
    scale, units = stated or ((1.0,) * len(axes), None)
    for volume in (source, result):
        assert volume.scale == pytest.approx(scale)
        assert units is None or volume.units == units


@pytest.mark.skipif(not FORMATS.exists(), reason="shared/data/formats is absent")
def test_no_case_is_left_out():
    assert {path.name for path in FORMATS.iterdir()} == {case[0] for case in CASES}
