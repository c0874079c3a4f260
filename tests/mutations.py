"""Opens many mutated files; run by `test_fuzz.py` in a process of its own.

    python mutations.py KIND COUNT SEED FOLDER

Every file must open and be read, or end with an InputError of one sentence, within ten seconds and
without much memory. Prints one line for each file that does neither, and at last the counts.
"""

from __future__ import annotations

import io
import json
import resource
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
import tifffile

from microscope_files import write_czi, write_lif, write_nd2
from napari_blindspot import api
from napari_blindspot.io import Volume, open_volume, save_volume
from napari_blindspot.job import Job
from napari_blindspot.model import load
from napari_blindspot.params import InputError

LIMIT_S = 10
MOST_BYTES = 600 * 2**20  # of growth, decoders included
EXTREMES = [0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63]
ODD = [None, True, -1, 0, 1, 2.5, 1e308, -1e9, 2**70, "", "x", "../../x", [], [[]], {}, {"a": 1}]


def mutated_bytes(data, rng):
    """Flip, overwrite, cut, repeat or remove a few bytes, most of them near the ends."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        near = int(rng.integers(0, len(data)))
        place = min(near, int(rng.integers(0, 600))) if rng.random() < 0.6 else near
        length = int(rng.integers(1, 9))
        choice = rng.integers(0, 5)
        if choice == 0:
            data[place] ^= 1 << int(rng.integers(0, 8))
        elif choice == 1:
            value = EXTREMES[rng.integers(0, len(EXTREMES))]
            data[place : place + 4] = (value % 2**32).to_bytes(4, "little")
        elif choice == 2:
            del data[place : place + length]
        elif choice == 3:
            data[place:place] = data[place : place + length]
        elif rng.random() < 0.3:
            del data[near:]
        else:
            data[place : place + length] = rng.bytes(length)
    return bytes(data)


def mutated_json(value, rng):
    """Replace, remove or repeat one value somewhere in a tree."""
    places = list(walk(value))
    where = places[rng.integers(0, len(places))]
    parent = value
    for key in where[:-1]:
        parent = parent[key]
    odd = ODD[rng.integers(0, len(ODD))]
    if not where:
        return odd
    if rng.random() < 0.25:
        del parent[where[-1]]
    elif rng.random() < 0.1 and isinstance(parent, dict):
        parent[str(odd)] = odd
    else:
        parent[where[-1]] = odd
    return value


def walk(value, path=()):
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from walk(item, (*path, key))


class Tiff:
    """TIFF of several dialects and codecs."""

    def __init__(self, folder):
        self.path = folder / "a.tif"
        stack = np.arange(4 * 24 * 20, dtype=np.uint16).reshape(4, 24, 20)
        ways = [
            {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.5}},
            {"imagej": True, "metadata": {"axes": "TYX"}},
            {"compression": "zlib", "predictor": 2},
            {"tile": (16, 16), "compression": "zstd"},
            {"bigtiff": True, "metadata": None},
            {"compression": "lzw", "rowsperstrip": 5},
        ]
        self.bases = []
        for way in ways:
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, stack, photometric="minisblack", **way)
            self.bases.append(buffer.getvalue())

    def attempt(self, rng):
        base = self.bases[rng.integers(0, len(self.bases))]
        self.path.write_bytes(mutated_bytes(base, rng))
        open_volume(self.path).read()


class Zarr:
    """Metadata of OME-Zarr 0.4 and 0.5, and of their arrays."""

    def __init__(self, folder):
        self.files = []
        for version in ("0.4", "0.5"):
            path = folder / f"{version}.ome.zarr"
            values = np.arange(2 * 24 * 20, dtype=np.uint16).reshape(2, 24, 20)
            volume = Volume(values, "CYX", (1.0, 0.5, 0.5), metadata={"version": version})
            save_volume(path, volume)
            found = [f for f in path.rglob("*") if f.suffix == ".json" or f.name[:2] == ".z"]
            self.files += [(path, file, file.read_text()) for file in found]

    def attempt(self, rng):
        path, file, text = self.files[rng.integers(0, len(self.files))]
        try:
            if rng.random() < 0.7:
                file.write_text(json.dumps(mutated_json(json.loads(text), rng)))
            else:
                file.write_bytes(mutated_bytes(text.encode(), rng))
            open_volume(path).read()
        finally:
            file.write_text(text)


class Microscope:
    """CZI, LIF or ND2, read through bioio."""

    def __init__(self, folder, suffix, write):
        self.path = folder / f"a.{suffix}"
        write(self.path, np.arange(2 * 2 * 3 * 24 * 20, dtype=np.uint16).reshape(2, 2, 3, 24, 20))
        self.base = self.path.read_bytes()

    def attempt(self, rng):
        self.path.write_bytes(mutated_bytes(self.base, rng))
        open_volume(self.path).read()


class Model:
    """Model files: their header, and the bytes of the file."""

    def __init__(self, folder):
        self.path = folder / "a.safetensors"
        noisy = np.random.default_rng(0).poisson(20, (2, 32, 32))
        api.train(noisy, axes="CYX", budget="2steps", width=4, patch=16, method="n2v").save(
            self.path
        )
        self.base = self.path.read_bytes()
        self.length = int.from_bytes(self.base[:8], "little")

    def attempt(self, rng):
        choice = rng.random()
        data = (
            mutated_bytes(self.base, rng) if choice < 0.3 else self.with_header(rng, choice < 0.8)
        )
        self.path.write_bytes(data)
        load(self.path)

    def with_header(self, rng, ours):
        header = json.loads(self.base[8 : 8 + self.length])
        if ours:
            inner = mutated_json(json.loads(header["__metadata__"]["napari_blindspot"]), rng)
            header["__metadata__"]["napari_blindspot"] = json.dumps(inner)
        else:
            header = mutated_json(header, rng)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + self.base[8 + self.length :]


class Jobs:
    """Jobs in JSON."""

    def __init__(self, folder):
        self.path = folder / "job.json"
        self.base = Job(("a.tif",), "b.tif", params={"width": 8}).to_json()

    def attempt(self, rng):
        if rng.random() < 0.7:
            text = json.dumps(mutated_json(json.loads(self.base), rng)).encode()
        else:
            text = mutated_bytes(self.base.encode(), rng)
        self.path.write_bytes(text)
        Job.load(self.path)


KINDS = {
    "tiff": Tiff,
    "zarr": Zarr,
    "model": Model,
    "job": Jobs,
    "czi": lambda folder: Microscope(folder, "czi", write_czi),
    "lif": lambda folder: Microscope(
        folder, "lif", lambda path, pixels: write_lif(path, {"P1": pixels})
    ),
    "nd2": lambda folder: Microscope(folder, "nd2", write_nd2),
}


def outcome(target, seed):
    """`opened`, `refused`, or what went wrong."""
    signal.alarm(LIMIT_S)
    try:
        target.attempt(np.random.default_rng(seed))
    except InputError as error:
        text = str(error)
        return "refused" if text and "\n" not in text and len(text) < 1000 else f"said {text!r}"
    except Exception:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return "opened"


def main():
    kind, count, first, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    target = KINDS[kind](folder)
    counts = {"opened": 0, "refused": 0}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(first, first + count):
        print(f"{kind} {seed}", end="\r", flush=True)
        found = outcome(target, seed)
        if found in counts:
            counts[found] += 1
        else:
            print(f"{kind} {seed}: {found}", flush=True)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if grown > MOST_BYTES:
        print(f"{kind}: {grown / 2**20:.0f} MB were taken")
    print(json.dumps({**counts, "grown_mb": round(grown / 2**20)}))


if __name__ == "__main__":
    main()
