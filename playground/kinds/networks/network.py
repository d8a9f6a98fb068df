"""The common base of all networks, and that of the perceptrons."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec

from playground.kinds.chosen import Chosen, ChosenNoise, Conditions, Given
from playground.kinds.kind import Kind
from playground.kinds.setting import Option, meta
from playground.messages import Message

if TYPE_CHECKING:
    import torch

    from playground.theory.networks import ScoreNetwork


class Network(Kind, frozen=True):
    """The network that learns the score.

    Attributes:
        states_density: whether it is the gradient of an unnormalized log-density.
        takes_labels: whether it can take the class of a point as an input.
        needs_images: whether it works for images only.
    """

    section: ClassVar[str] = "network"
    noun: ClassVar[str] = "network"
    summary: ClassVar[str] = (
        "auto: an MLP for points, a small U-Net for images. energy: an MLP with one output, whose gradient is the "
        "score and whose density can be normalized by quadrature"
    )
    resets: ClassVar[bool] = True
    states_density: ClassVar[bool] = False
    takes_labels: ClassVar[bool] = False
    needs_images: ClassVar[bool] = False

    width: Annotated[
        int,
        meta(
            "Units per hidden layer; for a U-Net, four times its channels",
            ge=4,
            le=2048,
            reach=(8, 1024),
            log=True,
            resets=True,
            advanced=True,
        ),
    ] = 128
    depth: Annotated[
        int,
        meta(
            "Hidden layers; for a U-Net, its levels, as far as the image can be halved",
            ge=1,
            le=12,
            resets=True,
            advanced=True,
        ),
    ] = 3
    activation: Annotated[
        Literal["silu", "gelu", "tanh", "softplus"],
        meta(
            "Activation function; smooth, because exact matching differentiates twice",
            options={
                "silu": Option("SiLU", "x times its sigmoid."),
                "gelu": Option("GELU", "x times the normal distribution function."),
                "tanh": Option("tanh", "Saturates at ±1."),
                "softplus": Option("Softplus", "A smooth ramp."),
            },
            resets=True,
            advanced=True,
        ),
    ] = "silu"
    prediction: Annotated[
        Literal["auto", "v", "noise", "denoised", "velocity", "score"],
        meta(
            "What the output of the network stands for. Each can be computed from any other; they differ in which errors are small. "
            "auto: the velocity for flow matching, else v",
            label="prediction",
            options={
                "auto": Option("Auto", "The velocity for flow matching, else v."),
                "v": Option(
                    "v",
                    "Salimans and Ho 2022; the preconditioning of EDM for data of variance 1. Its squared error is the loss of the weight EDM.",
                    r"v = (\hat{\epsilon} - \sigma \hat{x}_0)/\sqrt{1 + \sigma^2}",
                ),
                "noise": Option(
                    "Noise",
                    "Ho et al. 2020. Its squared error is the loss of the weight σ². Coarse levels are hard: an error is multiplied by σ.",
                    r"s = -\hat{\epsilon}/\sigma",
                ),
                "denoised": Option(
                    "Denoised",
                    "The clean point. Its squared error is the loss of the weight σ⁴. Fine levels are hard: an error is divided by σ².",
                    r"s = (\hat{x}_0 - x)/\sigma^2",
                ),
                "velocity": Option(
                    "Velocity",
                    "Flow matching, Lipman et al. 2023. Its squared error is the loss of the weight Velocity.",
                    r"s = -(x + u)/(\sigma(1 + \sigma))",
                ),
                "score": Option(
                    "Score",
                    "The score itself. Its squared error is the loss of the weight 1. Fine levels are hard: the output grows like 1/σ.",
                    r"s = \nabla \log p",
                ),
            },
            resets=True,
            advanced=True,
            when=lambda chosen: not chosen.network.states_density,
            otherwise="an energy network predicts its energy",
        ),
    ] = "auto"

    def resolve(self, images: bool, noise: ChosenNoise) -> "Network":
        """Return the settings with a value for each "auto", of the kind that "auto" stands for.

        Args:
            images: whether the points are images.
            noise: the experiment's noise.
        """
        if self.prediction != "auto":
            return self
        return msgspec.structs.replace(self, prediction="velocity" if noise.learns_velocity else "v")

    def is_told_classes(self, chosen: Chosen, conditions: Conditions | None) -> bool | None:
        """Whether it takes classes as an input; None if that depends on data that have not been read."""
        if not self.resolve(chosen.data.images, chosen.noise).takes_labels:
            return False
        if chosen.data.labelled is None:
            return None if conditions is None else bool(conditions.classes)
        return chosen.data.labelled

    def conflicts(self, chosen: Chosen) -> Iterator[Message]:
        """Return the conflicts because of which no network can be built."""
        yield from ()

    @abstractmethod
    def build(self, given: Given, generator: "torch.Generator") -> "ScoreNetwork":
        """A new network."""


class Perceptron(Network, frozen=True):
    """A network of fully connected layers on all coordinates and their random Fourier features."""

    features: Annotated[
        int,
        meta(
            "Random Fourier features of x; 0: a plain MLP, which may learn nothing",
            ge=0,
            le=1024,
            reach=(0, 256),
            equation=r"\cos(b^\top x), \sin(b^\top x)",
            resets=True,
            advanced=True,
            when=lambda chosen: not chosen.network.resolve(chosen.data.images, chosen.noise).needs_images,
        ),
    ] = 64
    feature_scale: Annotated[
        float,
        meta(
            "Standard deviation of the Fourier frequencies, on preconditioned inputs",
            ge=1e-2,
            le=100.0,
            log=True,
            resets=True,
            advanced=True,
            when=lambda chosen: not chosen.network.resolve(chosen.data.images, chosen.noise).needs_images,
        ),
    ] = 1.75
