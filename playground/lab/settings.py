"""Every setting of an experiment: type, bounds, unit, scale, symbol and one line of explanation, stated once.

Lengths (sigma, step sizes, strokes) are in the *user's* units. ``"auto"`` lets the program choose from the data.
What is made of the settings is in :mod:`playground.lab.experiment`; those of the samplers are in
:mod:`playground.lab.sampling_settings`, those of the data in :mod:`playground.lab.data_settings`, those of likelihoods in
:mod:`playground.lab.likelihood_settings`.
"""

from typing import Annotated, Literal

import msgspec

from playground.lab.data_settings import Data as Data
from playground.lab.data_settings import Stroke as Stroke
from playground.lab.likelihood_settings import Likelihood
from playground.lab.sampling_settings import Sampling
from playground.lab.setting import Auto as Auto
from playground.lab.setting import meta as _meta

PROCESSES = ("ve", "vp", "sub-vp", "cosine", "custom")
"""The kinds of noise that go on continuously from data to noise."""

RATED = ("vp", "sub-vp")
"""The processes whose end follows from a rate and not from sigma_max."""


class Noise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The noise that is added to the data."""

    kind: Annotated[
        Literal["none", "single", "discrete", "ve", "vp", "sub-vp", "cosine", "custom"],
        _meta(
            "No noise, one noise level, a few discrete levels, or a continuous process",
            equation={
                "none": r"s(x) = \nabla \log p_{data}(x)",
                "single": r"y = x + \sigma z",
                "discrete": r"y = x + \sigma_i z,\ \sigma_1 > \dots > \sigma_L",
                "ve": r"dx = \sqrt{d\sigma^2/dt}\,dw,\ \sigma(t) = \sigma_{min} (\sigma_{max}/\sigma_{min})^t",
                "vp": r"dx = -\frac{1}{2} \beta x\,dt + \sqrt{\beta}\,dw",
                "sub-vp": r"dx = -\frac{1}{2} \beta x\,dt + \sqrt{\beta (1 - e^{-2 \int_0^t \beta})}\,dw",
                "cosine": r"x(t) = \cos\theta\,x_0 + \sin\theta\,z,\ "
                r"\theta = (1 - t) \arctan \sigma_{min} + t \arctan \sigma_{max}",
                "custom": r"dx = \sqrt{d\sigma^2/dt}\,dw",
            },
            resets=True,
        ),
    ] = "ve"
    sigma: (
        Annotated[
            float,
            _meta(
                "The noise level of kind = single",
                ge=1e-15,
                le=1e15,
                symbol="σ",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    sigma_min: (
        Annotated[
            float,
            _meta(
                "Finest noise level, which smooths the learned density. auto: a hundredth of the data's standard "
                "deviation; for thinner data a third of their thickness, along a principal axis of all or of "
                "neighbouring points",
                ge=1e-15,
                le=1e15,
                symbol="σ_min",
                equation=r"p_{\sigma} = p_{data} * N(0, \sigma_{min}^2 I)",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    sigma_max: (
        Annotated[
            float,
            _meta(
                "Coarsest noise level; it should exceed the widest gap in the data. auto: twice that gap",
                ge=1e-15,
                le=1e15,
                symbol="σ_max",
                unit="data",
                log=True,
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    levels: Annotated[
        int,
        _meta(
            "Number of discrete noise levels. Training sees no others; log p and the samplers of a process pass "
            "between them. Annealed Langevin takes as many levels from a continuous process",
            ge=2,
            le=1000,
            symbol="L",
            equation=r"\sigma_i = \sigma_{max} (\sigma_{min}/\sigma_{max})^{(i-1)/(L-1)}",
            log=True,
            resets=True,
        ),
    ] = 20
    sigmas: Annotated[
        tuple[float, ...],
        _meta(
            "The discrete noise levels from coarse to fine, where they are not geometric",
            unit="data",
            symbol="σ_i",
            resets=True,
        ),
    ] = ()
    schedule: Annotated[
        tuple[tuple[float, float], ...],
        _meta(
            "Points (t, σ) of kind = custom, from t = 0 to t = 1, both increasing. A smooth increasing curve of "
            "ln σ goes through them; without any it is that of kind = ve",
            unit="data",
            symbol="σ(t)",
            equation=r"dx = \sqrt{d\sigma^2/dt}\,dw",
            resets=True,
        ),
    ] = ()
    beta_min: Annotated[
        float,
        _meta(
            "Rate β of the VP and sub-VP processes at t = 0",
            ge=1e-4,
            le=10.0,
            symbol="β_0",
            equation=r"\beta(t) = \beta_0 + t(\beta_1 - \beta_0)",
            log=True,
            resets=True,
        ),
    ] = 0.1
    beta_max: Annotated[
        float,
        _meta(
            "Rate β of the VP and sub-VP processes at t = 1",
            ge=0.1,
            le=100.0,  # where they end with e^25 of noise; from 355 on the end has no number in single precision
            symbol="β_1",
            equation=r"\beta(t) = \beta_0 + t(\beta_1 - \beta_0)",
            log=True,
            resets=True,
        ),
    ] = 20.0


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network that learns the score."""

    kind: Annotated[
        Literal["auto", "mlp", "energy", "u-net"],
        _meta(
            "auto: an MLP for points, a small U-Net for images. energy: an MLP with one output, whose gradient "
            "is the score and whose density can be normalized by quadrature",
            symbol="s_θ",
            equation={"energy": r"s = -\nabla f,\ p = e^{-f}/Z"},
            resets=True,
        ),
    ] = "auto"
    width: Annotated[
        int,
        _meta(
            "Units per hidden layer; of a U-Net four times its channels",
            ge=4,
            le=2048,
            log=True,
            resets=True,
        ),
    ] = 128
    depth: Annotated[
        int, _meta("Hidden layers; of a U-Net its levels, as far as the image can be halved", ge=1, le=12, resets=True)
    ] = 3
    activation: Annotated[
        Literal["silu", "gelu", "tanh", "softplus"],
        _meta("Activation function; smooth, because exact matching differentiates twice", resets=True),
    ] = "silu"
    features: Annotated[
        int,
        _meta(
            "Random Fourier features of x; 0: a plain MLP, which may learn nothing",
            ge=0,
            le=1024,
            equation=r"\cos(b^\top x), \sin(b^\top x)",
            resets=True,
        ),
    ] = 64
    feature_scale: Annotated[
        float,
        _meta(
            "Standard deviation of the Fourier frequencies, on preconditioned inputs",
            ge=1e-2,
            le=100.0,
            log=True,
            resets=True,
        ),
    ] = 1.75


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The loss that training minimises."""

    kind: Annotated[
        Literal["exact", "sliced", "denoising", "maximum-likelihood"],
        _meta(
            "Exact, sliced or denoising score matching; or maximum likelihood of an energy in the plane, with Z "
            "by quadrature",
            symbol="J",
            equation={
                "exact": r"E\,[\mathrm{tr}\,\nabla s + \frac{1}{2} \|s\|^2]",
                "sliced": r"E\,[v^\top \nabla s\,v + \frac{1}{2} \|s\|^2]",
                "denoising": r"E\,\|s(x + \sigma z, \sigma) + z/\sigma\|^2",
                "maximum-likelihood": r"E\,[f] + \ln Z",
            },
        ),
    ] = "denoising"
    weight: Annotated[
        Literal["auto", "sigma2", "edm", "likelihood", "constant"],
        _meta(
            "Weight of each noise level in the loss. auto: edm for denoising, sigma2 for exact and sliced "
            "matching, constant for maximum likelihood",
            symbol="λ(σ)",
            equation={
                "auto": r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma)",
                "sigma2": r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma),\ \lambda = \sigma^2",
                "edm": r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma),\ \lambda = \sigma^2 (\sigma^2 + 1)",
                "likelihood": r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma),\ \lambda \propto \sigma^2/p(\ln\sigma)",
                "constant": r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma),\ \lambda = 1",
            },
        ),
    ] = "auto"
    target_batch: (
        Annotated[
            int,
            _meta(
                "Points over which the target of denoising is averaged (stable target, Xu et al. 2023); this lowers "
                "its variance at coarse levels. 1: each point's own noise, as for a network with class labels. At "
                "most the batch. auto: 256, or 1 for images",
                ge=1,
                le=65_536,
                symbol="n",
                equation=r"m(y) = \sum_j w_j x_j,\ w_j \propto e^{-\|y - x_j\|^2 / 2\sigma^2}",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    projections: Annotated[
        int,
        _meta(
            "Random directions per point, for sliced matching",
            ge=1,
            le=64,
            symbol="k",
            equation=r"E_v\,[v^\top \nabla s\, v + \frac{1}{2}(v^\top s)^2]",
        ),
    ] = 1
    probes: Annotated[
        Literal["rademacher", "gaussian", "sphere"],
        _meta(
            "Distribution of the random directions; all have unit covariance", symbol="v", equation=r"E[v v^\top] = I"
        ),
    ] = "rademacher"
    variance_reduced: Annotated[
        bool,
        _meta(
            "Use the exact squared norm instead of its projection: less variance",
            equation=r"\frac{1}{2}\|s\|^2",
        ),
    ] = True
    normalizer_grid: Annotated[
        int,
        _meta(
            "Grid cells along each side for Z, in maximum likelihood. A step costs their square; structure "
            "narrower than a cell is missed",
            ge=16,
            le=512,
            symbol="n",
            equation=r"\ln Z = \ln \sum_j e^{-f(x_j)} \Delta^2",
            log=True,
        ),
    ] = 64


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The length and the speed of training."""

    seconds: (
        Annotated[
            float,
            _meta(
                "Training time after which training stops. auto: 20 s, or 120 s for images, unless steps are given",
                ge=0.0,
                le=1e6,
                unit="s",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    steps: (
        Annotated[int, _meta("Steps after which training stops. auto: no limit", ge=0, le=1_000_000_000, log=True)]
        | Auto
    ) = "auto"
    batch: (
        Annotated[
            int,
            _meta("Points per step. auto: 512, or 64 images", ge=1, le=65_536, symbol="B", log=True),
        ]
        | Auto
    ) = "auto"
    learning_rate: Annotated[float, _meta("Step size of Adam at the start", ge=1e-7, le=1.0, symbol="η", log=True)] = (
        3e-3
    )
    lr_schedule: Annotated[
        Literal["cosine", "none"], _meta("Schedule of the learning rate until the end of training")
    ] = "cosine"
    early_stopping: Annotated[
        Literal["auto", "on", "off"],
        _meta(
            "Keep the averaged weights with the lowest held-out loss. Training ends when this loss has not "
            "fallen for as long as it took to fall, at least 1,000 steps. Half of a file's held-out rows, at "
            "most 256, serve for this and leave the test set. auto: on for points of the plane, at most 10,000 "
            "of them",
            resets=True,  # else what training was stopped by would come back into the test set
        ),
    ] = "auto"
    ema_decay: Annotated[
        float,
        _meta(
            "Decay d of the exponential moving average of the weights, which sampling uses; with warm-up",
            ge=0.0,
            le=0.99999,
            equation=r"\min(d, (1+n)/(10+n))",
        ),
    ] = 0.998
    label_dropout: Annotated[
        float,
        _meta(
            "Fraction of labels hidden from a U-Net in training, so that it learns the score with and without a "
            "class. 0 leaves the score without a class untrained, which likelihoods and guidance need; 1 leaves "
            "that of each class untrained",
            ge=0.0,
            le=1.0,
            equation=r"s_\theta(x, \sigma \mid c),\ s_\theta(x, \sigma)",
        ),
    ] = 0.3
    sigma_distribution: Annotated[
        Literal["log-normal", "log-uniform", "time", "importance"],
        _meta(
            "Distribution of the noise levels that a continuous process draws in training: log-normal, "
            "log-uniform, uniform in t, or importance-sampled for the likelihood's weight",
            equation={
                "log-normal": r"\ln \sigma \sim N(\ln s - 1.2, 1.4^2)",
                "log-uniform": r"\ln \sigma \sim U(\ln \sigma_{min}, \ln \sigma_{max})",
                "time": r"t \sim U(t_{min}, 1),\ \sigma = \sigma(t)",
                "importance": r"p(\ln \sigma) \propto s^2/(s^2 + \sigma^2)",
            },
        ),
    ] = "log-normal"


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that determines a run. An empty file is valid: two moons with the defaults."""

    seed: Annotated[int, _meta("Seed of all random numbers", ge=0, le=2**31 - 1)] = 0
    data: Data = Data()
    noise: Noise = Noise()
    network: Network = Network()
    objective: Objective = Objective()
    training: Training = Training()
    sampling: Sampling = Sampling()
    likelihood: Likelihood = Likelihood()
