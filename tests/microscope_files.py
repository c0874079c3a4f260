"""Small files of microscopes: CZI through Zeiss's own library, LIF and ND2 byte by byte.

The pixels are given as (T, C, Z, Y, X), or (T, C, Z, Y, X, S) for colour. Only what the tests need
of a format is written.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

UM = 1e-6


def write_czi(path, pixels, sizes_um=(1.0, 0.25, 0.2), names=(), scenes=1, tiles=False, taken=None):
    """Write a CZI file; sizes are those along Z, Y and X.

    With `tiles`, X is cut in two; `scenes` repeats the image, plus the number of the scene; only
    the first `taken` planes are written.
    """
    from pylibCZIrw import czi

    z_um, y_um, x_um = sizes_um
    with czi.create_czi(str(path), exist_ok=True) as file:
        for scene in range(scenes):
            for t, c, z in [*np.ndindex(pixels.shape[:3])][:taken]:
                plane = np.atleast_3d(pixels[t, c, z]) + pixels.dtype.type(scene)
                half = plane.shape[1] // 2 if tiles else plane.shape[1]
                for start in range(0, plane.shape[1], half):
                    file.write(
                        plane[:, start : start + half],
                        location=(scene * 1000 + start, 0),
                        plane={"T": t, "C": c, "Z": z},
                        scene=scene,
                    )
        file.write_metadata(
            "image",
            channel_names=dict(enumerate(names)),
            scale_x=x_um * UM,
            scale_y=y_um * UM,
            scale_z=z_um * UM,
        )
    if scenes > 1:
        _name_scenes(path, scenes)


def _name_scenes(path, scenes):
    """Zeiss's microscopes list the scenes in the metadata; its library leaves that to others."""
    from pylibCZIrw import czi

    with czi.edit_czi(str(path)) as editor, editor.edit_session() as session:
        root = ElementTree.fromstring(session.get_xml())
        image = root.find("./Metadata/Information/Image")
        listed = ElementTree.SubElement(
            ElementTree.SubElement(_child(image, "Dimensions"), "S"), "Scenes"
        )
        for scene in range(scenes):
            ElementTree.SubElement(listed, "Scene", Index=str(scene), Name=f"P{scene + 1}")
        session.set_xml(ElementTree.tostring(root, encoding="unicode"))


def _child(parent, name):
    found = parent.find(name)
    return ElementTree.SubElement(parent, name) if found is None else found


