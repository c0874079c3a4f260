"""Which images a batch has, and what their results are called."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_blindspot.io.formats import SUFFIXES, format_of
from napari_blindspot.params import InputError

if TYPE_CHECKING:
    from napari_blindspot.batch.spec import Batch

_SUFFIX = {
    "tiff": ".ome.tif",
    "ome_zarr": ".ome.zarr",
    "png": ".png",
    "jpeg": ".png",
    "npy": ".npy",
    "czi": ".ome.tif",
    "lif": ".ome.tif",
    "nd2": ".ome.tif",
}


@dataclass(frozen=True)
class Image:
    """An image and the files made from it.

    Attributes
    ----------
    path : Path
        Absolute path of the image.
    output : Path
        Its result.
    uncertainty, model : Path
        Its standard deviation and its model, where they are asked for.
    """

    path: Path
    output: Path
    uncertainty: Path
    model: Path


def find(batch: Batch) -> list[Image]:
    """All images of a batch, sorted, each once, with the names of their results.

    A result keeps the name of its image, without the suffix, and its place below the folder that
    all inputs have in common. Images that would get the same name, such as ``a.tif`` and
    ``a.tiff``, keep their whole names: ``a_tif.ome.tif`` and ``a_tiff.ome.tif``.

    Raises
    ------
    InputError
        If an input does not exist or is of no known format, there is no image, or results would
        lie among the inputs.
    """
    found: dict[Path, Path] = {}
    roots = set()
    for given in batch.inputs:
        for root, path in _expanded(given, batch):
            roots.add(root)
            found.setdefault(path.resolve(), path)
    _refuse_inside(batch.folder, roots)
    kept = sorted(path for real, path in found.items() if _wanted(real, path, batch))
    if not kept:
        where = ", ".join(batch.inputs) or "nothing"
        chosen = "" if batch.pattern == "*" else f" that matches {batch.pattern}"
        raise InputError(
            f"No image{chosen} in {where}; known suffixes are {', '.join(SUFFIXES)}, and "
            "subfolders are searched with --recursive."
        )
    return _named(kept, _common(roots), batch)


def _expanded(given: str, batch: Batch) -> Iterator[tuple[Path, Path]]:
    """Images of one argument, each with the folder that it is counted from."""
    path = _absolute(given)
    if path.exists():
        yield from _of_path(path, batch.recursive)
    elif not glob.has_magic(given):
        raise InputError(f"{given} does not exist.")
    else:
        pattern = Path(given).expanduser()
        root = _absolute(str(_fixed_part(pattern)))
        for match in sorted(glob.glob(str(pattern), recursive=True)):
            found = _absolute(match)
            if found.is_dir() and not _is_image(found):
                yield from ((root, inner) for _, inner in _of_path(found, batch.recursive))
            elif _is_image(found):
                yield root, found


def _of_path(path: Path, recursive: bool) -> Iterator[tuple[Path, Path]]:
    if path.is_dir() and not _is_image(path):
        yield from ((path, inner) for inner in _listed(path, recursive))
    else:
        format_of(path)
        yield path.parent, path


def _listed(folder: Path, recursive: bool) -> Iterator[Path]:
    """Images in a folder; hidden files are none, and image folders are not descended into."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}).") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_image(entry):
            yield entry
        elif recursive and entry.is_dir() and not entry.is_symlink():
            yield from _listed(entry, recursive)


def _is_image(path: Path) -> bool:
    if path.suffix.lower() not in SUFFIXES:
        return False
    return path.is_dir() == format_of(path).is_folder


def _wanted(real: Path, path: Path, batch: Batch) -> bool:
    out = batch.folder.resolve()
    matches = fnmatch.fnmatchcase(path.name.lower(), batch.pattern.lower())
    return matches and not real.is_relative_to(out)


def _refuse_inside(folder: Path, roots: set[Path]) -> None:
    for root in sorted(roots):
        if root.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"The images in {root} lie in the output folder {folder}; choose another one, or "
                "a subfolder of theirs."
            )


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(Path(path).expanduser()))


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    while glob.has_magic(str(pattern)):
        pattern = pattern.parent
    return pattern


def _common(roots: set[Path]) -> Path:
    try:
        return Path(os.path.commonpath([str(root) for root in roots]))
    except ValueError:
        raise InputError("The images lie on different drives; make a batch of each.") from None


def _named(paths: list[Path], root: Path, batch: Batch) -> list[Image]:
    suffixes = {path: _suffix(path, batch) for path in paths}
    plain = {path: batch.folder / path.relative_to(root).parent / _stem(path) for path in paths}
    wanted = Counter(_key(plain[path], suffixes[path]) for path in paths)
    images = []
    for path in paths:
        stem, suffix = plain[path], suffixes[path]
        if wanted[_key(stem, suffix)] > 1:
            stem = stem.with_name(path.name.replace(".", "_"))
        images.append(_image(path, stem, suffix))
    _refuse_doubles(images, batch)
    return images


def _image(path: Path, stem: Path, suffix: str) -> Image:
    std = ".ome.tif" if suffix == ".png" else suffix
    return Image(
        path=path,
        output=stem.with_name(stem.name + suffix),
        uncertainty=stem.with_name(f"{stem.name}_std{std}"),
        model=stem.with_name(f"{stem.name}.model.safetensors"),
    )


def _suffix(path: Path, batch: Batch) -> str:
    if batch.format != "auto":
        return f".{batch.format}"
    suffix = _SUFFIX[format_of(path).name]
    # A PNG has no floats.
    return ".ome.tif" if suffix == ".png" and batch.job.float32 else suffix


def _stem(path: Path) -> str:
    stem = path.stem
    return stem[:-4] if stem.lower().endswith(".ome") and len(stem) > 4 else stem


def _key(stem: Path, suffix: str) -> str:
    """The same for names that a file system without case takes for the same."""
    return f"{stem}{suffix}".casefold()


def _refuse_doubles(images: list[Image], batch: Batch) -> None:
    """What whole names and endings could still bring to one place."""
    taken: dict[str, Path] = {}
    for image in images:
        targets = [image.output]
        targets += [image.uncertainty] if batch.uncertainty else []
        targets += [image.model] if batch.save_models else []
        for target in targets:
            first = taken.setdefault(str(target).casefold(), image.path)
            if first != image.path:
                raise InputError(
                    f"{first} and {image.path} would both be written as {target.name}; rename "
                    "one, or choose with --pattern."
                )
