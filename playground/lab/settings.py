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
            "No noise, one sigma, a ladder of sigmas, or a continuous process",
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
                "The one noise level of kind = single",
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
                "Finest noise level: the learned density is smoothed by this much; auto: a hundredth of the data's deviation, or a third "
                "of their thickness where they are narrower, along a principal axis of all or of neighbouring points",
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
                "Coarsest noise level: at least the widest gap in the data; auto: twice that",
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
            "Levels of the ladder: training sees no others, though log p and the samplers of a process pass between them; "
            "annealed Langevin takes as many from a continuous process",
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
            "The ladder's sigmas from coarse to fine where they are not geometric",
            unit="data",
            symbol="σ_i",
            resets=True,
        ),
    ] = ()
    schedule: Annotated[
        tuple[tuple[float, float], ...],
        _meta(
            "Points (t, σ) of kind = custom, from t = 0 to t = 1, both rising; a smooth rising curve of ln σ goes through them. "
            "Without any it is the line of kind = ve",
            unit="data",
            symbol="σ(t)",
            equation=r"dx = \sqrt{d\sigma^2/dt}\,dw",
            resets=True,
        ),
    ] = ()
    beta_min: Annotated[
        float,
        _meta(
            "Rate of the VP and sub-VP processes at t = 0",
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
            "Rate of the VP and sub-VP processes at t = 1",
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
            "Points take an MLP, images a small U-Net; energy: an MLP of one output, whose gradient is the score, and whose "
            "density can be summed up",
            symbol="s_θ",
            equation={"energy": r"s = -\nabla f,\ p = e^{-f}/Z"},
            resets=True,
        ),
    ] = "auto"
    width: Annotated[
        int,
        _meta(
            "Units a hidden layer; four times the channels of a U-Net",
            ge=4,
            le=2048,
            log=True,
            resets=True,
        ),
    ] = 128
    depth: Annotated[
        int, _meta("Hidden layers; of a U-Net levels, as far as the image can be halved", ge=1, le=12, resets=True)
    ] = 3
    activation: Annotated[
        Literal["silu", "gelu", "tanh", "softplus"],
        _meta("Non-linearity; smooth, because exact matching differentiates twice", resets=True),
    ] = "silu"
    features: Annotated[
        int,
        _meta(
            "Random Fourier features of x; 0 for a plain MLP, which may learn nothing",
            ge=0,
            le=1024,
            equation=r"\cos(b^\top x), \sin(b^\top x)",
            resets=True,
        ),
    ] = 64
    feature_scale: Annotated[
        float,
        _meta(
            "Spread of the Fourier frequencies on preconditioned inputs",
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
            "Exact, sliced or denoising score matching; or, for an energy in the plane, maximum likelihood with Z summed up",
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
            "Weight of each noise level in the loss; auto: edm for denoising, sigma2 for exact and sliced, constant for "
            "maximum likelihood",
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
                "Points of the batch over which denoising's target is averaged, which takes most noise out of coarse levels; "
                "1 for each point's own noise, as where a network is told classes; at most the batch; auto: 256, or 1 for images",
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
            "Random directions a point, for sliced matching",
            ge=1,
            le=64,
            symbol="k",
            equation=r"E_v\,[v^\top \nabla s\, v + \frac{1}{2}(v^\top s)^2]",
        ),
    ] = 1
    probes: Annotated[
        Literal["rademacher", "gaussian", "sphere"],
        _meta("Law of the directions; all have unit covariance", symbol="v", equation=r"E[v v^\top] = I"),
    ] = "rademacher"
    variance_reduced: Annotated[
        bool,
        _meta(
            "Use the exact squared norm instead of its projection, which has less variance",
            equation=r"\frac{1}{2}\|s\|^2",
        ),
    ] = True
    normalizer_grid: Annotated[
        int,
        _meta(
            "Cells of the sum over the plane along each side, for maximum likelihood: a step costs their square, and what is "
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
                "Stop after this much training time; auto: 20 s, or 120 s for images, unless steps are given",
                ge=0.0,
                le=1e6,
                unit="s",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    steps: (
        Annotated[int, _meta("Stop after this many steps; auto: no limit", ge=0, le=1_000_000_000, log=True)] | Auto
    ) = "auto"
    batch: (
        Annotated[
            int,
            _meta("Points a step; auto: 512, or 64 images", ge=1, le=65_536, symbol="B", log=True),
        ]
        | Auto
    ) = "auto"
    learning_rate: Annotated[float, _meta("Step size of Adam at the start", ge=1e-7, le=1.0, symbol="η", log=True)] = (
        3e-3
    )
    lr_schedule: Annotated[
        Literal["cosine", "none"], _meta("How the learning rate falls until the end of training")
    ] = "cosine"
    early_stopping: Annotated[
        Literal["auto", "on", "off"],
        _meta(
            "Keep the averaged weights of the least held-out loss, and end training once it has not fallen for as long as it "
            "took to fall, at least 1,000 steps; half of a file's held-out rows, at most 256, serve for that and leave the test set; "
            "auto: on for at most 10,000 training points of the plane",
            resets=True,  # else what training was stopped by would come back into the test set
        ),
    ] = "auto"
    ema_decay: Annotated[
        float,
        _meta(
            "Memory of the averaged weights that sampling uses, with warm-up",
            ge=0.0,
            le=0.99999,
            equation=r"\min(d, (1+n)/(10+n))",
        ),
    ] = 0.998
    label_dropout: Annotated[
        float,
        _meta(
            "Share of the points whose label a U-Net is not told in training, so that it learns the score with and without one; "
            "0 never trains the score without a label, on which likelihoods and guidance rest, 1 never that of a class",
            ge=0.0,
            le=1.0,
            equation=r"s_\theta(x, \sigma \mid c),\ s_\theta(x, \sigma)",
        ),
    ] = 0.3
    sigma_distribution: Annotated[
        Literal["log-normal", "log-uniform", "time", "importance"],
        _meta(
            "How a continuous process draws its noise levels in training: normal or even in ln σ, even in the process's "
            "time, or in proportion to what the likelihood's weight makes of each",
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

    seed: Annotated[int, _meta("Seed of every random draw", ge=0, le=2**31 - 1)] = 0
    data: Data = Data()
    noise: Noise = Noise()
    network: Network = Network()
    objective: Objective = Objective()
    training: Training = Training()
    sampling: Sampling = Sampling()
    likelihood: Likelihood = Likelihood()