def write_lif(path, images, sizes_um=(1.0, 0.25, 0.2), interval_s=None, names=()):
    """Write a LIF file of several images, a dict of names and pixels."""
    elements, blocks = [], []
    for number, (name, pixels) in enumerate(images.items()):
        elements.append(_lif_element(name, pixels, number, sizes_um, interval_s, names))
        blocks.append(_lif_order(pixels).tobytes())
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="Project"><Children>'
        f"{''.join(elements)}</Children></Element></LMSDataContainerHeader>"
    )
    with path.open("wb") as file:
        text = xml.encode("utf-16-le")
        file.write(struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(text) // 2) + text)
        for number, block in enumerate(blocks):
            key = f"MemBlock_{number}".encode("utf-16-le")
            head = struct.pack("<BQBI", 0x2A, len(block), 0x2A, len(key) // 2) + key
            file.write(struct.pack("<II", 0x70, len(head)) + head + block)


def _lif_order(pixels):
    """Stored are T, Z, C, Y, X, or T, Z, Y, X, S where a pixel has samples."""
    return pixels[:, 0] if pixels.ndim == 6 else pixels.transpose(0, 2, 1, 3, 4)


def _lif_element(name, pixels, number, sizes_um, interval_s, names):
    stored = np.ascontiguousarray(_lif_order(pixels))
    strides = dict(zip("TZYXS" if pixels.ndim == 6 else "TZCYX", stored.strides, strict=True))
    lengths = dict(zip("TCZYXS", pixels.shape, strict=False))
    steps = dict(zip("ZYX", (size * UM for size in sizes_um), strict=True), T=interval_s or 0)
    dimensions = "".join(
        f'<DimensionDescription DimID="{identity}" NumberOfElements="{lengths[letter]}" '
        f'Origin="0" Length="{steps[letter] * (lengths[letter] - 1)!r}" '
        f'Unit="{"s" if letter == "T" else "m"}" BitInc="0" BytesInc="{strides[letter]}"/>'
        for identity, letter in enumerate("XYZT", 1)
    )
    several = "S" if pixels.ndim == 6 else "C"
    channels = "".join(
        f'<ChannelDescription DataType="{int(pixels.dtype.kind == "f")}" '
        f'ChannelTag="{index + 1 if several == "S" else 0}" '
        f'Resolution="{8 * pixels.dtype.itemsize}" NameOfMeasuredQuantity="" Min="0" Max="1" '
        f'Unit="" LUTName={quoteattr((*names, *["Gray"] * 9)[index])} '
        f'IsLUTInverted="0" BytesInc="{index * strides[several]}" BitInc="0"/>'
        for index in range(lengths[several])
    )
    return (
        f"<Element Name={quoteattr(name)}><Data><Image><ImageDescription>"
        f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"
        f'</ImageDescription></Image></Data><Memory Size="{stored.nbytes}" '
        f'MemoryBlockID="MemBlock_{number}"/></Element>'
    )


def write_nd2(
    path, pixels, sizes_um=(1.0, 0.2), interval_s=None, names=(), positions=1, taken=None
):
    """Write an ND2 file (version 3.0); sizes are those along Z, and along Y and X.

    `positions` repeats the image on the stage, plus the number of the position; only the first
    `taken` frames are written.
    """
    t, c, z = pixels.shape[:3]
    names = [*names, *[f"Channel {number + 1}" for number in range(c)]][:c]
    frames = [
        np.moveaxis(pixels[at, :, plane], 0, 2) + pixels.dtype.type(position)
        for at in range(t)
        for position in range(positions)
        for plane in range(z)
    ][:taken]
    chunks = {
        "ImageAttributesLV!": _lite({"SLxImageAttributes": _attributes(pixels, len(frames))}),
        "ImageMetadataLV!": _lite(_experiment(t, positions, z, sizes_um[0], interval_s)),
        "ImageMetadataSeqLV|0!": _lite({"SLxPictureMetadata": _picture(names, pixels, sizes_um)}),
        "CustomData|AcqTimesCache!": np.arange(len(frames), dtype="<f8").tobytes(),
    }
    for number, frame in enumerate(frames):
        chunks[f"ImageDataSeq|{number}!"] = bytes(8) + np.ascontiguousarray(frame).tobytes()
    _write_chunks(path, chunks)


def _write_chunks(path, chunks):
    signature, table = b"ND2 FILE SIGNATURE CHUNK NAME01!", b""
    data = _chunk(signature, b"Ver3.0".ljust(64, b"\0"), 32)
    for name, content in chunks.items():
        table += name.encode() + struct.pack("<QQ", len(data), len(content))
        data += _chunk(name.encode(), content, 4072)
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", len(data))
    path.write_bytes(data + _chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", table + end, 32))


def _chunk(name, content, reserved):
    return (
        struct.pack("<IIQ", 0x0ABECEDA, reserved, len(content))
        + name.ljust(reserved, b"\0")
        + content
    )


def _attributes(pixels, n_frames):
    n_components = pixels.shape[1] * (pixels.shape[5] if pixels.ndim == 6 else 1)
    bits, (height, width) = 8 * pixels.dtype.itemsize, pixels.shape[3:5]
    return {
        "uiWidth": width,
        "uiWidthBytes": width * n_components * pixels.dtype.itemsize,
        "uiHeight": height,
        "uiComp": n_components,
        "uiBpcInMemory": bits,
        "uiBpcSignificant": bits,
        "uiSequenceCount": n_frames,
        "eCompression": 2,
    }


def _experiment(t, positions, z, z_um, interval_s):
    """Nested loops: time, position on the stage, depth; those of length 1 are left out."""
    points = [{"dPosX": float(number), "dPosName": f"P{number + 1}"} for number in range(positions)]
    period = 1000.0 * (interval_s or 0)
    loops = [
        (t, 1, {"uiCount": t, "dStart": 0.0, "dPeriod": period, "dDuration": period * t}),
        (positions, 2, {"uiCount": positions, "Points": points}),
        (z, 4, {"uiCount": z, "dZStep": float(z_um)}),
    ]
    inner = None
    for count, kind, parameters in reversed(loops):
        if count > 1:
            following = {} if inner is None else {"ppNextLevelEx": [inner]}
            inner = {"eType": kind, "uLoopPars": parameters, **following}
    return {"SLxExperiment": inner or {"eType": 0}}


def _picture(names, pixels, sizes_um):
    samples = pixels.shape[5] if pixels.ndim == 6 else 1
    planes = {
        f"a{number}": {
            "sDescription": name,
            "uiCompCount": samples,
            "uiSampleIndex": number,
            "pFluorescentProbe": {"m_sName": name},
        }
        for number, name in enumerate(names)
    }
    return {
        "bCalibrated": sizes_um[1] > 0,
        "dCalibration": float(sizes_um[1]),
        "sPicturePlanes": {"uiCount": len(names), "sPlaneNew": planes},
    }


def _lite(values):
    """Nikon's binary form of a tree of named values."""
    return b"".join(_item(name, value) for name, value in values.items())


def _item(name, value):
    title = (name + "\0").encode("utf-16-le")
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else (("", each) for each in value)
        inner = [_item(*each) for each in items]
        content = b"".join(inner)
        size = 2 + len(title) + 12 + len(content)
        body = struct.pack("<IQ", len(inner), size) + content + bytes(8 * len(inner))
        return struct.pack("BB", 11, len(name) + 1) + title + body
    kind, body = _value(value)
    return struct.pack("BB", kind, len(name) + 1) + title + body


def _value(value):
    if isinstance(value, bool):
        return 1, struct.pack("B", value)
    if isinstance(value, int):
        return 3, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<d", value)
    return 8, (value + "\0").encode("utf-16-le")
