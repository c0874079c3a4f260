"""Declarations of the parameters that several methods have."""

from __future__ import annotations

from typing import Any

from napari_blindspot.params import param


def mask_fraction(default: float) -> Any:
    """Part of the pixels that a masking scheme hides."""
    text = "Part of the pixels hidden per step."
    return param(default, label="Mask fraction", help=text, limits=(0.0005, 0.1), step=0.0005)


def neighbourhood(default: int) -> Any:
    """Side of the window from which replacements come."""
    text = "Side of the square from which replacements come, odd."
    limits = (3, 21)
    return param(default, label="Neighbourhood", help=text, limits=limits, step=2, unit="px")


def width(default: int) -> Any:
    """Features on the first level of a network."""
    text = "Features on the first level of the network."
    return param(default, label="Width", help=text, limits=(4, 128), step=4)


def depth(default: int, most: int = 5) -> Any:
    """Number of poolings."""
    text = "Number of poolings of the network."
    return param(default, label="Depth", help=text, limits=(1, most), step=1)


def patch(default: int) -> Any:
    """Side of a training patch."""
    text = (
        "Side of a training patch, rounded down to what the network's poolings allow. Patches of "
        "volumes have an eighth as many planes, at least 8, and half of the side, at least 32, "
        "where a step had more than 65,536 voxels."
    )
    return param(default, label="Patch", help=text, limits=(16, 512), step=8, unit="px")


def batch(default: int) -> Any:
    """Patches per step."""
    return param(default, label="Batch", help="Patches per step.", limits=(1, 256), step=1)


def learning_rate(default: float) -> Any:
    """Peak learning rate."""
    text = "Peak learning rate, reached after a short rise and let down to zero."
    return param(default, label="Learning rate", help=text, limits=(1e-6, 0.1), step=1e-6)


def optimizer(default: str = "muon") -> Any:
    """How weights follow their gradients."""
    text = (
        "Muon learns more in the same time, most of all in volumes; Adam is that of the papers, "
        "and wants a tenth to a half of the learning rate."
    )
    return param(default, label="Optimizer", help=text, choices=("muon", "adam"))


def settles(default: int = 20) -> Any:
    """Views of each pixel after which a training may end before its budget is used."""
    text = (
        "Hold out 2 % of the pixels, more of small images, and end the training when the network "
        "was asked for all others so many times and the error there falls no more: before it "
        "learns noise by heart; 0: never. Not in volumes."
    )
    return param(default, label="May end after", help=text, limits=(0, 1000), step=5, unit="views")


def mask_rate(default: float, most: float = 0.95) -> Any:
    """Probability with which a pixel is hidden."""
    text = "Probability with which a pixel is hidden, in training and in each copy."
    return param(default, label="Mask rate", help=text, limits=(0.05, most), step=0.05)


def channel_masks() -> Any:
    """Whether channels that are denoised together have hidden pixels of their own."""
    text = (
        "Channels denoised together: each has hidden pixels of its own (apart), or all the same "
        "(together), for noise that channels share."
    )
    return param("apart", label="Channel masks", help=text, choices=("apart", "together"))


def dropout(default: float) -> Any:
    """Part of the features that a decoder drops."""
    text = "Part of the features that are dropped at random in the decoder."
    return param(default, label="Dropout", help=text, limits=(0.0, 0.9), step=0.05)


def copies(default: int) -> Any:
    """Masked copies over which a prediction is averaged."""
    text = "Masked copies of the image over which the prediction is averaged."
    return param(default, label="Copies", help=text, limits=(1, 1000), step=1)


def turns(default: int) -> Any:
    """Mirrored and turned copies over which a prediction is averaged."""
    text = (
        "Mirrored and turned copies of the image over which the prediction is averaged; it takes "
        "as many times as long."
    )
    return param(default, label="Turns", help=text, limits=(1, 8), step=1)


def turned_copies() -> Any:
    """In how many ways the copies are mirrored and turned over which a prediction is averaged."""
    text = "In how many ways the copies are mirrored and turned over which a result is averaged."
    return param(8, label="Turns", help=text, limits=(1, 8), step=1)


def start_blur(default: float) -> Any:
    """Blur from which a training begins."""
    text = (
        "The network adds to a Gaussian average of the visible pixels with this standard "
        "deviation, from which training begins; 0: none."
    )
    return param(
        default, label="Start from blur", help=text, limits=(0.0, 5.0), step=0.1, unit="px"
    )
