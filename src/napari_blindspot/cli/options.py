"""The options of the commands, declared once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from napari_blindspot.budget import PRESETS

_TRAINING, _RESULT, _DATA, _TALK = "Training", "Result", "Data", "Output on screen"
_MANY = "Many images"
_PRESETS = ", ".join(f"{name} ({seconds:g} s)" for name, seconds in PRESETS.items())

Noisy: TypeAlias = Annotated[str, typer.Argument(metavar="IN", help="Noisy image.")]
OneMethod: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A method whose parameters to list.")
]
TrainingImages: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="IN...", help="Noisy images to learn from.")
]
ModelFile: TypeAlias = Annotated[str, typer.Argument(metavar="MODEL", help="A saved model.")]
JobFile: TypeAlias = Annotated[
    str, typer.Argument(metavar="JOB.json", help="The Job that lies beside a result.")
]

Output: TypeAlias = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Denoised image: .ome.tif, .tif, .ome.zarr, .png, .jpg or .npy.",
        rich_help_panel=_RESULT,
    ),
]
ModelOutput: TypeAlias = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="MODEL",
        help="Where the model goes, .safetensors.",
        rich_help_panel=_RESULT,
    ),
]
Uncertainty: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="F",
        help="Save the posterior standard deviation of every pixel (express, laine19).",
        rich_help_panel=_RESULT,
    ),
]
SaveModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="F", help="Save the trained model, .safetensors.", rich_help_panel=_RESULT
    ),
]
Float32: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--float32",
        metavar="",
        help="Save 32-bit floats in place of the data type of the input.",
        rich_help_panel=_RESULT,
    ),
]

MethodName: TypeAlias = Annotated[
    str,
    typer.Option(metavar="NAME", help="See `blindspot methods`.", rich_help_panel=_TRAINING),
]
BudgetText: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="BUDGET",
        help=f"instant (express only: no training), {_PRESETS}, paper (parameters and steps of the "
        "method's paper, if there are any: for a GPU), a time (30s, 2m) or a number of steps "
        "(2000steps).",
        rich_help_panel=_TRAINING,
    ),
]
Param: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Parameter of the method; may be repeated.",
        rich_help_panel=_TRAINING,
    ),
]
Joint: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--joint",
        metavar="",
        help="One network for all channels, not one for each.",
        rich_help_panel=_TRAINING,
    ),
]
Dims: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="auto|2D|3D|2D+T",
        help="Whether networks see planes, volumes, or planes with those before and after them "
        "(movies); auto takes volumes from 8 planes on, and else planes.",
        rich_help_panel=_TRAINING,
    ),
]
Seed: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Start of all random numbers.", rich_help_panel=_TRAINING)
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute.", rich_help_panel=_TRAINING),
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Number of processor cores; all unless given.",
        rich_help_panel=_TRAINING,
    ),
]
Pace: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STEPS",
        help="Repeat the steps of an earlier run, as its Job has them; once for each network.",
        rich_help_panel=_TRAINING,
    ),
]
Axes: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LETTERS",
        help="One letter of TCZYXS per axis, such as TZYX, in place of those in the file.",
        rich_help_panel=_DATA,
    ),
]
LearnFrom: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--train-on",
        metavar="REGION",
        help="Learn from a part only, such as T=0:5,Y=100:356.",
        rich_help_panel=_DATA,
    ),
]
ApplyOn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--apply-on",
        metavar="REGION",
        help="Denoise a part only, such as T=3 or Z=10:20.",
        rich_help_panel=_DATA,
    ),
]
HeldOut: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--held-out",
        metavar="",
        help="Learn nothing from 2 % of the pixels, and tell the loss on them at the end.",
        rich_help_panel=_TRAINING,
    ),
]
EarlyStop: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--early-stop",
        metavar="",
        help="End the training when the error on held-out pixels falls no more.",
        rich_help_panel=_TRAINING,
    ),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume",
        metavar="",
        help="Go on with the training of the same command that was interrupted, if there was one.",
        rich_help_panel=_TRAINING,
    ),
]

BlackLevel: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="GREY",
        help="Grey value without light; with it the read noise is told, not only its limit.",
        rich_help_panel=_DATA,
    ),
]
Plot: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="F",
        help="Draw variance against signal, and the correlation: .png, .pdf or .svg.",
        rich_help_panel=_RESULT,
    ),
]

Quiet: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", metavar="", help="Print nothing but errors.", rich_help_panel=_TALK
    ),
]
AsJson: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json", metavar="", help="Print one JSON object on stdout.", rich_help_panel=_TALK
    ),
]

Version: TypeAlias = Annotated[
    bool, typer.Option("--version", metavar="", help="Print the version.")
]
Folder: TypeAlias = Annotated[
    str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the results go.")
]

Images: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="IN...", help="Folders of images, images, or quoted patterns such as 'a/**/*.tif'."
    ),
]
ResultFolder: TypeAlias = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where the results and the journal go.",
        rich_help_panel=_RESULT,
    ),
]
ResultFormat: TypeAlias = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="auto|ome.tif|ome.zarr|npy",
        help="Format of the results; auto keeps that of the image where it can.",
        rich_help_panel=_RESULT,
    ),
]
WithUncertainty: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--uncertainty",
        metavar="",
        help="Save the standard deviation of every pixel as NAME_std (express, laine19).",
        rich_help_panel=_RESULT,
    ),
]
SaveModels: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--save-model",
        metavar="",
        help="Save the model of each image as NAME.model.safetensors.",
        rich_help_panel=_RESULT,
    ),
]
GivenModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="Apply a saved model in place of training.",
        rich_help_panel=_TRAINING,
    ),
]
BlindModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="Measure by the blind prediction of a saved model, beside the image alone.",
        rich_help_panel=_DATA,
    ),
]
TrainOn: TypeAlias = Annotated[
    str,
    typer.Option(
        "--train",
        metavar="each|first|together",
        help="A model for each image, one from the first for all, or one from all for all.",
        rich_help_panel=_TRAINING,
    ),
]
Pattern: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Only images whose name matches, such as '*.tif'.",
        rich_help_panel=_MANY,
    ),
]
Recursive: TypeAlias = Annotated[
    bool,
    typer.Option("--recursive", metavar="", help="Search subfolders too.", rich_help_panel=_MANY),
]
PartText: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="I/N",
        help="Only every N-th image from the I-th on, with a journal of its own.",
        rich_help_panel=_MANY,
    ),
]
ResumeBatch: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume",
        metavar="",
        help="Go on where the journal ends; begin if there is none.",
        rich_help_panel=_MANY,
    ),
]
DryRun: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--dry-run", metavar="", help="List what would be done and end.", rich_help_panel=_MANY
    ),
]
Jobs: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N", help="Images at a time; they share the cores.", rich_help_panel=_MANY
    ),
]
