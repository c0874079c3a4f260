"""What a published method declares, and the parts it is made of."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_blindspot import params

if TYPE_CHECKING:
    from napari_blindspot.inference.base import Predictor
    from napari_blindspot.losses.base import Loss
    from napari_blindspot.masking.base import MaskingScheme
    from napari_blindspot.networks.base import Network
    from napari_blindspot.noise import NoiseLaw


@dataclass(frozen=True)
class Spec:
    """What a method is told about the data and the run.

    Attributes
    ----------
    ndim : int
        Number of spatial dimensions, 2 or 3.
    channels : int
        Channels that are denoised together.
    budget_s : float
        Expected training time in seconds on the reference laptop (a budget in steps is
        converted with the method's own rate), by which a method sizes its network; 0 if there is
        no training.
    mean, std : tuple of float
        Normalisation of each channel: the network sees `(x - mean) / std`.
    noise : tuple of NoiseLaw
        Noise estimated from the noisy data before training, one per channel, normalised units;
        empty where it could not be estimated.
    quantum : tuple of float
        Step between neighbouring grey values of each channel, normalised units; 0 for values
        that are not evenly spaced. Empty: unknown.
    contrast : tuple of float
        From the dark to the bright parts of the smoothed data of each channel, normalised units.
        Empty: unknown.
    pixels : int
        Pixels of each channel that there are to learn from. 0: unknown.
    along : tuple of pairs of tuple of float
        Correlation of the noise of each channel at lags of 1, 2... pixels, along Y and along X;
        empty where it could not be measured.
    """

    ndim: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    budget_s: float = 60.0
    noise: tuple[NoiseLaw, ...] = ()
    quantum: tuple[float, ...] = ()
    contrast: tuple[float, ...] = ()
    pixels: int = 0
    along: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    @property
    def correlation(self) -> tuple[tuple[float, ...], ...]:
        """Correlation of each channel at lags of 1, 2... pixels, the stronger one of both axes."""
        axes = (zip(*both, strict=True) for both in self.along)
        return tuple(tuple(max(lags, key=abs) for lags in each) for each in axes)


@dataclass(frozen=True)
class Recipe:
    """How the training loop drives the parts.

    Attributes
    ----------
    learning_rate : float
        Peak learning rate, reached after a short warm-up and let down to zero.
    patch, batch : int
        Side of a training patch in pixels and patches per step.
    averaging : float
        Decay of the exponential moving average of the weights that are kept; 0 keeps the last.
    weight_decay : float
        Decoupled weight decay.
    optimizer : str
        `muon` or `adam` (`napari_blindspot.optimizer`).
    noise_updates : tuple of float
        Parts of the budget after which the noise law is fitted anew on blind predictions and the
        masking made anew for it, by the method's `renoised`.
    keeps_start : bool
        Whether the network could denoise before the training: some pixels are held out, and in the
        end they decide between the weights at the start and those that were learned.
    learns : bool
        Whether there is a training at all, whatever the budget.
    settles : int
        Times that each pixel must have been asked for, before the training ends because the error
        on held-out ones falls no more: for a network that would learn the noise of planes by heart;
        0: never.
    upright : bool
        Whether patches are mirrored only and not turned, for noise that tells Y from X.
    """

    learning_rate: float
    patch: int
    batch: int
    averaging: float = 0.99
    weight_decay: float = 0.0
    optimizer: str = "muon"
    noise_updates: tuple[float, ...] = ()
    keeps_start: bool = False
    learns: bool = True
    settles: int = 0
    upright: bool = False

    @classmethod
    def of(cls, method: Method, **others: Any) -> Recipe:
        """Of a method's parameters those that a field is named after, but for what `others` say."""
        ours = {field.name for field in dataclasses.fields(cls)}
        named = {name: value for name, value in method.values().items() if name in ours}
        return cls(**{**named, **others})


@dataclass(frozen=True)
class Parts:
    """The four parts and how to train them.

    `blind` is the masking for blind predictions, to which the noise law is fitted, where it is
    not that of the training.
    """

    masking: MaskingScheme
    network: Network
    loss: Loss
    predictor: Predictor
    recipe: Recipe
    blind: MaskingScheme | None = None


@dataclass(frozen=True)
class Method(ABC):
    """A published method: a frozen dataclass of its declared parameters.

    Every subclass is final. `build` is the one place that ties loss and inference together.

    Attributes
    ----------
    name, title : str
        Identifier and readable title.
    reference, assumption : str
        The paper, and one sentence on the noise that the method assumes.
    dims : tuple of int
        Supported numbers of spatial dimensions.
    gain_floor_db : float
        PSNR gain on the simulated stack that the contract test demands.
    has_std : bool
        Whether it gives the posterior standard deviation.
    steps_per_s : float
        Rate on two laptop cores, by which a budget in steps is put into seconds.
    paper : mapping
        Parameters that are others in the paper than by default.
    paper_budget : str
        The steps of the paper for one image; `best` where it does not tell them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]
    assumption: ClassVar[str]
    dims: ClassVar[tuple[int, ...]] = (2, 3)
    gain_floor_db: ClassVar[float]
    has_std: ClassVar[bool] = False
    steps_per_s: ClassVar[float] = 25.0
    paper: ClassVar[Mapping[str, Any]] = {}
    paper_budget: ClassVar[str] = "best"

    def __post_init__(self) -> None:
        params.validate(self)

    @abstractmethod
    def build(self, spec: Spec) -> Parts:
        """Fresh parts for the data; the weights come from torch's global generator.

        Raises
        ------
        InputError
            If parameters and data do not fit together.
        """

    @property
    def repeats(self) -> str:
        """Letter of the axis along which the same thing is shown again; empty for none.

        Patches for the training, and the channels of the samples, then hold all repeats.
        """
        return ""

    @property
    def needs_repeats(self) -> bool:
        """Whether the prediction, too, is given all repeats at once."""
        return False

    def renoised(self, parts: Parts, laws: tuple[NoiseLaw, ...]) -> Parts:
        """Parts for a noise law that was fitted during training; by default the same parts."""
        del laws
        return parts

    @property
    def is_pretrained(self) -> bool:
        """Whether networks begin from weights that can denoise already, and need no training."""
        return False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Method:
        """Method with the given parameters; text values are parsed."""
        return params.from_mapping(cls, values)

    @classmethod
    def declared(cls) -> tuple[params.Param, ...]:
        """Declarations of the parameters."""
        return params.describe(cls)

    def values(self) -> dict[str, Any]:
        """Parameters, ready for JSON."""
        return params.to_mapping(self)
