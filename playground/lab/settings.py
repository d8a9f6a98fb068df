"""The settings of an experiment: those of the chosen kinds, of training and of likelihoods.

Lengths (sigma, step sizes, strokes) are in the *user's* units. ``"auto"`` lets the program choose from the data.
:mod:`playground.lab.experiment` reads, changes and writes the settings.
"""

from typing import Annotated, Literal

import msgspec

from playground.kinds.chosen import Score
from playground.kinds.datasets import DataSource
from playground.kinds.datasets.two_moons import TwoMoons
from playground.kinds.networks import Network
from playground.kinds.networks.auto import Auto as DefaultNetwork
from playground.kinds.noise import Noise
from playground.kinds.noise.ve import VarianceExploding
from playground.kinds.objectives import Objective
from playground.kinds.objectives.denoising import Denoising
from playground.kinds.samplers import Sampler
from playground.kinds.samplers.reverse_sde import ReverseSDE
from playground.kinds.setting import Auto as Auto
from playground.kinds.setting import Option, meta, seed_meta
from playground.kinds.tables import Probes

AFTER_TRAINING = ("sampling.", "likelihood.")
"""The beginnings of the keys of settings that can change after training."""


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The length and the speed of training."""

    seconds: (
        Annotated[
            float,
            meta(
                "Training time after which training stops. auto: 20 s, or 120 s for images, unless steps are given",
                ge=0.0,
                le=1e6,
                reach=(1.0, 3600.0),
                unit="s",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    steps: (
        Annotated[
            int,
            meta(
                "Steps after which training stops. auto: no limit",
                ge=0,
                le=1_000_000_000,
                reach=(100, 1_000_000),
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    batch: (
        Annotated[
            int,
            meta(
                "Points per step. auto: 512, or 64 images",
                label="batch B",
                ge=1,
                le=65_536,
                reach=(16, 8192),
                symbol="B",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    learning_rate: Annotated[
        float,
        meta(
            "Step size of Adam at the start",
            of_data=True,
            ge=1e-7,
            le=1.0,
            reach=(1e-5, 0.1),
            symbol="η",
            log=True,
        ),
    ] = 3e-3
    lr_schedule: Annotated[
        Literal["cosine", "none"],
        meta(
            "Schedule of the learning rate until the end of training",
            label="LR schedule",
            options={
                "cosine": Option("Cosine", "Half a cosine, down to zero at the end of training."),
                "none": Option("None", "The learning rate stays constant."),
            },
        ),
    ] = "cosine"
    early_stopping: Annotated[
        Literal["auto", "on", "off"],
        meta(
            "Keep the averaged weights with the lowest held-out loss. Training ends when this loss has not fallen for "
            "as long as it took to fall, at least 1,000 steps. Half of a file's held-out rows, at most 256, serve for "
            "this and leave the test set. auto: on for at most 10,000 points of the plane, unless σ min is at least the "
            "width of their best kernel density",
            label="early stopping",
            options={
                "auto": Option(
                    "Auto", "On for at most 10,000 points, unless σ min is the width of their kernel density."
                ),
                "on": Option("On", "Keep the weights with the lowest held-out loss; stop when it no longer falls."),
                "off": Option("Off", "Train to the limit and keep the last weights."),
            },
            resets=True,  # otherwise points that decided when training stopped would come back into the test set
        ),
    ] = "auto"
    ema_decay: Annotated[
        float,
        meta(
            "Decay d of the exponential moving average of the weights, which sampling uses; with warm-up",
            label="EMA decay",
            ge=0.0,
            le=0.99999,
            near_one=True,
            reach=(0.0, 0.9999),
            equation=r"\min(d, (1+n)/(10+n))",
        ),
    ] = 0.998
    label_dropout: Annotated[
        float,
        meta(
            "Fraction of labels hidden from the network in training, so that it learns the score with and without a "
            "class. 0 leaves the score without a class untrained, which likelihoods and guidance need; 1 leaves that "
            "of each class untrained",
            ge=0.0,
            le=1.0,
            equation=r"s_\theta(x, \sigma \mid c),\ s_\theta(x, \sigma)",
            when=lambda chosen: chosen.network.is_told_classes(chosen, None) is not False,
        ),
    ] = 0.3
    reflow: Annotated[
        bool,
        meta(
            "Train the second half on pairs that the flow of the first half makes of the start set. They are joined by "
            "its paths, so the new paths are straighter (one reflow, Liu et al. 2023)",
            resets=True,
            advanced=True,
            when=lambda chosen: not chosen.noise.has_score,
            otherwise="the flow starts at noise, whose score the pairs would spoil",
        ),
    ] = False
    sigma_distribution: Annotated[
        Literal["log-normal", "log-uniform", "time", "importance"],
        meta(
            "Distribution of the noise levels that a continuous process draws in training: log-normal, log-uniform, "
            "uniform in t, or importance-sampled for the likelihood's weight",
            label="σ distribution",
            options={
                "log-normal": Option(
                    "Log-normal",
                    "ln σ is normal: most samples where the score is hardest to learn.",
                    r"\ln \sigma \sim N(\ln s - 1.2, 1.4^2)",
                ),
                "log-uniform": Option(
                    "Log-uniform",
                    "ln σ is uniform: all levels alike.",
                    r"\ln \sigma \sim U(\ln \sigma_{min}, \ln \sigma_{max})",
                ),
                "time": Option(
                    "Uniform in t",
                    "t is uniform: the same as log-uniform for VE, mostly coarse levels for VP.",
                    r"t \sim U(t_{min}, 1),\ \sigma = \sigma(t)",
                ),
                "importance": Option(
                    "Importance",
                    "Importance sampling for the weight g²: less variance in denoising, more in exact and sliced "
                    "matching.",
                    r"p(\ln \sigma) \propto s^2/(s^2 + \sigma^2)",
                ),
            },
            when=lambda chosen: chosen.noise.is_continuous,
            otherwise="only a continuous process leaves a choice of noise levels",
        ),
    ] = "log-normal"
    seed: Annotated[
        int,
        seed_meta(
            "Seed of training: the first weights, the batches, and the noise that is added to them",
            label="training seed",
            resets=True,
        ),
    ] = 0


LOG_P_OF = {"learned": "model", "exact": "exact score", "empirical": "training set"}
"""The names of a log p, by the score of likelihood.source."""


class Likelihood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How log-likelihoods are computed."""

    source: Annotated[
        Score,
        meta(
            "Score whose density is evaluated: the network's, that of the known density, or that of the smoothed "
            "training set",
            label="score",
            of_data=True,
            symbol="s",
            options={
                "learned": Option("Learned", "The network's score, with its newest averaged (EMA) weights."),
                "exact": Option(
                    "Exact", "The score of the known density: what remains is the error of solver and prior."
                ),
                "empirical": Option(
                    "Training set", "The score of the smoothed training set: likely near its points, nowhere else."
                ),
            },
        ),
    ] = "learned"
    tolerance: Annotated[
        float,
        meta(
            "Error allowed to each step of the ODE solver, for each point",
            ge=1e-9,
            le=0.1,
            reach=(1e-8, 1e-2),
            log=True,
        ),
    ] = 1e-5
    points: Annotated[
        int,
        meta(
            "Number of held-out points in the test set",
            label="test points",
            ge=10,
            le=1_000_000,
            reach=(100, 50_000),
            log=True,
        ),
    ] = 2_000
    trace: Annotated[
        Literal["auto", "exact", "hutchinson"],
        meta(
            "Divergence. auto: exact for points, Hutchinson's estimate for images. Density maps and ∫ p over the "
            "plane are always exact, because exp would turn the estimate's noise into bias",
            label="divergence",
            options={
                "auto": Option("Auto", "Exact for points, estimated for images."),
                "exact": Option(
                    "Exact",
                    "The divergence itself: one backward pass for each dimension.",
                    r"\mathrm{tr}\,\nabla \tilde f",
                ),
                "hutchinson": Option(
                    "Hutchinson",
                    "Hutchinson's estimate along random probe vectors, which each point keeps on its whole path. "
                    "Density maps and ∫ p stay exact.",
                    r"\mathrm{tr}\,\nabla \tilde f = E_v[v^\top \nabla \tilde f\, v]",
                ),
            },
        ),
    ] = "auto"
    trace_probes: Annotated[
        int,
        meta(
            "Random probe vectors per point in Hutchinson's estimate; from two on its standard error is known",
            label="trace probes k",
            ge=1,
            le=256,
            symbol="k",
            equation=r"\frac{1}{k} \sum_j v_j^\top \nabla \tilde f\, v_j",
            log=True,
        ),
    ] = 1
    dequantization_samples: Annotated[
        int,
        meta(
            "Samples of the uniform noise that dequantizes each test image; bits per dimension are averaged over them",
            label="dequantization samples",
            ge=1,
            le=100,
            symbol="u",
            equation=r"E_u[-\log p(x + u)] \ge -\log P(x)",
            log=True,
        ),
    ] = 1
    probes: Probes = "rademacher"
    interpolation: Annotated[
        Literal["spherical", "rotation", "linear"],
        meta(
            "Path between the latent codes of two points. spherical: along the great circle of their directions, an "
            "angle θ apart, with linear length. rotation: keeps the distribution of independent codes. linear: does "
            "not",
            label="latent interpolation",
            symbol="z(u)",
            options={
                "spherical": Option(
                    "Spherical",
                    "Along the great circle between the two directions (slerp), with linear length.",
                    r"\hat{z}(u) = \frac{\sin((1-u)\theta)\,\hat{z}_0 + \sin(u\theta)\,\hat{z}_1}{\sin\theta}",
                ),
                "rotation": Option(
                    "Rotation",
                    "Weights cos and sin: each point has the prior's distribution if the ends are independent.",
                    r"z(u) = \cos(\frac{\pi u}{2}) z_0 + \sin(\frac{\pi u}{2}) z_1",
                ),
                "linear": Option(
                    "Linear",
                    "A straight line. Its middle has half the prior's variance: likelier than the data.",
                    r"z(u) = (1 - u) z_0 + u z_1",
                ),
            },
        ),
    ] = "spherical"


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that determines a run. An empty file is valid: two moons with the defaults."""

    data: DataSource = TwoMoons()
    noise: Noise = VarianceExploding()
    network: Network = DefaultNetwork()
    objective: Objective = Denoising()
    training: Training = Training()
    sampling: Sampler = ReverseSDE()
    likelihood: Likelihood = Likelihood()
